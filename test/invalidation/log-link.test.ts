import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import {
  boot, cursorAt, followChain, judgeTail, linkOf, type Cursor, type Linked,
  type Tail,
} from '../../src/invalidation/log-link.ts';
import {
  latest, ORIGIN, positionOf, successor, type Position,
} from '../../src/invalidation/position.ts';
import { integerBelow, pick, seededRandom } from '../support/seeded-random.ts';

const [P1, P2, P3, P4] = [1, 2, 3, 4].map((n) => positionOf(1_000 + n, 0)) as
  [Position, Position, Position, Position];
const entry = (position: Position, previous: string | undefined): Linked =>
  ({ position, messageId: 'm', previous, tellsLoss: false });
const tail = (fields: Partial<Tail>): Tail =>
  ({ timeMs: 0, last: undefined, entry: undefined, link: '', ...fields });

describe('followChain', () => {
  const cursor = { position: P1, link: linkOf(P1, 'm') };

  it('takes what names the record before it', () => {
    const entries = [entry(P2, linkOf(P1, 'm')), entry(P3, linkOf(P2, 'm'))];
    expect(followChain(cursor, entries)).toEqual({
      intact: entries, cursor: { position: P3, link: linkOf(P3, 'm') }, end: 'whole',
    });
  });

  it.each([
    ['another record', linkOf(P2, 'm')],
    ['another message at the same place', linkOf(P1, 'other')],
    ['that there was none', ''],
    ['nothing at all', undefined],
  ])('stops before what names %s', (_name, previous) => {
    const second = entry(P3, linkOf(P2, 'm'));
    expect(followChain(cursor, [entry(P2, previous), second])).toEqual({
      intact: [], cursor, end: 'broken',
    });
    const first = entry(P2, linkOf(P1, 'm'));
    const wrong = previous === linkOf(P2, 'm') ? linkOf(P1, 'm') : previous;
    expect(followChain(cursor, [first, entry(P3, wrong)])).toMatchObject({
      intact: [first], cursor: { position: P2 }, end: 'broken',
    });
  });

  it('stops before a fence that tells of a loss, whether it follows or not', () => {
    for (const previous of [linkOf(P1, 'm'), linkOf(P2, 'm')]) {
      const fence = { ...entry(P3, previous), tellsLoss: true };
      expect(followChain(cursor, [fence])).toMatchObject({ intact: [], end: 'told' });
    }
  });
});

describe('judgeTail', () => {
  const cursor = { position: P2, link: linkOf(P2, 'm') };
  it.each<[string, Partial<Tail>, string]>([
    ['our own record', { last: P2, entry: P2, link: linkOf(P2, 'm') }, 'here'],
    ['a later record', { last: P3, entry: P3, link: linkOf(P3, 'm') }, 'ahead'],
    ['a later record that was deleted', { last: P3, entry: P2, link: linkOf(P3, '') }, 'broken'],
    ['an earlier record', { last: P1, entry: P1, link: linkOf(P1, 'm') }, 'broken'],
    ['another message at our place', { last: P2, entry: P2, link: linkOf(P2, 'x') }, 'broken'],
    ['no record', {}, 'broken'],
  ])('at the end of the log is %s', (_name, fields, verdict) => {
    expect(judgeTail(cursor, tail(fields))).toBe(verdict);
  });

  it('is satisfied at a place that is later than the last record, which it never read', () => {
    const last = { last: P1, entry: P1, link: linkOf(P1, 'm') };
    const cursorAfter = boot(P3, { first: undefined, tail: tail(last) });
    expect(cursorAfter).toEqual({ position: P3, link: linkOf(P1, 'm') });
    expect(judgeTail(cursorAfter as { position: Position; link: string }, tail(last))).toBe('here');
  });
});

describe('boot', () => {
  it('begins at the start where nothing after it is missing', () => {
    const first = entry(P3, linkOf(P1, 'm'));
    expect(boot(P2, { first, tail: tail({ last: P3 }) })).toEqual({
      position: P2, link: linkOf(P1, 'm'),
    });
  });

  it('begins just before the first record where those before it are gone', () => {
    const first = entry(P4, linkOf(P3, 'm'));
    expect(boot(P1, { first, tail: tail({ last: P4 }) })?.position).toBe(P3);
  });

  it('begins at the start with the first record of a log', () => {
    const first = entry(P4, '');
    expect(boot(P1, { first, tail: tail({ last: P4 }) })).toEqual({ position: P1, link: '' });
  });

  it('begins at the last place that was given out where all records are gone', () => {
    const cursor = boot(P1, { first: undefined, tail: tail({ last: P3, link: linkOf(P3, '') }) });
    expect(cursor).toEqual({ position: P3, link: linkOf(P3, '') });
  });

  const useless = [undefined, 'no link', linkOf(P4, 'm')];
  it.each(useless)('knows no place after the link %j', (previous) => {
    expect(boot(P1, { first: entry(P4, previous), tail: tail({ last: P4 }) })).toBeUndefined();
  });

  it('knows no place in a log that never held a record', () => {
    expect(boot(P1, { first: undefined, tail: tail({}) })).toBeUndefined();
  });
});

/**
 * A log to which anything happens, and readers that decide by the functions above. The naive model:
 * every record that was ever appended. The checker: one that a reader has passed without having
 * read it must have been covered by a gap that was told later than it was appended. Only what was
 * lost with an older state before anyone read it leaves no trace.
 */
