import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { entityKey, responseKey } from '../../src/cache/key.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import type { Store } from '../../src/cache/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { BrokenStore, CountingStore, HeldStore } from './faulty-store.ts';
import { openRedisStore, plainClient } from './redis-harness.ts';
import { entryOf, Node, place } from './samples.ts';

interface OpenL2 {
  readonly clock: ManualClock;
  readonly store: Store;
  settled(): Promise<void>;
  end(): Promise<void>;
}

const key = entityKey('user:1', ['a']);
const other = responseKey(['other']);

describeTiers('memory', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore({ clock, entriesMax: 1_000 });
  return { clock, store, settled: async () => undefined, end: async () => undefined };
});

describe('with Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  describeTiers('Redis', async () => {
    const plain = plainClient(server.url);
    await plain.flushall();
    plain.disconnect();
    const { store, clock, close } = await openRedisStore(server.url);
    return { clock, store, settled: () => store.settled(), end: close };
  });
});

function describeTiers(name: string, open: () => Promise<OpenL2>): void {
  describe(`two nodes that share ${name}`, () => {
    let l2: OpenL2;
    let counting: CountingStore;
    let node: Node;
    let neighbour: Node;

    beforeEach(async () => {
      l2 = await open();
      counting = new CountingStore(l2.store);
      node = new Node({ clock: l2.clock, l2: counting });
      neighbour = new Node({ clock: l2.clock, l2: counting });
      return () => l2.end();
    });

    const set = async (by: Node, entry = entryOf('A')): Promise<string> => {
      const verdict = by.tiers.set(key, entry);
      await l2.settled();
      return verdict;
    };

    it('find what either has stored, and keep it in memory', async () => {
      expect(await set(node)).toBe('current');
      expect(node.tiers.peek(key)?.value.toString()).toBe('A');
      expect(neighbour.tiers.peek(key)).toBeUndefined();
      const [found, none] = await neighbour.tiers.get([key, other]);
      expect([found?.tier, found?.entry.value.toString(), none]).toEqual(['l2', 'A', undefined]);
      expect(neighbour.tiers.peek(key)?.value.toString()).toBe('A');
      expect((await neighbour.tiers.get([key]))[0]?.tier).toBe('l1');
      expect(counting.reads).toBe(1);
      expect(neighbour.tiers.stats).toMatchObject({ hits: { l1: 2, l2: 1 }, misses: 1 });
    });

    it('read L2 once, for what L1 has not, and not at all when L1 has all', async () => {
      await set(node);
      const keys = [other, key, responseKey(['third'])];
      const found = await node.tiers.get(keys);
      expect(found.map((one) => one?.tier)).toEqual([undefined, 'l1', undefined]);
      expect([counting.reads, counting.keysRead]).toEqual([1, 2]);
      await node.tiers.get([key, key]);
      expect(counting.reads).toBe(1);
    });

    it('store nothing that was invalidated after its stamp', async () => {
      node.invalidate(2, 'user:1');
      expect(await set(node)).toBe('invalidated');
      expect(node.l1.size).toBe(0);
      expect(counting.writes).toBe(0);
      expect(node.tiers.stats.refused.invalidated).toBe(1);
    });

    it('return nothing that was invalidated, each as far as it has heard', async () => {
      await set(node);
      node.invalidate(2, 'user:1');
      expect(node.tiers.peek(key)).toBeUndefined();
      expect(node.l1.size).toBe(0);
      expect(await node.tiers.get([key])).toEqual([undefined]);
      expect(node.l1.size).toBe(0);
      expect(node.tiers.stats.discarded.invalidated).toBe(2);
      expect((await neighbour.tiers.get([key]))[0]?.tier).toBe('l2');
      neighbour.invalidate(2, 'user:1');
      expect(await neighbour.tiers.get([key])).toEqual([undefined]);
    });

    it('do not take away from L2 what another may have filled in anew', async () => {
      await set(node);
      node.invalidate(2, 'user:1');
      neighbour.invalidate(2, 'user:1');
      await node.tiers.get([key]);
      await set(node, entryOf('B', { stamp: place(2) }));
      expect((await neighbour.tiers.get([key]))[0]?.entry.value.toString()).toBe('B');
    });

    it('do not use or keep what is stamped later than they have heard of', async () => {
      node.invalidate(5, 'user:9');
      await set(node, entryOf('B', { stamp: place(5) }));
      expect(await neighbour.tiers.get([key])).toEqual([undefined]);
      expect(neighbour.l1.size).toBe(0);
      expect(neighbour.tiers.stats.discarded.ahead).toBe(1);
      neighbour.invalidate(5, 'user:9');
      expect((await neighbour.tiers.get([key]))[0]?.entry.value.toString()).toBe('B');
    });

    it('judge what L2 answers by what has been heard when it answers', async () => {
      await set(node);
      const held = new HeldStore(l2.store);
      const late = new Node({ clock: l2.clock, l2: held });
      const reading = late.tiers.get([key]);
      late.invalidate(2, 'user:1');
      held.letGo();
      expect(await reading).toEqual([undefined]);
      expect(late.l1.size).toBe(0);
    });

    it('look into L2 alone for one key, and keep what they find', async () => {
      await set(node);
      const found = await neighbour.tiers.below(key, (one) => one);
      expect([found?.tier, found?.verdict, found?.entry.value.toString()])
        .toEqual(['l2', 'current', 'A']);
      expect(neighbour.tiers.peek(key)?.value.toString()).toBe('A');
      expect(await neighbour.tiers.below(other, (one) => one)).toBeUndefined();
      expect(neighbour.tiers.stats).toMatchObject({ hits: { l1: 1, l2: 1 }, misses: 1 });
    });

    it('ask the rule of what L2 alone answers when it answers', async () => {
      await set(node);
      const held = new HeldStore(l2.store);
      const late = new Node({ clock: l2.clock, l2: held });
      const reading = late.tiers.below(key, (one) => [one]);
      late.invalidate(2, 'user:1');
      held.letGo();
      expect(await reading).toEqual([undefined]);
      expect(late.l1.size).toBe(0);
    });

    it('do not look into L2 for what L1 holds past its TTL', async () => {
      await set(node, entryOf('A', { ttlMs: 1_000, staleWhileRevalidateMs: 10_000 }));
      l2.clock.advance(2_000);
      expect(node.tiers.below(key, (one) => one)).toBeUndefined();
      expect(counting.reads).toBe(0);
    });

    it('serve nothing past its TTL, nor what was read too long ago while deaf', async () => {
      await set(node, entryOf('A', { ttlMs: 10_000, staleWhileRevalidateMs: 10_000 }));
      l2.clock.advance(6_000);
      node.hearing.heard = false;
      expect(node.tiers.peek(key)).toBeUndefined();
      node.hearing.heard = true;
      expect(node.tiers.peek(key)).toBeDefined();
      l2.clock.advance(4_000);
      expect(node.tiers.peek(key)).toBeUndefined();
      expect(node.tiers.stats.discarded).toMatchObject({ unheard: 1, expired: 1 });
    });

    it.each(['rejects', 'throws'] as const)('live on memory when L2 %s', async (how) => {
      const broken = new Node({ clock: l2.clock, l2: new BrokenStore(l2.store, how) });
      expect(broken.tiers.set(key, entryOf('A'))).toBe('current');
      const [found, none] = await broken.tiers.get([key, other]);
      expect([found?.tier, none]).toEqual(['l1', undefined]);
      expect(broken.tiers.stats.l2Faults).toBe(2);
    });

    it('are closed with their stores', async () => {
      await set(node);
      await node.tiers.close();
      expect(await node.tiers.get([key])).toEqual([undefined]);
    });
  });
}

describe('one node without Redis', () => {
  it('has memory alone', async () => {
    const node = new Node();
    node.tiers.set(key, entryOf('A'));
    expect((await node.tiers.get([key, other])).map((found) => found?.tier))
      .toEqual(['l1', undefined]);
    expect(node.tiers.below(other, (one) => one)).toBeUndefined();
    await node.tiers.close();
  });
});
