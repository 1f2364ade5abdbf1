import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import type { Log } from '../../../src/invalidation/log.ts';
import { until } from '../../support/until.ts';
import { codeOf, openService, TOKENS, type Service } from './service.ts';

let log: MemoryLog;
let service: Service;
let other: Service;

/** The services close their own; the log is closed when both are. */
const shared = (): Log => ({
  append: (message, options) => log.append(message, options),
  follow: (options) => log.follow(options),
  close: async () => undefined,
});

beforeEach(async () => {
  log = new MemoryLog();
  [service, other] = await Promise.all([
    openService({ log: shared() }), openService({ log: shared() }),
  ]);
});
afterEach(async () => {
  await Promise.all([service.close(), other.close()]);
  await log.close();
});

const PATH = '/admin/cache/switch';

async function turn(body: object, query = ''): Promise<Record<string, unknown>> {
  const response = await service.ask(`${PATH}${query}`, { token: TOKENS.admin, body });
  expect(response.status).toBe(200);
  return await response.json() as Record<string, unknown>;
}

const fillsAgain = (one: Service, name: string, ...tags: string[]): Promise<unknown> =>
  until(() => one.fill(name, ...tags) === 'current', { what: `${name} may be kept` });

describe('the switch', () => {
  it('stops all nodes at once, and begins again with nothing of what was kept before', async () => {
    for (const one of [service, other]) one.fill('old', 'user:1');
    const off = await turn({ caching: 'off', reason: 'wrong prices', request_id: 'off-1' });
    expect(off).toMatchObject({
      request_id: 'off-1', position: expect.any(String),
      state: { caching: 'off', off_on_fleet: { all: true, types: [] } },
    });
    await until(() => !other.operations.caching.isOn, { what: 'the other node is off' });
    for (const one of [service, other]) {
      expect([one.holds('old'), one.fill('new', 'user:1')]).toEqual([false, 'off']);
    }
    expect(await turn({ caching: 'on' })).toMatchObject({ state: { caching: 'on' } });
    await until(() => other.operations.caching.isOn, { what: 'the other node is on' });
    for (const one of [service, other]) {
      expect(one.holds('old')).toBe(false);
      await fillsAgain(one, 'new', 'user:1');
      expect(one.holds('new')).toBe(true);
    }
  });

  it('stops one type, and leaves the others', async () => {
    service.fill('post', 'post:1', 'user:1');
    service.fill('user', 'user:1');
    await turn({ caching: 'off', type: 'Post' });
    expect([service.holds('post'), service.holds('user')]).toEqual([false, true]);
    expect(service.fill('list', 'post')).toBe('off');
    const on = await turn({ caching: 'on', type: 'post' });
    expect(on).toMatchObject({ state: { off_on_fleet: { all: false, types: [] } } });
    expect([service.holds('post'), service.holds('user')]).toEqual([false, true]);
    await fillsAgain(service, 'post', 'post:1');
  });

  it('stops this node alone, and lets it forget what it held', async () => {
    for (const one of [service, other]) one.fill('old', 'user:1');
    expect(await turn({ caching: 'off', scope: 'node' }))
      .toMatchObject({ position: null, state: { caching: 'off', off_on_node: { all: true } } });
    expect([service.holds('old'), other.holds('old')]).toEqual([false, true]);
    await turn({ caching: 'on', scope: 'node' });
    expect([service.holds('old'), other.holds('old')]).toEqual([false, true]);
    await fillsAgain(service, 'new', 'user:1');
  });

  it('is known to a node that starts afterwards', async () => {
    await turn({ caching: 'off', type: 'Post' });
    const late = await openService({ log: shared() });
    expect(late.operations.caching.fleet.types).toEqual(['post']);
    await late.close();
  });

  it('is said again before the log forgets it', async () => {
    await turn({ caching: 'off' });
    const ofSwitch = () => service.records.filter(({ message }) => message.metadata?.['caching']);
    const { Operations } = await import('../../../src/gateway/operations.ts');
    const options = { core: service.core, clock: systemClock, retentionMs: 40, recordsMax: 1_000 };
    const again = new Operations(options);
    await until(() => ofSwitch().length >= 2, { what: 'it was said again' });
    again.close();
    expect(ofSwitch()[1]?.message.metadata).toMatchObject({
      caching: 'off', caching_since: expect.any(String),
    });
    await turn({ caching: 'on' });
    expect(service.operations.caching.isOn).toBe(true);
  });

  it('is for admins; whoever may look sees how it stands, and what it would end', async () => {
    service.fill('ann', 'user:1');
    for (const token of [TOKENS.read, TOKENS.purge]) {
      const asking = { token, body: { caching: 'off' } };
      expect(await codeOf(await service.ask(PATH, asking))).toEqual([403, 'ROLE_REQUIRED']);
      expect(await (await service.ask(`${PATH}?dry_run=true`, asking)).json())
        .toMatchObject({ dry_run: true });
      expect(await (await service.ask(PATH, { token })).json())
        .toMatchObject({ caching: 'on', off_on_fleet: { all: false, types: [] } });
    }
    expect(await turn({ caching: 'on' }, '?dry_run=true'))
      .toMatchObject({ purges: ['*'], entries: 1 });
    expect([service.records, service.holds('ann')]).toEqual([[], true]);
  });
});
