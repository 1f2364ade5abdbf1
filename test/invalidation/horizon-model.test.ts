/**
 * The horizon against a naive model that remembers every purge for ever, over runs from seeds:
 * records, early marks, duplicates out of order, gaps, and limits that are always too small.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { Horizon, type HorizonLimits } from '../../src/invalidation/horizon.ts';
import { readPattern } from '../../src/invalidation/pattern.ts';
import { ORIGIN, positionOf, successor, type Position } from '../../src/invalidation/position.ts';
import type { Purge } from '../../src/invalidation/purge.ts';
import type { Tag } from '../../src/invalidation/tag.ts';
import { integerBelow, pick, seededRandom } from '../support/seeded-random.ts';
import type { Random } from '../../src/invalidation/clock.ts';

const TAGS = ['a', 'b', 'a:1', 'a:2', 'b:1', 'a:1:x', 'a:1:y', 'a:2:x', 'b:1:x:z'] as Tag[];
const TEXTS = [...TAGS, 'a:*', 'b:*', 'a:1:*', 'b:1:*', 'b:1:x:*', '*:x', '*:1', 'a:1*', '/^a/'];
const RARE_TEXTS = ['*'];

function matches(purge: Purge, tag: Tag): boolean {
  switch (purge.kind) {
    case 'tag': return purge.tag === tag;
    case 'below': return tag.startsWith(`${purge.tag}:`);
    case 'all': return true;
    case 'pattern': return purge.pattern.matches(tag);
    default: return purge satisfies never;
  }
}

interface LogEntry {
  readonly at: Position;
  readonly purges: readonly Purge[];
}

interface Applied extends LogEntry {
  /** The step at which the node came to know of it. */
  readonly step: number;
}

/** What a cache would hold, with the step at which its read of the origin began. */
interface Held {
  readonly stamp: Position;
  readonly step: number;
  readonly tags: readonly Tag[];
  verifiedAt: Position;
}

class Run {
  readonly #random: Random;
  readonly #limits: HorizonLimits;
  /** All purges are soft ones, and it is asked of them. */
  readonly #isSoft: boolean;
  readonly #horizon: Horizon;
  /** The log: all of its records, of which the node has read up to `#read`. */
  readonly #log: LogEntry[] = [];
  readonly #applied: Applied[] = [];
  #read = 0;
  #end: Position = ORIGIN;
  #step = 0;
  #held: Held[] = [];
  /** Where everything before counts as invalidated. */
  #gap: Position = ORIGIN;

  constructor(random: Random, limits: HorizonLimits, isSoft = false) {
    this.#isSoft = isSoft;
    this.#random = random;
    this.#limits = limits;
    this.#horizon = new Horizon(limits);
  }

  run(steps: number): void {
    for (this.#step = 1; this.#step <= steps; this.#step += 1) {
      this.#act();
      this.#horizon.assertInvariants();
      this.#checkHeld();
      this.#checkStamps();
    }
  }

