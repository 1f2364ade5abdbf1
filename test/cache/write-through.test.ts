/** What a mutation's answer shows, stored under its own purge: on a node with a log in memory. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Freshness } from '../../src/cache/freshness.ts';
import { entityKey } from '../../src/cache/key.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import { Tiers } from '../../src/cache/tiers.ts';
import {
  WriteThrough, type RunningMutation, type WriteThroughOptions, type Written,
} from '../../src/cache/write-through.ts';
import type { Fill } from '../../src/cache/fill.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import type { LogEvent, LogRecord } from '../../src/invalidation/log.ts';
import type { Metadata } from '../../src/invalidation/message.ts';
import { InvalidationNode } from '../../src/invalidation/node.ts';
import type { Position } from '../../src/invalidation/position.ts';
import { someMessage } from '../invalidation/log-contract.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { fillOf, settle, tag } from './samples.ts';

const key = entityKey('user:1', ['name']);
let clock: ManualClock;
let node: InvalidationNode;
let tiers: Tiers;
let l2: MemoryStore;
let options: WriteThroughOptions;
let messages = 0;

beforeEach(() => {
  clock = new ManualClock();
  return begin(new MemoryLog({ clock }));
});

/** Returns what ends it. */
async function begin(log: MemoryLog): Promise<() => Promise<void>> {
  const random = seededRandom('write-through');
  node = new InvalidationNode({ log, clock, random, settleMs: 0 });
  await node.start();
  const freshness = new Freshness({
    horizon: node.horizon, hearing: node, clock, maxStalenessMs: 5_000,
  });
  l2 = new MemoryStore({ clock });
  tiers = new Tiers({ l1: new MemoryStore({ clock }), l2, freshness });
  options = { node, tiers, clock, random };
  const begun = node;
  return () => begun.close();
}

/** Some service says that these have changed; every node follows it. */
async function purge(id: string, metadata: Metadata = {}): Promise<Position> {
  messages += 1;
  const message = someMessage({ message_id: `m${messages}`, entity_id: id, metadata });
  const position = await node.invalidate(message);
  if (position === undefined) throw new Error('a position was required');
  await node.reached(position, 1_000);
  await settle();
  return position;
}

const written = (value: string, fill: Partial<Omit<Fill, 'value'>> = {}): readonly Written[] =>
  [{ key, fill: fillOf(value, fill) }];

/** A mutation that has run, and whose answer shows the user. */
async function mutate(
  during: (running: RunningMutation) => Promise<unknown>,
  fill: Partial<Omit<Fill, 'value'>> = {},
): Promise<number> {
  const running = new WriteThrough(options).begin();
  await during(running);
  const own = await purge('1', { version: 7 });
  return running.store(written('new', fill), own);
}

const kept = (): string | undefined => tiers.peek(key)?.value.toString();

