import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/gateway/config/config.ts';
import { systemClock, systemRandom, type Clock } from '../../../src/invalidation/clock.ts';
import { createPublisher } from '../../../src/invalidation/publisher.ts';
import { createAudit } from '../../../src/ops/audit/audit.ts';
import { examineRedis } from '../../../src/ops/doctor/redis.ts';
import type { Finding } from '../../../src/ops/doctor/finding.ts';
import { startPostgres, type PostgresServer } from '../../support/postgres.ts';
import { freePort, temporaryDirectory } from '../../support/process.ts';
import { startCluster } from '../../support/redis-groups.ts';
import { startRedis, type RedisServer } from '../../support/redis.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';
import { until } from '../../support/until.ts';
import { asOwner, emptyDatabase } from '../audit/databases.ts';
import { run } from './operators.ts';

let redis: RedisServer;
let postgres: PostgresServer;
let users: TestSubgraph;

beforeAll(async () => {
  [redis, postgres, users] = await Promise.all([
    startRedis({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'volatile-lru'] }),
    startPostgres(),
    startSubgraph({
      name: 'users',
      sdl: `type Query { user(id: ID!): User } type User @key(fields: "id") { id: ID! }`,
    }),
  ]);
});
afterAll(() => Promise.all([redis.stop(), postgres.stop(), users.stop()]));

interface Diagnosis {
  readonly code: number | undefined;
  readonly ok: boolean;
  readonly checks: readonly Finding[];
  readonly levels: Readonly<Record<string, Finding['level']>>;
}

async function diagnose(...args: string[]): Promise<Diagnosis> {
  const directory = temporaryDirectory('doctor');
  const { code, out } = await run(['doctor', '--json', ...args], { directory });
  const told = JSON.parse(out) as { ok: boolean; checks: Finding[] };
  const levels = Object.fromEntries(told.checks.map(({ check, level }) => [check, level]));
  return { code, ...told, levels };
}

const subgraph = (url = users.url): string[] => ['--subgraph', `users=${url}`];
const find = ({ checks }: Diagnosis, name: string): Finding | undefined =>
  checks.find(({ check }) => check === name);

