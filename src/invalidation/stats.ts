/** What a publisher, a subscriber or a node has done so far, in memory that does not grow. */
import type { Millis } from './clock.ts';
import { Histogram, type Latency } from './histogram.ts';
import type { Position } from './position.ts';

export interface StatsSnapshot {
  /** Messages confirmed to be in the log at their first attempt. */
  readonly published: number;
  /** Messages kept in the outbox, because the log could not be reached in time. */
  readonly kept: number;
  /** Messages received: records of the log, and foreign ones heard on the channel. */
  readonly received: number;
  /** Messages heard on the channel that nobody had put in the log. */
  readonly foreign: number;
  /** Messages on the channel that could not be read, and were dropped. */
  readonly rejected: number;
  /** Foreign messages for which there was no room; a gap is told of in their place. */
  readonly dropped: number;
  /** Callbacks and listeners that threw. */
  readonly errors: number;
  /** Times that records may have been missed. */
  readonly gaps: number;
  /** From the call to the confirmation, of those published. */
  readonly publishLatency: Latency;
  /** What callbacks took, of those that did not throw. */
  readonly callbackLatency: Latency;
}

/** Of a node on the log. */
export interface NodeStats extends StatsSnapshot {
  readonly hears: boolean;
  readonly position: Position;
  readonly floor: Position;
  /** Times that the floor has risen: more was forgotten than was invalidated. */
  readonly floorRaises: number;
  /** Tags, subtrees and patterns that the horizon remembers. */
  readonly marks: number;
  /** Messages waiting in the outbox. */
  readonly outbox: number;
  /** How long ago the log had last been read to its end; undefined where it never was. */
  readonly lagMs: Millis | undefined;
}

type Counter = Exclude<keyof StatsSnapshot, 'publishLatency' | 'callbackLatency'>;

export class Stats {
  readonly #counters: Record<Counter, number> = {
    published: 0, kept: 0, received: 0, foreign: 0, rejected: 0, dropped: 0, errors: 0,
    gaps: 0,
  };
  readonly #publishLatency = new Histogram();
  readonly #callbackLatency = new Histogram();

  count(counter: Exclude<Counter, 'published'>, by = 1): void {
    this.#counters[counter] += by;
  }

  published(latencyMs: Millis): void {
    this.#counters.published += 1;
    this.#publishLatency.record(latencyMs);
  }

  calledBack(latencyMs: Millis): void {
    this.#callbackLatency.record(latencyMs);
  }

  snapshot(): StatsSnapshot {
    return {
      ...this.#counters,
      publishLatency: this.#publishLatency.latency(),
      callbackLatency: this.#callbackLatency.latency(),
    };
  }
}
