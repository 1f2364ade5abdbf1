import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConfig, resolveConfig } from '../../../src/gateway/config/config.ts';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import { main } from '../../../src/ops/cli/main.ts';
import { createSources } from '../../../src/ops/sources/sources.ts';
import { until } from '../../support/until.ts';
import { PostgresWorld } from './postgres/postgres-world.ts';
import { collect, OpenThings, usersIn } from './source-contract.ts';

async function freshet(...args: string[]) {
  let [out, err] = ['', ''];
  const code = await main(args, {
    directory: '/nowhere', environment: {}, version: '1',
    print: (text) => void (out += text), printError: (text) => void (err += text),
  });
  return { code, out, err };
}

describe('the sources of the configuration', () => {
  let world: PostgresWorld;
  const open = new OpenThings();
  beforeAll(async () => {
    world = await PostgresWorld.open('triggers');
    await world.prepare();
  });
  afterAll(async () => {
    await open.closeAll();
    await world.close();
  });

  it('are read side by side, each in its own way', async () => {
    const { url } = world.server;
    const config = resolveConfig({
      supergraph: 'unused',
      sources: { postgres: {
        triggers: { url },
        wal: { url, read: 'replication', tables: ['users=Account:id'], publication: 'all_of_it' },
      } },
    });
    const log = open.add(new MemoryLog({ heartbeatMs: 10 }));
    const messages = collect(log, open);
    const sources = open.add(createSources(config, {
      log, clock: systemClock, random: systemRandom, warn: () => undefined,
    })!);
    sources.start();
    await until(() => sources.stats.every(({ isWorking }) => isWorking), {
      what: 'both work',
    });
    await world.change(['1']);
    await until(() => usersIn(messages).includes('1'), { what: 'the triggers tell' });
    await until(() => messages.some(({ entity_ids: keys }) => keys?.includes('account:1')), {
      what: 'the WAL tells',
    });
    expect(messages.map((one) => one.source_service)).toEqual(
      expect.arrayContaining(['shop', 'wal']));
    const { rows } = await world.pool.query('SELECT slot_name FROM pg_replication_slots');
    expect(rows).toEqual([{ slot_name: 'freshet_wal' }]);
  });

  it('are none without any', () => {
    const config = resolveConfig({ supergraph: 'unused' });
    const log = open.add(new MemoryLog());
    expect(createSources(config, {
      log, clock: systemClock, random: systemRandom, warn: () => undefined,
    })).toBeUndefined();
  });
});

describe('the configuration of sources', () => {
  const faultsOf = (postgres: object): string[] =>
    (checkConfig({ supergraph: 'a', sources: { postgres } }).faults ?? [])
      .map(({ path, required, got }) => `${path}: ${required}, got ${got}`);
  const url = 'postgres://user:hunter2@db/shop';
  const tables = ['users=User:id'];

  it.each([
    [
      'replication of no table', { a: { url, read: 'replication' } },
      'sources.postgres.a.tables: at least one where it reads replication, got none',
    ],
    [
      'tables of an outbox', { a: { url, tables } },
      'sources.postgres.a.tables: none where it reads an outbox, got a list of 1',
    ],
    [
      'a mapping that is none', { a: { url, read: 'replication', tables: ['users'] } },
      'sources.postgres.a.tables.0: a mapping such as users=User:id, got "users"',
    ],
    [
      'a slot that two read',
      {
        a: { url, read: 'replication', tables, slot: 'x' },
        b: { url, read: 'replication', tables, slot: 'x' },
      },
      'sources.postgres.b.slot: a slot of its own, got "x"',
    ],
    [
      'a name that could not be that of a slot', { 'A-b': { url } },
      'sources.postgres.A-b: a name that begins with a letter, of a-z, 0-9 and _, ' +
        'got the name "A-b"',
    ],
    [
      'a secret that is shown', { a: { url: 'mysql://user:hunter2@db' } },
      'sources.postgres.a.url: a postgres:// or postgresql:// URL, got a value that is not shown',
    ],
  ])('refuses %s', (_, postgres, message) => {
    expect(faultsOf(postgres)).toEqual([message]);
  });
});

describe('freshet source-sql', () => {
  it('prints statements that make the triggers, and others that take them away', async () => {
    const made = await freshet('source-sql', '--table', 'users=User:id', '--source', 'shop');
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toContain('CREATE OR REPLACE TRIGGER freshet_insert AFTER INSERT ON ' +
      '"public"."users"');
    const removed = await freshet('source-sql', '--table', 'users=User:id', '--remove');
    expect(removed.out).toContain('DROP TRIGGER IF EXISTS freshet_insert ON "public"."users";');
  });

  it.each([
    [[], /table: at least one was required/],
    [['--remove'], /table: at least one was required/],
    [['--table', 'users'], /table=Type:column.* was required/],
    [['--table', 'users=User:id', '--outbox', 'No'], /Outbox, table: a name/],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await freshet('source-sql', ...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});
