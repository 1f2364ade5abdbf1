/**
 * Read your writes for browsers: the position of a write comes back as a cookie, to whichever node.
 * One node is held behind the other, so that old state is there to be served.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { startTestNode, type Answer, type TestNode } from './fleet.ts';
import { HeldLog } from './held-log.ts';
import { person, startWorld, type World } from './world.ts';

const USER = '{ user(id: "1") { name } }';
const OPEN = '{ open { text } }';
const RENAME = 'mutation { rename(id: "1", name: "new") { id } }';

let world: World;
let memory: MemoryLog;
let log: HeldLog;
let ahead: TestNode;
let behind: TestNode;
let without: TestNode;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.stop());

beforeEach(async () => {
  world.people.set('1', person('1'));
  memory = new MemoryLog({ clock: systemClock });
  log = new HeldLog(memory);
  const { subgraphs } = world;
  const cache = { positionCookie: 'at', positionWaitMs: 20 };
  const headers = { propagate: ['cookie'] };
  [ahead, behind, without] = await Promise.all([
    startTestNode({ subgraphs, headers, cache, invalidationLog: new HeldLog(memory) }),
    startTestNode({ subgraphs, headers, cache, invalidationLog: log }),
    startTestNode({ subgraphs, invalidationLog: new HeldLog(memory) }),
  ]);
  world.users.forget();
});

afterEach(async () => {
  log.release();
  await Promise.all([ahead, behind, without].map((node) => node.stop()));
  await memory.close();
});

/** What a browser would send back. */
function cookieOf({ headers }: Answer): string {
  const [set = ''] = headers.getSetCookie();
  return set.split(';')[0] ?? '';
}

function asking(cookie: string, others: Record<string, string> = {}) {
  return { headers: { cookie, ...others } };
}

describe('a browser that wrote on one node and reads on another that is behind', () => {
  it('is never answered from older state', async () => {
    await behind.ask(USER);
    log.hold();
    const cookie = cookieOf(await ahead.ask(RENAME));
    // The trap is real: who has no cookie is answered with what this node has kept.
    expect(await behind.ask(USER)).toMatchObject({ cache: 'hit' });
    const answer = await behind.ask(USER, asking(cookie));
    expect([answer.data.user.name, answer.cache]).toEqual(['new', 'bypass']);
  });

  it('is answered by the later of header and cookie', async () => {
    await behind.ask(USER);
    log.hold();
    const cookie = cookieOf(await ahead.ask(RENAME));
    const [, position = ''] = cookie.split('=');
    const both = [
      asking(cookie, { 'freshet-position': '1-0' }),
      asking('at=1-0', { 'freshet-position': position }),
    ];
    for (const options of both) {
      expect((await behind.ask(USER, options)).data.user.name).toBe('new');
    }
  });

  it('is not refused for a cookie that cannot be read', async () => {
    const answer = await behind.ask(USER, asking('at=of last year'));
    expect([answer.status, answer.data.user.name]).toEqual([200, 'name of 1']);
  });

  it('is answered from the cache with one that the node has reached', async () => {
    const cookie = cookieOf(await ahead.ask(RENAME));
    await ahead.ask(USER);
    expect((await ahead.ask(USER, asking(cookie))).cache).toBe('hit');
  });
});

describe('the cookie', () => {
  it('is set by mutations alone, and never to less than what came', async () => {
    expect((await ahead.ask(USER)).headers.getSetCookie()).toEqual([]);
    const answer = await ahead.ask(RENAME, asking('at=999999999999999-0'));
    expect(answer.headers.getSetCookie())
      .toEqual(['at=999999999999999-0; Path=/; Max-Age=65; HttpOnly; SameSite=Lax']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('is not set where none is configured', async () => {
    expect((await without.ask(RENAME)).headers.getSetCookie()).toEqual([]);
  });

  it('makes nobody another caller, and is not sent on', async () => {
    const first = await ahead.ask(USER, asking('s=1; at=1-0'));
    expect(first.cache).toBe('miss');
    expect((await ahead.ask(USER, asking('s=1; at=2-0'))).cache).toBe('hit');
    expect((await ahead.ask(USER, asking('s=2; at=2-0'))).cache).toBe('miss');
    expect(world.users.calls.map(({ headers }) => headers['cookie'])).toEqual(['s=1', 's=2']);
  });

  it('lets what is PUBLIC be kept on the way for nobody but who has the same one', async () => {
    const varies = async (node: TestNode): Promise<string[]> =>
      (await node.ask(OPEN, asking('at=1-0'))).headers.get('vary')?.split(', ') ?? [];
    expect(await varies(ahead)).toEqual(expect.arrayContaining(['freshet-position', 'cookie']));
    expect(await varies(without)).not.toContain('cookie');
  });
});