  #act(): void {
    const chance = this.#random();
    if (chance < 0.3) this.#append();
    else if (chance < 0.55) this.#advance();
    else if (chance < 0.62) this.#markAhead();
    else if (chance < 0.67) this.#markNow();
    else if (chance < 0.72) this.#repeat();
    else if (chance < 0.73) this.#loseRecords();
    else this.#hold();
  }

  #append(): LogEntry {
    const skip = integerBelow(this.#random, 3);
    this.#end = skip === 0 ? successor(this.#end) : positionOf(this.#step, skip);
    const length = integerBelow(this.#random, 3);
    const record = { at: this.#end, purges: Array.from({ length }, () => this.#somePurge()) };
    this.#log.push(record);
    return record;
  }

  #advance(): void {
    const record = this.#log[this.#read];
    if (record === undefined) return;
    this.#read += 1;
    this.#horizon.advance(record.at, record.purges);
    this.#applied.push({ ...record, step: this.#step });
    assert.equal(this.#horizon.position, record.at);
  }

  /** The node appends, and applies before the log comes round to it. */
  #markAhead(): void {
    const record = this.#append();
    this.#horizon.mark(record.at, record.purges);
    this.#applied.push({ ...record, step: this.#step });
  }

  /** A message on the channel, which is a record of the log later. */
  #markNow(): void {
    const purges = [this.#somePurge()];
    const at = successor(this.#horizon.position);
    this.#horizon.markNow(purges);
    this.#applied.push({ at, purges, step: this.#step });
    if (this.#random() < 0.8) this.#log.push({ at: this.#next(), purges });
  }

  #next(): Position {
    this.#end = successor(this.#end);
    return this.#end;
  }

  /** An old record comes again, by either way; it is news to nobody. */
  #repeat(): void {
    if (this.#read === 0) return;
    const record = pick(this.#random, this.#log.slice(0, this.#read));
    const { position } = this.#horizon;
    if (this.#random() < 0.5) this.#horizon.advance(record.at, record.purges);
    else this.#horizon.mark(record.at, record.purges);
    assert.equal(this.#horizon.position, position);
  }

  #loseRecords(): void {
    // What may have been missed counts as invalidated, which is more than softened.
    if (this.#isSoft) return;
    const end = this.#next();
    this.#read = this.#log.length;
    this.#horizon.forget(end);
    this.#gap = end;
    assert.equal(this.#horizon.position, end);
  }

  #hold(): void {
    const tags = TAGS.filter(() => this.#random() < 0.3);
    const stamp = this.#horizon.position;
    this.#held.push({ stamp, step: this.#step, tags, verifiedAt: stamp });
    if (this.#held.length > 40) this.#held.shift();
  }

  /** As the cache asks: since it was last found current. Nothing that is stale may pass. */
  #checkHeld(): void {
    this.#held = this.#held.filter((held) => {
      const says = this.#since(held.verifiedAt, held.tags);
      const stale = held.stamp < this.#gap || this.#applied.some(({ purges, step }) =>
        step > held.step && purges.some((purge) => held.tags.some((tag) => matches(purge, tag))));
      if (stale) assert.equal(says, true, `step ${this.#step}`);
      if (says) return false;
      held.verifiedAt = this.#horizon.position;
      return true;
    });
  }

  /** For any stamp: never less than the model says and, where no limit was reached, no more. */
  #checkStamps(): void {
    const stamp = pick(this.#random, [ORIGIN, this.#end, this.#horizon.position,
      ...this.#applied.map(({ at }) => at)]);
    const tag = pick(this.#random, TAGS);
    const model = stamp < this.#gap || this.#applied.some(({ at, purges }) => at > stamp &&
      purges.some((purge) => purge.kind === 'all' || matches(purge, tag)));
    const says = this.#since(stamp, [tag]);
    if (model || this.#limits.marksMax === undefined) {
      assert.equal(says, model, `step ${this.#step}`);
    }
  }

  #since(since: Position, tags: readonly Tag[]): boolean {
    if (!this.#isSoft) {
      assert.equal(this.#horizon.softenedSince(ORIGIN, tags), false);
      return this.#horizon.invalidatedSince(since, tags);
    }
    assert.equal(this.#horizon.invalidatedSince(ORIGIN, tags), false);
    return this.#horizon.softenedSince(since, tags);
  }

  #somePurge(): Purge {
    const purge = readPattern(pick(this.#random, this.#random() < 0.03 ? RARE_TEXTS : TEXTS));
    return this.#isSoft ? { ...purge, soft: true } : purge;
  }
}

describe.each([false, true])('a horizon against a naive model, soft purges: %s', (isSoft) => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'says exactly what the model says while no limit is reached (seed %d)',
    (seed) => new Run(seededRandom(`exact ${seed}`), {}, isSoft).run(400),
  );

  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'never says less than the model when it forgets (seed %d)',
    (seed) => {
      const random = seededRandom(`limits ${seed}`);
      const limits = { marksMax: 1 + integerBelow(random, 6), patternsMax: 1 + seed % 3 };
      new Run(random, limits, isSoft).run(400);
    },
  );
});
