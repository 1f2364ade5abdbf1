/**
 * Appends to the Stream for one process. What is appended in one turn of the event loop goes there
 * in one call and becomes one entry, so that a storm of messages costs Redis, and whoever follows,
 * little for each.
 *
 * It promises: each message has a position of its own, in one entry in the order of the calls; no
 * call waits longer than `appendTimeoutMs` for Redis, but for one that is patient: that waits while
 * Redis answers others. Of entries under way at once, one that a Cluster redirects may come after
 * the next: purges are the same in any order.
 */
import type { Clock, Millis } from './clock.ts';
import type { Connection } from './connection.ts';
import type { OwnEntries } from './log-redis-own.ts';
import { APPEND, keyBeside, limitsText, runScript, type Limits } from './log-scripts.ts';
import type { InvalidationMessage } from './message.ts';
import { parsePosition, positionsUpTo, type Position } from './position.ts';
import { unavailable } from './redis.ts';
import { TimedOut, waitWithin, within } from './within.ts';

export interface AppenderOptions extends Limits {
  readonly connection: Connection;
  readonly stream: string;
  readonly channel: string;
  readonly appendTimeoutMs: Millis;
  readonly clock: Clock;
  /** Told of what is appended, for who reads it again. */
  readonly own?: OwnEntries;
}

export interface Appended {
  /** What tells it from others; of some 32 characters. */
  readonly identity: string;
  readonly json: string;
  readonly messageId: string;
  /** What is published before and after the position; nothing where it is not announced. */
  readonly announcement: readonly [string, string];
  /** See `AppendOptions`. */
  readonly isPatient?: boolean;
  /** What reading `json` gives, where that is known. */
  readonly message?: InvalidationMessage | undefined;
}

/** An equal message within this time is the same message (interface `Log`). */
const SEEN_MS = 60_000;
/** Messages in one entry, and characters of them; who reads it takes no more than a megabyte. */
const MESSAGES_MAX = 128;
const LENGTH_MAX = 65_536;

interface Pending extends Appended {
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;
}

export class RedisLogAppender {
  readonly #options: AppenderOptions;
  readonly #keys: readonly string[];
  readonly #seenPrefix: string;
  readonly #limits: readonly string[];
  readonly #waitMs: Millis;
  #pending: Pending[] = [];
  #pendingLength = 0;
  #isFlushing = false;
  /** When Redis last answered. */
  #answeredAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: AppenderOptions) {
    const { stream, channel, appendTimeoutMs } = options;
    this.#options = options;
    this.#waitMs = waitWithin(appendTimeoutMs);
    this.#keys = [stream, keyBeside(stream, 'limits')];
    this.#seenPrefix = keyBeside(stream, 'seen:');
    this.#limits = [...limitsText(options), String(SEEN_MS), channel];
  }

  /** Rejects with `LOG_UNAVAILABLE`: it may then be in the log or not. */
  append(appended: Appended): Promise<Position> {
    return new Promise((resolve, reject) => {
      if (this.#pendingLength + appended.json.length > LENGTH_MAX) this.#flush();
      this.#pending.push({ ...appended, resolve, reject });
      this.#pendingLength += appended.json.length;
      if (this.#pending.length >= MESSAGES_MAX || this.#pendingLength >= LENGTH_MAX) {
        this.#flush();
      } else if (!this.#isFlushing) {
        this.#isFlushing = true;
        process.nextTick(() => {
          this.#isFlushing = false;
          this.#flush();
        });
      }
    });
  }

  /** As `append`, for what is patient: in as many entries as it takes, in their order. */
  async appendAll(all: readonly Appended[]): Promise<readonly Position[]> {
    this.#flush();
    const sent: Promise<readonly Position[]>[] = [];
    for (let at = 0; at < all.length;) {
      const some = fitting(all, at);
      sent.push(this.#send(some));
      at += some.length;
    }
    return (await Promise.all(sent)).flat();
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    this.#pendingLength = 0;
    this.#send(pending).then((positions) => {
      for (const [at, { resolve }] of pending.entries()) resolve(positions[at] as Position);
    }, (error: unknown) => {
      for (const { reject } of pending) reject(error);
    });
  }

  async #send(pending: readonly (Appended | Pending)[]): Promise<readonly Position[]> {
    const { connection, clock } = this.#options;
    const keys = [...this.#keys];
    const args = [...this.#limits];
    for (const { identity, json, messageId, announcement: [before, after] } of pending) {
      keys.push(this.#seenPrefix + identity);
      args.push(json, messageId, before, after);
    }
    const deadline = clock.now() + this.#waitMs;
    const client = await connection.ready(this.#waitMs);
    this.#remember(pending);
    try {
      const timeoutMs = Math.max(1, deadline - clock.now());
      const ids = await this.#answer(runScript(client, APPEND, { keys, args }), {
        pending, timeoutMs,
      });
      const positions = positionsOf(ids, pending.length);
      connection.proved();
      this.#answeredAt = clock.now();
      return positions;
    } catch (error) {
      // A connection that answers nobody would have to hold every later command as well; one that
      // is slow under load is not made faster by sending all of it again.
      if (error instanceof TimedOut && this.#isSilent) connection.drop();
      throw unavailable(error);
    }
  }

  /** Those that are patient wait on: what is sent again would have to be answered as well. */
  async #answer(
    answer: Promise<unknown>,
    { pending, timeoutMs }: { pending: readonly (Appended | Pending)[]; timeoutMs: Millis },
  ): Promise<unknown> {
    const { clock } = this.#options;
    const hasPatient = pending.some(({ isPatient }) => isPatient);
    for (let waitMs = timeoutMs; ; waitMs = this.#waitMs) {
      try {
        return await within(answer, { timeoutMs: waitMs, clock });
      } catch (error) {
        if (!(error instanceof TimedOut) || this.#isSilent || !hasPatient) throw error;
        for (const one of pending) {
          if ('reject' in one && one.isPatient !== true) one.reject(unavailable(error));
        }
      }
    }
  }

  get #isSilent(): boolean {
    return this.#options.clock.now() - this.#answeredAt >= this.#waitMs;
  }

  #remember(pending: readonly Appended[]): void {
    const { own } = this.#options;
    if (own?.isRead !== true) return;
    const messages: InvalidationMessage[] = [];
    for (const { message } of pending) {
      if (message === undefined) return;
      messages.push(message);
    }
    const { messageId, json } = pending.at(-1) as Appended;
    const isOne = pending.length === 1;
    const text = isOne ? json : `[${pending.map((one) => one.json).join(',')}]`;
    own.add({ messageId, text, messages });
  }
}

/** Those from `start` on that one entry may hold. */
function fitting(all: readonly Appended[], start: number): readonly Appended[] {
  let [end, length] = [start, 0];
  for (; end < all.length && end - start < MESSAGES_MAX; end += 1) {
    length += (all[end] as Appended).json.length;
    if (length > LENGTH_MAX && end > start) break;
  }
  return all.slice(start, end);
}

function positionsOf(ids: unknown, count: number): readonly Position[] {
  const positions = Array.isArray(ids) ? ids.map((id) => parsePosition(String(id))) : [];
  const [last] = positions;
  // One for all: they are new, and so they follow one another.
  if (positions.length === 1 && last !== undefined) return positionsUpTo(last, count);
  if (positions.length !== count || positions.includes(undefined)) {
    throw new Error('the Stream gives out IDs that are no positions');
  }
  return positions as readonly Position[];
}