describe('what a mutation shows', () => {
  it('is stored, and the next who reads it has it, here and in L2', async () => {
    expect(await mutate(async () => undefined)).toBe(1);
    expect(kept()).toBe('new');
    expect(l2.find(key)?.value.toString()).toBe('new');
  });

  it('is stored where others were purged meanwhile, or it was before', async () => {
    await purge('1');
    expect(await mutate(() => purge('2'))).toBe(1);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['it was', () => purge('1')],
    ['it was softly', () => purge('1', { soft: true })],
    ['it was by a cascade', () => purge('2', { cascade: ['user:*'] })],
    ['all was', () => purge('2', { cascade: ['*'] })],
  ])('is not where %s purged meanwhile', async (_, during) => {
    expect(await mutate(during)).toBe(0);
    expect(kept()).toBeUndefined();
  });

  it('is gone with the next purge', async () => {
    await mutate(async () => undefined);
    await purge('1');
    expect(kept()).toBeUndefined();
  });

  it('is not where a purge that is on its way to the log touches it', async () => {
    const running = new WriteThrough(options).begin();
    const own = await purge('1');
    const release = node.horizon.hold([{ kind: 'tag', tag: tag('user:1') }]);
    expect(running.store(written('new'), own)).toBe(0);
    release();
  });

  it('is not where another purge has been marked beyond the own one', async () => {
    const running = new WriteThrough(options).begin();
    const own = await purge('1');
    node.horizon.markNow([{ kind: 'tag', tag: tag('user:1') }]);
    expect(running.store(written('new'), own)).toBe(0);
  });

  describe('where its purge came in a batch', () => {
    class BatchingLog extends MemoryLog {
      override async *follow(from: Parameters<MemoryLog['follow']>[0]): AsyncGenerator<LogEvent> {
        for await (const event of super.follow(from)) {
          yield event.kind === 'records' ? { ...event, records: asBatch(event.records) } : event;
        }
      }
    }

    function asBatch(records: readonly LogRecord[]): readonly LogRecord[] {
      const batchEnd = records.at(-1)?.position;
      return records.map((record) =>
        record.position === batchEnd || batchEnd === undefined ? record : { ...record, batchEnd });
    }

    beforeEach(() => begin(new BatchingLog({ clock })));

    it('is stored, whoever else is purged in it', async () => {
      const running = new WriteThrough(options).begin();
      const [own, other] = await Promise.all([purge('1'), purge('2')]);
      expect(node.position).toBe(other);
      expect(running.store(written('new'), own)).toBe(1);
      expect(kept()).toBe('new');
    });

    it.each([0, 1])('is not where it was purged in it by another as well (%i)', async (at) => {
      const running = new WriteThrough(options).begin();
      const positions = await Promise.all([purge('1'), purge('1')]);
      expect(running.store(written('new'), positions[at])).toBe(0);
      expect(kept()).toBeUndefined();
    });
  });

  it('is not where purges may have been missed', async () => {
    const forget = async (): Promise<void> => node.horizon.markNow([{ kind: 'all' }]);
    expect(await mutate(forget)).toBe(0);
  });

  it('is not where the own purge has no place, or this node has not followed it', async () => {
    const through = new WriteThrough(options);
    expect(through.begin().store(written('new'), undefined)).toBe(0);
    const early = await purge('1');
    // It was told before the mutation began: an equal message had been appended before.
    expect(through.begin().store(written('new'), early)).toBe(0);
    expect(through.stats).toEqual({ stored: 0, refused: 2 });
  });

  it('is not where it shows a lower version than was told, or may lag', async () => {
    const versions = (version: number): Partial<Fill> =>
      ({ versions: new Map([[tag('user:1'), version]]) });
    expect(await mutate(async () => undefined, versions(6))).toBe(0);
    expect(await mutate(async () => undefined, versions(7))).toBe(1);
    expect(await mutate(async () => undefined, { settleMs: 10 })).toBe(0);
  });

  it('is not where it may not be kept or shared', async () => {
    expect(await mutate(async () => undefined, { ttlMs: 0 })).toBe(0);
    expect(await mutate(async () => undefined, { shareable: false })).toBe(0);
  });

  it('is not where more happened than is watched', async () => {
    options = { ...options, recordsMax: 2 };
    expect(await mutate(() => purge('2'))).toBe(1);
    expect(await mutate(async () => {
      for (let n = 0; n < 2; n += 1) await purge('2');
    })).toBe(0);
  });

  it('is not where more run than are watched; one that ended makes room', async () => {
    const through = new WriteThrough({ ...options, mutationsMax: 1 });
    const [first, second] = [through.begin(), through.begin()];
    const own = await purge('1');
    expect(second.store(written('new'), own)).toBe(0);
    first.end();
    first.end();
    const third = through.begin();
    expect(third.store(written('new'), await purge('1'))).toBe(1);
  });

  it('is as old as the mutation, and lives from its beginning', async () => {
    const running = new WriteThrough(options).begin();
    clock.advance(20);
    const own = await purge('1');
    running.store(written('new', { ttlMs: 1_000 }), own);
    expect(tiers.peek(key)).toMatchObject({ readAt: 0, staleAt: 1_000, loadMs: 20, stamp: own });
    await until(() => node.position >= own, { what: 'the node stands there' });
  });
});
