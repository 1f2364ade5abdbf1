/** Strategies that are about invalidations: each over HTTP, by directive. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { startStrategiesWorld, statusOf, type StrategiesWorld } from './strategies-world.ts';

let world: StrategiesWorld;

beforeAll(async () => {
  world = await startStrategiesWorld();
});

afterAll(() => world.stop());

async function valueOf(field: string, id: string): Promise<number> {
  return (await world.ask(field, id)).data[field].value;
}

describe('a soft purge', () => {
  it('makes what has a stale window be loaded anew while it is served', async () => {
    world.values.set('soft', 1);
    await world.ask('revalidated', 'soft');
    world.values.set('soft', 2);
    await world.tell((maker) => maker.updated('reading', 'soft', { soft: true }));
    const answer = await world.ask('revalidated', 'soft');
    expect([answer.cache, answer.data.revalidated.value]).toEqual(['hit', 1]);
    expect(statusOf(answer)).toContain('detail=stale-while-revalidate');
    await until(async () => await valueOf('revalidated', 'soft') === 2, {
      what: 'what was loaded is served',
    });
  });

  it('is as good as any other where there is no window', async () => {
    world.values.set('soft2', 1);
    await world.ask('fixed', 'soft2');
    world.values.set('soft2', 2);
    await world.tell((maker) => maker.updated('reading', 'soft2', { soft: true }));
    expect(await valueOf('fixed', 'soft2')).toBe(2);
  });

  it('does not soften a purge that is none', async () => {
    world.values.set('soft3', 1);
    await world.ask('revalidated', 'soft3');
    world.values.set('soft3', 2);
    await world.tell((maker) => maker.updated('reading', 'soft3', { soft: true }));
    await world.tell((maker) => maker.updated('reading', 'soft3'));
    expect(await valueOf('revalidated', 'soft3')).toBe(2);
  });
});

describe('a refresh right after a purge', () => {
  it('loads what is hot before anybody asks', async () => {
    world.values.set('hot', 1);
    for (let used = 0; used < 4; used += 1) await world.ask('refreshed', 'hot');
    expect(world.loads('hot')).toBe(1);
    world.values.set('hot', 2);
    await world.tell((maker) => maker.updated('reading', 'hot'));
    await until(() => world.loads('hot') === 2, { what: 'it is loaded again' });
    const answer = await until(async () => {
      const next = await world.ask('refreshed', 'hot');
      return next.cache === 'hit' && next;
    }, { what: 'the reload has landed' });
    expect(answer.data.refreshed.value).toBe(2);
    expect(world.loads('hot')).toBe(2);
  });

  it('leaves alone what is not', async () => {
    world.values.set('cold', 1);
    world.values.set('hot2', 1);
    await world.ask('refreshed', 'cold');
    for (let used = 0; used < 4; used += 1) await world.ask('refreshed', 'hot2');
    await world.tell((maker) => maker.batch(['reading:cold', 'reading:hot2']));
    await until(() => world.loads('hot2') === 2, { what: 'the hot one is loaded again' });
    expect(world.loads('cold')).toBe(1);
  });
});

const LAG_MS = 500;
const STEP_MS = 100;

/**
 * A write to an origin whose replica is behind: the origin answers the old value for LAG_MS. In
 * steps of time it is asked, and at each what is answered and whether it came from the cache is
 * noted.
 */
async function writeBehind(field: string, id: string, version: number | undefined) {
  world.values.set(id, 1);
  world.versions.set(id, 1);
  await world.ask(field, id);
  const type = field === 'account' ? 'Account' : 'reading';
  await world.tell((maker) =>
    maker.updated(type, id, version === undefined ? {} : { version }));
  const wroteAt = world.clock.now();
  const sinceMs = (): number => world.clock.now() - wroteAt;
  const seen: { askedMs: number; answeredMs: number; value: number; cache: string }[] = [];
  while (sinceMs() < 3_000) {
    const askedMs = sinceMs();
    if (askedMs >= LAG_MS) {
      world.values.set(id, 2);
      world.versions.set(id, 2);
    }
    const { data, cache } = await world.ask(field, id);
    seen.push({ askedMs, answeredMs: sinceMs(), value: data[field].value, cache });
    world.clock.leap(STEP_MS);
  }
  return seen;
}

describe('an origin whose replica lags behind its writes', () => {
  it('fills no cache with old state where the invalidation tells the version', async () => {
    const seen = await writeBehind('account', 'v', 2);
    const kept = seen.filter(({ cache, value }) => cache === 'hit' && value === 1);
    expect(kept).toEqual([]);
    // The guard lets in what is new, at once.
    expect(seen.filter(({ value }) => value === 2)[1]).toMatchObject({ cache: 'hit' });
  });

  it('fills no cache with old state within the settle time, without versions', async () => {
    const seen = await writeBehind('settled', 'w', undefined);
    expect(seen.filter(({ cache, value }) => cache === 'hit' && value === 1)).toEqual([]);
    const early = seen.filter(({ answeredMs }) => answeredMs < 1_000);
    expect(early.map(({ cache }) => cache)).not.toContain('hit');
    expect(seen.filter(({ askedMs, value }) => askedMs >= 1_000 && value === 1)).toEqual([]);
    expect(seen.at(-1)).toMatchObject({ cache: 'hit', value: 2 });
  });

  it('does so without either: the trap is real', async () => {
    const seen = await writeBehind('unversioned', 'x', undefined);
    expect(seen.at(-1)).toMatchObject({ cache: 'hit', value: 1 });
  });
});
