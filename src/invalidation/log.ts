/**
 * The log is the ordered record of invalidations. Whoever invalidates, appends; whoever caches,
 * follows. Booting, reconnecting, replaying and the steady state are one call to `follow`.
 */
import type { Millis } from './clock.ts';
import type { InvalidationMessage } from './message.ts';
import type { Position } from './position.ts';

export interface LogRecord {
  readonly position: Position;
  /**
   * The position of the last of those that were appended in one step with it: nobody has read one
   * of them and not the others. Absent where it is its own.
   */
  readonly batchEnd?: Position;
  readonly message: InvalidationMessage;
}

/** What a follower learns, in order. */
export type LogEvent =
  /** The next records, without a gap after all that came before. `caughtUp`: none were left. */
  | { readonly kind: 'records'; readonly records: readonly LogRecord[]; readonly caughtUp: boolean }
  /**
   * The log is alive and holds nothing new. Comes at least every `heartbeatMs` when idle.
   * `askedAt`: when that was asked, by the clock of the log, where it was later than the event was.
   */
  | { readonly kind: 'heartbeat'; readonly askedAt?: Millis }
  /** Records may be missing before `end`, where reading goes on: forget what was known. */
  | { readonly kind: 'gap'; readonly end: Position }
  /** The log cannot be heard. The iteration goes on and tries again by itself. */
  | { readonly kind: 'lost'; readonly error: Error };

export interface AppendOptions {
  /**
   * Also tell the channel, so that subscribers that do not read the log hear of it. Default true;
   * false for a message that was heard on the channel in the first place.
   */
  readonly announce?: boolean;
  /** What tells the message from others (content.ts). Default the digest of its content. */
  readonly identity?: string;
  /**
   * Nobody waits for it: it may take longer than the append timeout, as long as the log takes what
   * others append. Default false.
   */
  readonly isPatient?: boolean;
}

export interface Identified {
  readonly message: InvalidationMessage;
  /** What `writeMessage` writes of it, where that is known: then it was read from that. */
  readonly json?: string | undefined;
  /** What tells it from others. */
  readonly identity: string;
}

export interface Log {
  /**
   * Puts the message in the log and resolves to its position. Appending an equal message (same
   * content with its `message_id`, or same `identity`) again within a minute resolves to the first
   * one's position.
   * Rejects with `LOG_UNAVAILABLE` within the log's append timeout when that cannot be confirmed;
   * the message may then be in the log or not, and appending it again is safe.
   */
  append(message: InvalidationMessage, options?: AppendOptions): Promise<Position>;

  /**
   * As `append`, patiently and not announced, for many at once: the positions in the same order.
   * Rejects where any of them cannot be confirmed, and `MESSAGE_INVALID` and `MESSAGE_TOO_LARGE`
   * as `append`. Absent where it would save nothing.
   */
  appendAll?(messages: readonly Identified[]): Promise<readonly Position[]>;

  /**
   * The records after `from`, without end; without `from`, as far back as the log can tell (its
   * first event is then a `gap` at the place where it starts). Ends only when `signal` aborts or
   * the log is closed, and throws only for our own bugs: trouble is an event.
   */
  follow(options: { from?: Position; signal: AbortSignal }): AsyncIterable<LogEvent>;

  /** Releases connections. Appends under way are rejected, later ones with `LOG_CLOSED`. */
  close(): Promise<void>;
}
