/**
 * What has left the memory of this process of late, and what was not let in, with the reason: for
 * whoever asks afterwards why something is not there. It promises to remember no more than a
 * bounded number, the oldest given up first, and none of the values.
 */
import assert from 'node:assert/strict';
import type { Millis } from '../invalidation/clock.ts';
import { FifoMap } from '../invalidation/fifo-map.ts';
import type { Position } from '../invalidation/position.ts';
import type { Tag } from '../invalidation/tag.ts';
import type { Entry } from './entry.ts';
import type { FillVerdict } from './freshness.ts';

export type DepartureReason =
  /** It had to make room for others. */
  | 'evicted'
  /** It was found, and was of no more use: invalidated, or past its TTL and its windows. */
  | 'dropped'
  /** It was larger than one entry may be. */
  | 'oversized'
  /** It was loaded, and the rule spoke against storing it. */
  | 'refused'
  /** What was loaded last was for one caller alone, or not to be kept at all. */
  | 'unkept'
  /** The last load failed, or brought errors. */
  | 'failed';

export interface Departure {
  readonly reason: DepartureReason;
  /** Of what was refused. */
  readonly verdict: Exclude<FillVerdict, 'current'> | undefined;
  readonly at: Millis;
  /** The first 20 that it had. */
  readonly tags: readonly Tag[];
  readonly stamp: Position;
  readonly staleAt: Millis;
}

const DEPARTURES_MAX = 10_000;
/** An answer may have thousands, and as many are remembered of each. */
const TAGS_MAX = 20;

export class Departures {
  readonly #departures = new FifoMap<string, Departure>();
  readonly #departuresMax: number;

  /** `departuresMax`: some 500 B each, and the texts of their tags. Default 10,000. */
  constructor(departuresMax = DEPARTURES_MAX) {
    assert(departuresMax >= 1, 'at least one departure is remembered');
    this.#departuresMax = departuresMax;
  }

  of(id: string): Departure | undefined {
    return this.#departures.get(id);
  }

  note(
    id: string,
    { tags, stamp, staleAt }: Pick<Entry, 'tags' | 'stamp' | 'staleAt'>,
    { reason, verdict, at }: Pick<Departure, 'reason' | 'at'> & Partial<Departure>,
  ): void {
    const kept = tags.length > TAGS_MAX ? tags.slice(0, TAGS_MAX) : tags;
    this.#departures.set(id, { reason, verdict, at, tags: kept, stamp, staleAt });
    if (this.#departures.size > this.#departuresMax) this.#departures.takeOldest();
  }

  clear(): void {
    this.#departures.clear();
  }
}
