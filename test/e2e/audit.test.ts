/** The online auditor, on real nodes: it finds what changed untold, and nothing else. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AuditStats } from '../../src/gateway/caching/auditor.ts';
import { until } from '../support/until.ts';
import { startTestNode, type NodeOptions, type TestNode } from './fleet.ts';
import { person, startWorld, type World } from './world.ts';

const USER = '{ user(id: "1") { name } }';
const POST = '{ post(id: "p1") { title author { name } } }';
const ME = '{ me { email } }';
const ALICE = { headers: { authorization: 'Bearer 1' } };

let world: World;
let node: TestNode;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.stop());

beforeEach(() => {
  world.people.set('1', person('1'));
});

afterEach(() => node.stop());

async function start(audit: NonNullable<NodeOptions['cache']>['audit']): Promise<void> {
  node = await startTestNode({ subgraphs: world.subgraphs, cache: { audit } });
}

function stats(): AuditStats {
  return node.gateway.status().audit;
}

async function audited(count: number): Promise<AuditStats> {
  await until(() => stats().audited >= count, { what: `${count} hits have been audited` });
  return stats();
}

describe('an auditor in a node', () => {
  it.each([['a root field', USER], ['an entity of another subgraph', POST]])(
    'finds that %s changed untold, past all that is cached',
    async (_, query) => {
      await start({ share: 1, graceMs: 0 });
      await node.ask(query);
      world.people.set('1', { ...person('1'), name: 'untold' });
      expect(await node.ask(query)).toMatchObject({ cache: 'hit' });
      const { stale, staleAge } = await audited(1);
      expect([stale, staleAge.count]).toEqual([1, 1]);
      expect(staleAge.maxMs).toBeGreaterThan(0);
      // It reports, and changes nothing.
      expect((await node.ask(query)).cache).toBe('hit');
    },
  );

  it('finds nothing where every change is told', async () => {
    await start({ share: 1, graceMs: 0, perSecondMax: 1_000 });
    for (let round = 0; round < 5; round += 1) {
      await node.ask(`mutation { rename(id: "1", name: "${round}") { id } }`);
      await node.ask(USER);
      expect((await node.ask(USER)).data.user.name).toBe(String(round));
      await audited(round + 1);
    }
    expect(stats()).toMatchObject({ audited: 5, stale: 0, failed: 0 });
  });

  it('does not call stale what is told while it looks', async () => {
    await start({ share: 1, graceMs: 0 });
    await node.ask(USER);
    const gate = world.users.hold({ at: 'request' });
    await node.ask(USER);
    await gate.arrived;
    await node.ask('mutation { rename(id: "1", name: "new") { id } }');
    gate.release();
    expect(await audited(1)).toMatchObject({ stale: 0, changedMeanwhile: 1 });
  });

  it('goes on when the client has left, and shows its figures to operators', async () => {
    await start({ share: 1, graceMs: 0 });
    await node.ask(USER);
    world.people.set('1', { ...person('1'), name: 'untold' });
    const gate = world.users.hold({ at: 'request' });
    const left = new AbortController();
    const body = JSON.stringify({ query: USER });
    const headers = { 'content-type': 'application/json' };
    await (await fetch(node.url, { method: 'POST', body, headers, signal: left.signal })).text();
    await gate.arrived;
    left.abort();
    gate.release();
    expect(await audited(1)).toMatchObject({ stale: 1 });
    const shown = await (await fetch(new URL('/stats', node.adminUrl))).json() as {
      gateway: { audit: AuditStats };
    };
    expect(shown.gateway.audit).toMatchObject({ audited: 1, stale: 1 });
  });

  it.each([
    ['asks as who was answered, where it is asked to look at private answers', true],
    ['leaves private answers alone', false],
  ])('%s', async (_, isAsked) => {
    await start({ share: 1, graceMs: 0, private: isAsked });
    await node.ask(ME, ALICE);
    world.users.forget();
    expect((await node.ask(ME, ALICE)).cache).toBe('hit');
    if (isAsked) {
      expect(await audited(1)).toMatchObject({ stale: 0 });
      expect(world.users.calls[0]?.headers['authorization']).toBe('Bearer 1');
    } else {
      await node.ask(USER);
      await node.ask(USER);
      expect((await audited(1)).audited).toBe(1);
      expect(world.users.calls.filter(({ query }) => query.includes('email'))).toEqual([]);
    }
  });

  it('is off by default', async () => {
    await start({});
    await node.ask(USER);
    world.users.forget();
    await node.ask(USER);
    expect(stats()).toMatchObject({ audited: 0, skipped: 0 });
    expect(world.users.calls).toEqual([]);
  });
});
