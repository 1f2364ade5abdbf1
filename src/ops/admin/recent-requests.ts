/**
 * What was asked of late under which `request_id`, so that whoever asks again gets the first
 * answer. It is told of what other nodes did, by the log. Bounded: what is forgotten may be done
 * again, which costs a purge more and never one less.
 */
import { LRUCache } from 'lru-cache';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { fault } from '../../invalidation/errors.ts';
import type { LogRecord } from '../../invalidation/log.ts';
import type { Position } from '../../invalidation/position.ts';

/** What is in the log. */
export interface Recorded {
  readonly position: Position;
  readonly requestId: string;
  readonly publishedAt: string;
}

export type Known<Done> =
  /** It is being done; rejects as that does. */
  | { readonly kind: 'underWay'; readonly done: Promise<Done> }
  /** It is done on this node, and waits to be in the log. */
  | { readonly kind: 'kept' }
  /** In the log; whoever did it, here or elsewhere. */
  | { readonly kind: 'recorded'; readonly recorded: Recorded }
  | { readonly kind: 'done'; readonly done: Done };

interface Remembered<Done> {
  readonly fingerprint: string;
  readonly known: Known<Done>;
  readonly until: Millis;
}

export const REQUEST_ID_LENGTH_MAX = 128;
const REQUESTS_MAX = 10_000;
const BYTES_MAX = 32 * 1024 * 1024;
const ENTRY_BYTES = 1_000;
const AGE_MAX_MS: Millis = 3_600_000;

export class RecentRequests<Done> {
  readonly #clock: Clock;
  readonly #requests = new LRUCache<string, Remembered<Done>>({
    max: REQUESTS_MAX,
    maxSize: BYTES_MAX,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws REQUEST_ID_REUSED */
  find(requestId: string, fingerprint: string): Known<Done> | undefined {
    const found = this.#requests.get(requestId);
    if (found === undefined || this.#clock.now() >= found.until) return undefined;
    if (found.fingerprint !== fingerprint) throw fault('REQUEST_ID_REUSED');
    return found.known;
  }

  remember(
    { requestId, fingerprint }: { requestId: string; fingerprint: string },
    known: Known<Done>,
  ): void {
    const until = this.#clock.now() + AGE_MAX_MS;
    const answerBytes = known.kind === 'done' ? 2 * JSON.stringify(known.done).length : 0;
    const size = Math.min(BYTES_MAX, ENTRY_BYTES + answerBytes);
    this.#requests.set(requestId, { fingerprint, known, until }, { size });
  }

  forget(requestId: string): void {
    this.#requests.delete(requestId);
  }

  /** To be told of all records of the log. */
  heard({ position, message }: LogRecord): void {
    const { request_id: requestId, request_fingerprint: fingerprint } = message.metadata ?? {};
    if (typeof requestId !== 'string' || requestId.length > REQUEST_ID_LENGTH_MAX) return;
    if (typeof fingerprint !== 'string' || fingerprint.length > REQUEST_ID_LENGTH_MAX) return;
    const before = this.#requests.peek(requestId)?.known.kind;
    if (before === 'underWay' || before === 'done') return;
    const recorded = { position, requestId, publishedAt: message.timestamp };
    this.remember({ requestId, fingerprint }, { kind: 'recorded', recorded });
  }
}