describe('freshet doctor', () => {
  it('finds all well where it is, and says so', async () => {
    const database = await emptyDatabase(postgres);
    const warn = (): void => undefined;
    const config = resolveConfig({ supergraph: 'unused', redis: redis.url, database });
    const audit = createAudit(config, {
      warn, note: () => undefined, clock: systemClock, random: systemRandom, log: undefined,
    });
    audit.start();
    const publisher = createPublisher({ redis: redis.url, source: 'test' });
    await publisher.invalidateUser(1);
    await publisher.close();
    await until(() => audit.stats.written === 1, { what: 'it is written' });
    const args = [...subgraph(), '--redis', redis.url, '--database', database];
    const { code, levels } = await diagnose(...args);
    expect([...new Set(Object.values(levels))]).toEqual(['ok']);
    expect(Object.keys(levels)).toEqual([
      'configuration', 'redis', 'redis eviction', 'clock', 'log', 'supergraph', 'subgraph users',
      'database', 'audit', 'audit guard', 'audit gaps', 'audit progress',
    ]);
    expect(code).toBe(0);
    const { out } = await run(['doctor', ...args], { directory: temporaryDirectory('doctor') });
    expect(out).toMatch(/^ok {7}configuration {3}valid\n/);
    expect(out).toMatch(/\n12 ok, 0 warnings, 0 failed\n$/);

    await asOwner(database, (client) =>
      client.query('ALTER TABLE freshet_audit.gap DISABLE TRIGGER refuse_statement'));
    const guard = await diagnose(...args);
    expect([guard.code, find(guard, 'audit guard')?.level]).toEqual([1, 'failed']);
    await audit.close();
  });

  it('says all that is wrong with the configuration, and looks at nothing else', async () => {
    const directory = temporaryDirectory('doctor');
    writeFileSync(join(directory, 'freshet.yaml'), 'chache: {}\nport: [1]\n');
    const { code, out } = await run(['doctor', '--config', 'freshet.yaml'], { directory });
    expect(code).toBe(1);
    expect(out).toMatch(/^failed +configuration +The configuration is not valid/);
    expect(out).toContain('did you mean cache?');
    expect(out).toMatch(/\n0 ok, 0 warnings, 1 failed\n$/);
  });

  it('says what is not there, with what to do, and shows no password', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const diagnosis = await diagnose(
      ...subgraph(`http://${nowhere}/graphql`), '--redis', `redis://:secret@${nowhere}`,
      '--database', `postgres://ann:secret@${nowhere}/x`,
    );
    expect(diagnosis).toMatchObject({
      code: 1,
      ok: false,
      levels: {
        configuration: 'ok', redis: 'failed', supergraph: 'failed', 'subgraph users': 'failed',
        database: 'failed',
      },
    });
    for (const { level, advice = '' } of diagnosis.checks) {
      if (level !== 'ok') expect(advice).not.toBe('');
    }
    expect(JSON.stringify(diagnosis)).not.toContain('secret');
  });

  it('warns of what may do for now, and exits 1 for that where it is told to', async () => {
    const { code, levels } = await diagnose(...subgraph());
    expect([code, levels['redis'], levels['audit']]).toEqual([0, 'warning', 'warning']);
    expect((await diagnose(...subgraph(), '--strict')).code).toBe(1);
    const fresh = await diagnose(...subgraph(), '--database', await emptyDatabase(postgres));
    expect(find(fresh, 'audit')?.message).toBe('there are no tables yet');
  });

  it('finds the subgraphs of a supergraph', async () => {
    const { out } = await run(['compose', ...subgraph(), '--json']);
    const { supergraph } = JSON.parse(out) as { supergraph: string };
    const file = join(temporaryDirectory('doctor'), 'supergraph.graphql');
    writeFileSync(file, supergraph);
    const diagnosis = await diagnose('--supergraph', file);
    expect(diagnosis.levels).toMatchObject({ supergraph: 'ok', 'subgraph users': 'ok' });
  });

  it('tells what answers and is no GraphQL', async () => {
    const { origin } = new URL(users.url);
    const diagnosis = await diagnose(...subgraph(`${origin}/nothing`));
    expect(find(diagnosis, 'subgraph users')).toMatchObject({ level: 'failed' });
  });

  it.each([
    [['maxmemory', '0', 'maxmemory-policy', 'noeviction'], 'warning', 'may take all memory'],
    [['maxmemory', '0', 'maxmemory-policy', 'allkeys-lru'], 'warning', 'may evict the log'],
    [['maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lfu'], 'failed', 'may evict the log'],
    [['maxmemory', '100mb', 'maxmemory-policy', 'noeviction'], 'warning', 'no invalidation can be'],
    [['maxmemory', '100mb', 'maxmemory-policy', 'volatile-ttl'], 'ok', ''],
  ])('of Redis with %j says: %s %s', async (settings, level, advice) => {
    const client = new Redis(redis.url);
    for (let at = 0; at < settings.length; at += 2) {
      await client.config('SET', settings[at] ?? '', settings[at + 1] ?? '');
    }
    client.disconnect();
    const diagnosis = await diagnose(...subgraph(), '--redis', redis.url);
    expect(find(diagnosis, 'redis eviction')).toMatchObject({ level });
    expect(find(diagnosis, 'redis eviction')?.advice ?? '').toContain(advice);
  });

  it.each([[0, 'ok'], [5_000, 'warning'], [-90_000, 'failed']])(
    'of a clock that is %i ms away says: %s',
    async (awayMs, level) => {
      const clock: Clock = { ...systemClock, wall: () => systemClock.wall() - awayMs };
      const config = resolveConfig({ supergraph: 'unused', redis: redis.url });
      const found = await examineRedis(config, { clock, random: systemRandom });
      expect(found.find(({ check }) => check === 'clock')).toMatchObject({ level });
    },
  );

  it('looks at every master of a Cluster', async () => {
    const cluster = await startCluster();
    try {
      const { checks } = await diagnose(...subgraph(), '--redis', cluster.url);
      const found = checks.filter(({ check }) => check === 'redis');
      expect(found.map(({ level }) => level)).toEqual(['ok', 'ok', 'ok']);
      for (const { port } of cluster.nodes) {
        expect(found.some(({ message }) => message.includes(`:${port} `))).toBe(true);
      }
      expect(checks.find(({ check }) => check === 'log')?.message).toMatch(/it is empty$/);
    } finally {
      await cluster.stop();
    }
  });

  it('warns where the log is cut by its number of records', async () => {
    const directory = temporaryDirectory('doctor');
    writeFileSync(join(directory, 'freshet.config.json'), JSON.stringify({
      subgraphs: { users: { url: users.url } }, redis: redis.url, log: { recordsMax: 10 },
    }));
    const publisher = createPublisher({ redis: redis.url, source: 'test', batch: false });
    await Promise.all(Array.from({ length: 20 }, (_, id) => publisher.invalidateUser(id)));
    await publisher.close();
    const { out } = await run(['doctor'], { directory });
    expect(out).toMatch(/^warning +log +.*records of 0 min\n +log.recordsMax \(10\) cuts it/m);
  });
});