it('readers of a log to which anything happens miss nothing unsaid', () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const random = seededRandom(`link ${seed}`);
    const log = new SimulatedLog();
    const readers = [new SimulatedReader(log), new SimulatedReader(log), new SimulatedReader(log)];
    let saved = log.save();
    for (let step = 0; step < 200; step += 1) {
      const kind = integerBelow(random, 24);
      if (kind < 8) log.append();
      else if (kind < 18) pick(random, readers).step(1 + integerBelow(random, 3));
      else if (kind === 18) log.deleteOne(random);
      else if (kind === 19) log.trim(integerBelow(random, 3));
      else if (kind === 20) saved = log.save();
      else if (kind === 21 && random() < 0.5) log.restore(saved, readers);
      else if (kind === 22 && random() < 0.2) log.flush();
      else if (kind === 23) log.tick(integerBelow(random, 5));
      for (const reader of readers) reader.assertGrowth();
    }
    let atEnd = 0;
    for (let round = 0; round < 1_000 && atEnd < readers.length; round += 1) {
      atEnd = readers.filter((reader) => reader.step(3)).length;
    }
    assert.equal(atEnd, readers.length, `all readers come to the end, seed ${seed}`);
    for (const reader of readers) assert.deepEqual(reader.missed(), [], `seed ${seed}`);
  }
});

type SimulatedEntry = Linked & { readonly serial: number };

interface SimulatedState {
  readonly entries: readonly SimulatedEntry[];
  readonly last: Position | undefined;
}

class SimulatedLog {
  #entries: readonly SimulatedEntry[] = [];
  #last: Position | undefined;
  #ms = 1_000;
  appended = 0;
  /** Lost with an older state before anyone read it. */
  readonly traceless = new Set<number>();

  append(fence?: { readonly at: Position | undefined; readonly tellsLoss: boolean }): void {
    const next = latest(positionOf(this.#ms, 0), successor(this.#last ?? ORIGIN));
    const position = fence?.at ?? next;
    const { link } = this.tail();
    this.appended += 1;
    const serial = this.appended;
    const tellsLoss = fence?.tellsLoss ?? false;
    const fields = { position, messageId: `m${serial}`, previous: link, tellsLoss, serial };
    this.#entries = [...this.#entries, fields];
    this.#last = position;
  }

  tail(): Tail {
    const end = this.#entries.at(-1);
    const own = end !== undefined && end.position === this.#last;
    const link = this.#last === undefined ? '' : linkOf(this.#last, own ? end.messageId : '');
    return { timeMs: this.#ms, last: this.#last, entry: end?.position, link };
  }

  after(position: Position, count: number): readonly SimulatedEntry[] {
    return this.#entries.filter((item) => item.position > position).slice(0, count);
  }

  deleteOne(random: () => number): void {
    if (this.#entries.length === 0) return;
    const gone = pick(random, this.#entries);
    this.#entries = this.#entries.filter((item) => item !== gone);
  }

  trim(kept: number): void {
    this.#entries = this.#entries.slice(Math.max(0, this.#entries.length - kept));
  }

  flush(): void {
    this.#entries = [];
    this.#last = undefined;
  }

  save(): SimulatedState {
    return { entries: this.#entries, last: this.#last };
  }

  restore({ entries, last }: SimulatedState, readers: readonly SimulatedReader[]): void {
    const kept = new Set(entries.map(({ serial }) => serial));
    for (let serial = 1; serial <= this.appended; serial += 1) {
      const wasRead = readers.some((reader) => reader.read.has(serial));
      if (!kept.has(serial) && !wasRead) this.traceless.add(serial);
    }
    this.#entries = entries;
    this.#last = last;
  }

  tick(ms: number): void {
    this.#ms += ms;
  }
}

class SimulatedReader {
  readonly read = new Set<number>();
  readonly #log: SimulatedLog;
  #cursor: Cursor;
  #lastSeen = ORIGIN;
  /** What was appended before the last gap was told. */
  #forgiven: number;

  constructor(log: SimulatedLog) {
    this.#log = log;
    log.append();
    this.#cursor = cursorAt(log.tail());
    this.#forgiven = log.appended;
  }

  /** One round of reading; true where the reader has proved to stand at the end. */
  step(count: number): boolean {
    const entries = this.#log.after(this.#cursor.position, count);
    if (entries.length === 0) {
      const verdict = judgeTail(this.#cursor, this.#log.tail());
      if (verdict === 'broken') this.#goOnAtEnd(true);
      return verdict === 'here';
    }
    const chain = followChain(this.#cursor, entries);
    for (const { serial } of chain.intact) this.read.add(serial);
    this.#cursor = chain.cursor;
    if (chain.end !== 'whole' && chain.intact.length === 0) {
      this.#goOnAtEnd(chain.end === 'broken');
    }
    return false;
  }

  assertGrowth(): void {
    assert(this.#cursor.position >= this.#lastSeen, 'positions grow');
    this.#lastSeen = this.#cursor.position;
  }

  missed(): number[] {
    const serials = Array.from({ length: this.#log.appended }, (_, index) => index + 1);
    return serials.filter((serial) => serial > this.#forgiven && !this.read.has(serial)
      && !this.#log.traceless.has(serial));
  }

  #goOnAtEnd(tell: boolean): void {
    const { position } = this.#cursor;
    const { last } = this.#log.tail();
    const isBeyond = last !== undefined && last > position;
    if (!isBeyond || tell) {
      this.#log.append({ at: isBeyond ? undefined : successor(position), tellsLoss: tell });
    }
    assert(cursorAt(this.#log.tail()).position > position, 'positions grow');
    this.#cursor = cursorAt(this.#log.tail());
    this.#forgiven = this.#log.appended;
  }
}
