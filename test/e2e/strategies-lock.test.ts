/** The load lock of a fleet: two nodes over Redis, and an origin that is held open. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { startPair, type Pair } from './pair.ts';
import { question, startOrigin } from './strategies-world.ts';

type Origin = Awaited<ReturnType<typeof startOrigin>>;

let world: Origin;
let pair: Pair;

beforeAll(async () => {
  world = await startOrigin();
  pair = await startPair({ subgraphs: { origin: world.origin.url } });
});

afterAll(async () => {
  await pair.stop();
  await world.origin.stop();
});

/** Asks both nodes for the same; the origin is held until what is awaited has come about. */
async function askBoth(field: string, id: string, meanwhile: () => Promise<unknown>) {
  world.values.set(id, 1);
  world.origin.forget();
  const gate = world.origin.hold({ at: 'request' });
  const [one, other] = pair.nodes;
  const first = one.ask(question(field), { variables: { id } });
  await gate.arrived;
  const second = other.ask(question(field), { variables: { id } });
  await meanwhile();
  gate.release();
  return Promise.all([first, second]);
}

describe('a load lock of the fleet', () => {
  it('lets one node load, and the others wait for its entry', async () => {
    const held = (): Promise<boolean> =>
      pair.redis.keys('*lock:*').then((keys) => keys.length > 0);
    const waits = (): boolean => pair.nodes[1].gateway.status().loads.loads === 0;
    const answers = await askBoth('locked', 'l', async () => {
      await until(held, { what: 'the first node holds the lock' });
      expect(waits()).toBe(true);
    });
    for (const { data } of answers) expect(data.locked.value).toBe(1);
    expect(world.origin.calls).toHaveLength(1);
    const left = (): Promise<boolean> => held().then((is) => !is);
    await until(left, { what: 'the lock is let go' });
  });

  it('is not taken where nothing asks for it', async () => {
    await askBoth('unlocked', 'u', () =>
      until(() => world.origin.calls.length === 2, { what: 'both nodes load' }));
    expect(world.origin.calls).toHaveLength(2);
  });
});
