/**
 * Follows a stream of events of the node for as long as the page is open: where it ends, or stays
 * silent for longer than the node's heartbeats are apart, it is opened again, after a wait that
 * grows from one second to fifteen. While a token is asked for it waits for that.
 */
import { effect } from '@preact/signals';
import { pause, type Clock, type Millis, type Random } from '../../invalidation/clock.ts';
import { within } from '../../invalidation/within.ts';
import type { ServerSentEvent } from '../server-sent-event.ts';
import { EventReader } from './event-stream.ts';
import { open, Refusal, UNREACHABLE } from './operators.ts';
import { lack, token } from './session.ts';

export interface Connection {
  readonly state: 'connecting' | 'live' | 'lost';
  /** Why it was lost. */
  readonly refusal?: Refusal;
}

export interface FollowOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ServerSentEvent) => void;
  readonly onConnection: (connection: Connection) => void;
}

const WAIT_MS_MIN: Millis = 1_000;
const WAIT_MS_MAX: Millis = 15_000;
/** The node sends a comment each ten seconds. */
const SILENCE_MS_MAX: Millis = 25_000;

/** Resolves when `signal` aborts. */
export async function follow(options: FollowOptions): Promise<void> {
  const { clock, random, signal, onConnection } = options;
  let waitMs = WAIT_MS_MIN;
  while (!signal.aborted) {
    await admitted(signal);
    const hasHeard = await followOnce(options).catch((error: unknown) => {
      if (!signal.aborted) onConnection({ state: 'lost', refusal: asRefusal(error) });
      return false;
    });
    if (hasHeard) waitMs = WAIT_MS_MIN;
    const another = new AbortController();
    // Whoever names a token wants to see at once what it opens.
    const before = token.peek();
    const stop = effect(() => {
      if (token.value !== before) another.abort();
    });
    // Between half of it and all, so that pages do not come back to a node in step.
    await pause(clock, waitMs * (0.5 + random() / 2), AbortSignal.any([signal, another.signal]));
    stop();
    waitMs = Math.min(WAIT_MS_MAX, waitMs * 2);
  }
}

/** Resolves when the stream ends, to whether there was an event. Rejects where it broke. */
async function followOnce(options: FollowOptions): Promise<boolean> {
  const { path, clock, signal, onEvent, onConnection } = options;
  const given = new AbortController();
  const stop = AbortSignal.any([signal, given.signal]);
  let hasHeard = false;
  try {
    const stream = await within(open(path, stop), { timeoutMs: SILENCE_MS_MAX, clock });
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    const events = new EventReader();
    onConnection({ state: 'live' });
    for (;;) {
      const { done, value } = await within(reader.read(), { timeoutMs: SILENCE_MS_MAX, clock });
      if (done) break;
      for (const event of events.read(decoder.decode(value, { stream: true }))) onEvent(event);
      hasHeard = true;
    }
  } catch (error) {
    if (!hasHeard) throw error;
  } finally {
    given.abort();
  }
  if (!signal.aborted) onConnection({ state: 'lost', refusal: unreachable() });
  return hasHeard;
}

/** Resolves when no token is asked for. */
function admitted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    // It runs at once, and may only be stopped once that is over.
    const stop = effect(() => {
      if (lack.value === undefined) queueMicrotask(done);
    });
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}

function asRefusal(error: unknown): Refusal {
  return error instanceof Refusal ? error : unreachable();
}

function unreachable(): Refusal {
  return new Refusal(UNREACHABLE, 'The node does not answer.');
}
