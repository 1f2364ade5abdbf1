/**
 * Stores what a mutation's answer shows, so that whoever reads it next need not ask the origin. The
 * hard part is the stamp: the answer was read before the mutation's own purge, which touches all of
 * it, so it is stamped with the place P where that purge is marked: its own, or the end of the
 * batch that it came in. That is as if it had been read right after the purge, and holds only if
 * nothing else has changed it in between.
 *
 * It promises that no state which was read before another purge of its tags is ever stored. Let B
 * be where this node stood when the mutation began, S the state that its answer shows of something,
 * and Q the place of any other purge that touches it. Whoever changes something purges it after:
 * - Q <= B: that change was made before the purge at Q, thus before S was read: S shows it;
 * - B < Q <= P: S may or may not show the change. The record at Q is among those that came while
 *   the mutation ran, and S is refused;
 * - Q > P: an entry stamped P is invalidated by the record at Q, by the rule, on every node;
 * - no place yet: it is held by the node that is to append it, which refuses it by the rule, and on
 *   all others it is one of the former once it has its place.
 * The records between B and P are all there: they are told in order and without a gap, and S is
 * stored only once the record at P itself was told, and no gap was. A purge that this node may have
 * missed for ever raises the floor of its horizon beyond B, and S is refused. What a mutation of
 * the same document does after S was read has no purge of its own: so the caller hands in only what
 * was read after the last of its writes. Whether a replica lagged is asked as of any fill
 * (`Evidence`): with a settle time nothing is stored, since P is always too recent.
 */
import assert from 'node:assert/strict';
import type { Clock, Millis, Random } from '../invalidation/clock.ts';
import { Horizon } from '../invalidation/horizon.ts';
import type { LogRecord } from '../invalidation/log.ts';
import type { InvalidationNode } from '../invalidation/node.ts';
import type { Position } from '../invalidation/position.ts';
import { entryOf, type Fill } from './fill.ts';
import type { CacheKey } from './key.ts';
import type { Tiers } from './tiers.ts';

export interface WriteThroughOptions {
  readonly node: Pick<InvalidationNode, 'horizon' | 'onRecords' | 'onGap' | 'purgesOf'>;
  readonly tiers: Tiers;
  readonly clock: Clock;
  readonly random: Random;
  /** Mutations that are watched at a time; of others nothing is stored. Default 1,000. */
  readonly mutationsMax?: number;
  /** Records that come while one runs; where more come nothing is stored. Default 1,000. */
  readonly recordsMax?: number;
}

export interface WriteThroughStats {
  /** Values that were stored. */
  stored: number;
  /** Values that were not: something else was purged, or could have been, or the rule said no. */
  refused: number;
}

/** A value that a mutation's answer shows, under the key that a read of it would have. */
export interface Written {
  readonly key: CacheKey;
  readonly fill: Fill;
}

export class WriteThrough {
  readonly stats: WriteThroughStats = { stored: 0, refused: 0 };
  readonly #options: WriteThroughOptions;
  readonly #mutationsMax: number;
  #running = 0;

  constructor(options: WriteThroughOptions) {
    const { mutationsMax = 1_000, recordsMax = 1_000 } = options;
    assert(mutationsMax >= 0 && recordsMax >= 1, 'limits of write-through are positive');
    this.#options = options;
    this.#mutationsMax = mutationsMax;
  }

  /** To be called before the mutation is sent; what is returned is to be stored or ended. */
  begin(): RunningMutation {
    const isWatched = this.#running < this.#mutationsMax;
    if (isWatched) this.#running += 1;
    const onEnd = (): void => {
      if (isWatched) this.#running -= 1;
    };
    return new RunningMutation({ ...this.#options, stats: this.stats, isWatched, onEnd });
  }
}

interface RunningOptions extends WriteThroughOptions {
  readonly stats: WriteThroughStats;
  readonly isWatched: boolean;
  readonly onEnd: () => void;
}

export class RunningMutation {
  readonly #options: RunningOptions;
  readonly #beganAt: Millis;
  readonly #begin: Position;
  readonly #stops: readonly (() => void)[];
  #records: LogRecord[] = [];
  /** Not all of the records are known. */
  #isBlind: boolean;
  #isOver = false;

  constructor(options: RunningOptions) {
    const { node, clock, recordsMax = 1_000, isWatched } = options;
    this.#options = options;
    this.#beganAt = clock.now();
    this.#begin = node.horizon.position;
    this.#isBlind = !isWatched;
    this.#stops = isWatched ? [
      node.onRecords((records) => {
        if (this.#records.length + records.length > recordsMax) this.#isBlind = true;
        else this.#records.push(...records);
      }),
      node.onGap(() => (this.#isBlind = true)),
    ] : [];
  }

  /**
   * Stores what of `written` may be, and says how many were. `position`: of the mutation's own
   * purge, which this node has followed; undefined where it has no place yet. Ends it.
   */
  store(written: readonly Written[], position: Position | undefined): number {
    const { stats } = this.#options;
    const own = this.#records.find((record) => record.position === position);
    const others = own && this.#othersThan(own);
    const stored = own === undefined || others === undefined ? 0
      : written.filter((one) => this.#store(one, own.batchEnd ?? own.position, others)).length;
    stats.stored += stored;
    stats.refused += written.length - stored;
    this.end();
    return stored;
  }

  /** To be called where there is nothing to store; does nothing when called again. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stop of this.#stops) stop();
    this.#records = [];
    this.#options.onEnd();
  }

  /** What all records but the own one purge; undefined where they are not all known. */
  #othersThan(own: LogRecord): Horizon | undefined {
    const { node } = this.#options;
    if (this.#isOver || this.#isBlind || node.horizon.floor > this.#begin) return undefined;
    const horizon = new Horizon();
    for (const record of this.#records) {
      if (record !== own) horizon.advance(record.position, node.purgesOf(record.message));
    }
    return horizon;
  }

  #store({ key, fill }: Written, stamp: Position, others: Horizon): boolean {
    const { tiers, clock, random } = this.#options;
    if (fill.ttlMs <= 0 || !fill.shareable) return false;
    const begin = this.#begin;
    if (others.invalidatedSince(begin, fill.tags)) return false;
    if (others.softenedSince(begin, fill.tags)) return false;
    const beganAt = this.#beganAt;
    const entry = entryOf(fill, { stamp, beganAt, loadMs: clock.now() - beganAt }, random);
    return tiers.set(key, entry, { ...fill, beganAt }) === 'current';
  }
}
