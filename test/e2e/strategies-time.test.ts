/** Strategies that are about the time to live: each over HTTP, by directive. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { startStrategiesWorld, statusOf, type StrategiesWorld } from './strategies-world.ts';

let world: StrategiesWorld;

beforeAll(async () => {
  // Chance takes off as much of a TTL as it may, and loads as early as it may.
  world = await startStrategiesWorld({ random: () => 0.999 });
});

afterAll(() => world.stop());

async function fill(field: string, id: string, value: number | null = 1): Promise<void> {
  world.values.set(id, value);
  expect(await world.ask(field, id)).toMatchObject({ cache: 'miss' });
}

describe('a fixed TTL', () => {
  it('ends when it is over, however often the entry is used', async () => {
    await fill('fixed', 'f');
    for (let used = 0; used < 3; used += 1) {
      world.clock.leap(3_000);
      expect((await world.ask('fixed', 'f')).cache).toBe('hit');
    }
    world.clock.leap(1_001);
    expect((await world.ask('fixed', 'f')).cache).toBe('miss');
  });
});

describe('a sliding TTL', () => {
  it('is renewed by each use, and never beyond its bound', async () => {
    await fill('sliding', 's');
    for (let used = 0; used < 3; used += 1) {
      world.clock.leap(8_000);
      expect((await world.ask('sliding', 's')).cache).toBe('hit');
    }
    world.clock.leap(1_001);
    expect((await world.ask('sliding', 's')).cache).toBe('miss');
    expect(world.loads('s')).toBe(2);
  });

  it('ends early where nobody uses it', async () => {
    await fill('sliding', 's2');
    world.clock.leap(10_001);
    expect((await world.ask('sliding', 's2')).cache).toBe('miss');
  });

  it('ends at once by a purge', async () => {
    await fill('sliding', 's3');
    expect((await world.ask('sliding', 's3')).cache).toBe('hit');
    await world.tell((maker) => maker.updated('reading', 's3'));
    expect((await world.ask('sliding', 's3')).cache).toBe('miss');
  });
});

describe('a jittered TTL', () => {
  it('is shortened by chance, by no more than its share', async () => {
    world.values.set('j', 1);
    const answer = await world.ask('jittered', 'j');
    expect(statusOf(answer)).toMatch(/stored; ttl=[56]$/);
    world.clock.leap(4_000);
    expect((await world.ask('jittered', 'j')).cache).toBe('hit');
    world.clock.leap(1_100);
    expect((await world.ask('jittered', 'j')).cache).toBe('miss');
  });
});

describe('early expiry', () => {
  it('loads before the TTL is over, and serves what it has meanwhile', async () => {
    await fill('early', 'e');
    world.values.set('e', 2);
    world.clock.leap(9_500);
    const answer = await world.ask('early', 'e');
    expect([answer.cache, answer.data.early.value]).toEqual(['hit', 1]);
    await until(() => world.loads('e') === 2, { what: 'it is loaded early' });
    await until(async () => (await world.ask('early', 'e')).data.early.value === 2, {
      what: 'what was loaded early is served',
    });
    // All that was kept of it was loaded anew, so that it lives on past the first one's time.
    world.clock.leap(5_000);
    expect(await world.ask('early', 'e')).toMatchObject({ cache: 'hit' });
  });
});

describe('stale-while-revalidate', () => {
  it('serves what is past its TTL while one load runs, then what that brought', async () => {
    await fill('revalidated', 'r');
    world.values.set('r', 2);
    world.clock.leap(11_000);
    const gate = world.origin.hold({ at: 'request' });
    const answers = await Promise.all([1, 2, 3].map(() => world.ask('revalidated', 'r')));
    for (const answer of answers) {
      expect(answer.data.revalidated.value).toBe(1);
      expect(statusOf(answer)).toMatch(/^freshet; hit; ttl=-\d+; detail=stale-while-revalidate$/);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
    gate.release();
    await until(async () => (await world.ask('revalidated', 'r')).data.revalidated.value === 2, {
      what: 'what was loaded is served',
    });
    expect(world.loads('r')).toBe(2);
    expect(statusOf(await world.ask('revalidated', 'r'))).toMatch(/; hit; ttl=\d+; detail=l1/);
  });

  it('ends with its window', async () => {
    await fill('revalidated', 'r2');
    world.values.set('r2', 2);
    world.clock.leap(40_001);
    const answer = await world.ask('revalidated', 'r2');
    expect([answer.cache, answer.data.revalidated.value]).toEqual(['miss', 2]);
  });

  it('never serves past a purge', async () => {
    await fill('revalidated', 'r3');
    world.values.set('r3', 2);
    world.clock.leap(11_000);
    await world.tell((maker) => maker.updated('reading', 'r3'));
    const answer = await world.ask('revalidated', 'r3');
    expect([answer.cache, answer.data.revalidated.value]).toEqual(['miss', 2]);
  });
});

describe('stale-if-error', () => {
  const failing = { status: 503, body: '{"errors":[{"message":"overloaded"}]}' };

  it.each([
    ['answers 503', [failing]],
    ['answers 503 with a page', [{ status: 503, body: '<html>' }]],
    // A query is sent a second time where a connection breaks.
    ['breaks the connection off', [{ hangUp: true }, { hangUp: true }]],
  ])('serves what is past its TTL where the origin %s', async (what, misbehaviours) => {
    await fill('enduring', what);
    world.clock.leap(11_000);
    world.origin.misbehave(...misbehaviours);
    const answer = await world.ask('enduring', what);
    expect([answer.errors, answer.data.enduring.value]).toEqual([undefined, 1]);
    expect(statusOf(answer)).toMatch(/hit; ttl=-\d+; detail=stale-if-error$|fwd=miss/);
    world.values.set(what, 2);
    expect((await world.ask('enduring', what)).data.enduring.value).toBe(2);
  });

  it('does not hide what the origin states', async () => {
    await fill('enduring', 'stated');
    world.clock.leap(11_000);
    world.origin.misbehave({ ...failing, status: 200 });
    expect((await world.ask('enduring', 'stated')).errors).toHaveLength(1);
  });

  it('is off where it is not declared', async () => {
    await fill('fixed', 'down');
    world.clock.leap(11_000);
    world.origin.misbehave(failing);
    expect((await world.ask('fixed', 'down')).errors).toHaveLength(1);
  });

  it('never serves past a purge', async () => {
    await fill('enduring', 'purged');
    await world.tell((maker) => maker.updated('reading', 'purged'));
    world.origin.misbehave(failing);
    expect((await world.ask('enduring', 'purged')).errors).toHaveLength(1);
  });
});

describe('a negative TTL', () => {
  it('bounds an answer without a value, and no other', async () => {
    world.values.set('some', 1);
    expect(statusOf(await world.ask('negative', 'none'))).toMatch(/stored; ttl=5$/);
    expect(statusOf(await world.ask('negative', 'some'))).toMatch(/stored; ttl=60$/);
    world.clock.leap(5_001);
    expect((await world.ask('negative', 'none')).cache).toBe('miss');
    expect((await world.ask('negative', 'some')).cache).toBe('hit');
  });

  it('keeps none where it is 0', async () => {
    expect([await world.ask('unkept', 'none'), await world.ask('unkept', 'none')])
      .toMatchObject([{ cache: 'miss' }, { cache: 'miss' }]);
  });
});
