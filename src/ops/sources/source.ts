/**
 * A source hears of changes where they are made, in a database or a broker, and puts what they make
 * stale in the log: one more door to `append`.
 *
 * Every source promises:
 * - It acknowledges to its server what is in the log, and nothing before. What was not acknowledged
 *   comes again, to this process or another one; repeats are harmless.
 * - What it cannot read is counted, acknowledged and passed over. Where it cannot tell what it has
 *   missed, it purges all that it could have been told of.
 * - `start` waits for nothing and throws nothing. Server or log away: it tries again by itself,
 *   with growing pauses, and holds no more in memory than a bounded piece.
 * - Of several processes with the same source one works, or the server deals the messages out;
 *   another takes over when one ends.
 *
 * A new kind of source is one file: its session with the server as the `work` of a `SourceLoop`,
 * `append` before it acknowledges, and the contract suite in test/ops/sources.
 */
import type { Clock, Random } from '../../invalidation/clock.ts';
import type { Log } from '../../invalidation/log.ts';

export interface InvalidationSource {
  /** Begins, and goes on until `close`, whatever goes wrong. */
  start(): void;
  readonly stats: SourceStats;
  /** Acknowledges what is in the log already, and ends the session. No wait of it is unbounded. */
  close(): Promise<void>;
}

export interface SourceStats {
  /** As the configuration calls it. */
  readonly name: string;
  /** Whether this process reads it, or is next where the server chooses. Another process may. */
  readonly isWorking: boolean;
  /** Messages that are in the log, and were acknowledged or will be. */
  readonly delivered: number;
  /** What could not be read, and was passed over. */
  readonly refused: number;
  /** Times that the server or the log failed; each attempt counts. */
  readonly failures: number;
}

/**
 * The log, as a source sees it. `append` resolves when the message is in the log; it rejects with
 * `LOG_UNAVAILABLE` where that cannot be confirmed: acknowledge nothing, and give it again.
 */
export type Sink = Pick<Log, 'append'>;

/** What every source is given besides its own options. */
export interface SourceSurroundings {
  readonly name: string;
  readonly sink: Sink;
  /** Told of what an operator should know. The loop of a source calls it sparingly. */
  readonly warn: (text: string) => void;
  readonly clock: Clock;
  readonly random: Random;
}
