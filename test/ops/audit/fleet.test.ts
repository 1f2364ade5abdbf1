/** The audit of a fleet: a log in Redis, a real PostgreSQL, and auditors that are killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/gateway/config/config.ts';
import { systemClock, systemRandom, type Clock } from '../../../src/invalidation/clock.ts';
import { fenceMessage } from '../../../src/invalidation/fence.ts';
import { RedisLog } from '../../../src/invalidation/log-redis.ts';
import { writeMessage } from '../../../src/invalidation/message.ts';
import { InvalidationNode } from '../../../src/invalidation/node.ts';
import { formatPosition } from '../../../src/invalidation/position.ts';
import { createPublisher } from '../../../src/invalidation/publisher.ts';
import { createAudit, type Audit } from '../../../src/ops/audit/audit.ts';
import type { AuditPage } from '../../../src/ops/audit/audit-search.ts';
import { startPostgres, type PostgresServer } from '../../support/postgres.ts';
import { end, freePort, printed, spawnBound } from '../../support/process.ts';
import { startRedis, type RedisServer } from '../../support/redis.ts';
import { integerBelow, seededRandom } from '../../support/seeded-random.ts';
import { until } from '../../support/until.ts';
import { someMessage } from '../../invalidation/log-contract.ts';
import { asOwner, emptyDatabase } from './databases.ts';

const PROCESS = new URL('./auditor-process.ts', import.meta.url).pathname;

let redis: RedisServer;
let postgres: PostgresServer;
let database: string;
let log: RedisLog;
const open: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
});
afterAll(async () => {
  await Promise.all([redis.stop(), postgres.stop()]);
});
beforeEach(async () => {
  database = await emptyDatabase(postgres);
  await asRedis((client) => client.flushall());
  log = new RedisLog({ redis: redis.url, appendTimeoutMs: 10_000 });
  open.push(log);
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function asRedis<T>(work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(redis.url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

function audit(
  warn: (text: string) => void = () => undefined,
  { clock = systemClock, ...options }: { clock?: Clock; log?: object } = {},
): Audit {
  const config = resolveConfig({
    supergraph: 'unused', redis: { url: redis.url }, database, ...options,
  });
  const made = createAudit(config, {
    warn, note: () => undefined, log: undefined, clock, random: systemRandom,
  });
  made.start();
  open.push(made);
  return made;
}

/** In turns of several, so that entries hold several records. */
async function append(count: number): Promise<string[]> {
  const positions = await Promise.all(
    Array.from({ length: count }, () => log.append(someMessage())));
  return positions.map(formatPosition).toSorted(byPosition);
}

function byPosition(a: string, b: string): number {
  const [one, other] = [a, b].map((text) => text.split('-').map(Number) as [number, number]);
  return (one?.[0] ?? 0) - (other?.[0] ?? 0) || (one?.[1] ?? 0) - (other?.[1] ?? 0);
}

/** All that the audit holds, once it holds the last of these. */
async function auditedTo(one: Audit, last: string | undefined): Promise<Omit<AuditPage, 'logs'> & {
  positions: string[];
}> {
  await until(async () => (await one.search({ limit: 1, offset: 0 })).logs[0]?.position === last,
    { what: `${last} is in the audit`, everyMs: 50 });
  const positions: string[] = [];
  for (;;) {
    const page = await one.search({ limit: 1_000, offset: positions.length });
    positions.push(...page.logs.map(({ position }) => position));
    if (!page.has_more) return { ...page, positions: positions.toReversed() };
  }
}

/** How far the auditors are, by the database. */
function writtenUpTo(): Promise<string | undefined> {
  return asOwner(database, async (client) => {
    const text = "SELECT to_regclass('freshet_audit.progress') IS NOT NULL AS present";
    const { rows: [found] } = await client.query<{ present: boolean }>(text);
    if (found?.present !== true) return undefined;
    const { rows: [row] } = await client.query<{ position: string }>(
      'SELECT position FROM freshet_audit.progress');
    return row?.position;
  });
}

describe('the audit of a fleet', () => {
  it('holds exactly the records of the log after kill -9 at random points', async () => {
    const random = seededRandom('kill -9');
    const options = JSON.stringify({ redis: { url: redis.url }, database });
    const all: string[] = [];
    let isDone = false;
    const appending = (async () => {
      while (!isDone) {
        all.push(...await append(1 + integerBelow(random, 60)));
        await sleep(20);
      }
    })();
    try {
      for (let kills = 0; kills < 6; kills += 1) {
        const before = await writtenUpTo();
        const child = spawnBound(process.execPath, [PROCESS, options]);
        await printed(child, /started/, { name: 'auditor' });
        // Every other one is killed while it writes.
        const isWriting = async () => await writtenUpTo() !== before;
        if (kills % 2 === 0) await until(isWriting, { what: 'it writes' });
        await sleep(integerBelow(random, 200));
        await end(child, 'SIGKILL');
      }
    } finally {
      isDone = true;
      await appending;
    }
    const { positions, gaps, total_count: total } = await auditedTo(audit(), all.at(-1));
    expect(positions).toEqual(all);
    expect([total, gaps]).toEqual([all.length, []]);
  }, 240_000);

  it('holds exactly the records of the log after the database was away', async () => {
    const warnings: string[] = [];
    const one = audit((text) => void warnings.push(text));
    const all = await append(50);
    await auditedTo(one, all.at(-1));
    for (let round = 0; round < 2; round += 1) {
      await postgres.stop();
      for (let more = 0; more < 20; more += 1) all.push(...await append(100));
      await expect(one.search({ limit: 1, offset: 0 }))
        .rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE', status: 503 });
      await postgres.restart();
      all.push(...await append(10));
      const { positions, gaps } = await auditedTo(one, all.at(-1));
      expect(positions).toEqual(all);
      expect(gaps).toEqual([]);
    }
    expect(warnings).toEqual([expect.stringContaining('the audit cannot be written')]);
  });

  it('warns before the log forgets, also where its database has never been there', async () => {
    database = `postgres://freshet@127.0.0.1:${await freePort()}/none`;
    await append(60);
    const warnings: string[] = [];
    // It looks once a minute.
    const clock: Clock = {
      ...systemClock, after: (ms, run) => systemClock.after(Math.min(ms, 1_000), run),
    };
    audit((text) => void warnings.push(text), { clock, log: { recordsMax: 100 } });
    await until(() => warnings.some((text) => /may be 60 records and .* behind/.test(text)), {
      what: 'it warns',
    });
  });

  it('is written by one at a time, and by the next when that one ends', async () => {
    const [a, b] = [audit(), audit()];
    const first = await append(20);
    await auditedTo(a, first.at(-1));
    await until(() => a.stats.isWriting !== b.stats.isWriting, { what: 'one of them writes' });
    const [writer, other] = a.stats.isWriting ? [a, b] : [b, a];
    expect([writer.stats.written, other.stats.written]).toEqual([20, 0]);
    open.splice(open.indexOf(writer), 1);
    await writer.close();
    const all = [...first, ...await append(20)];
    expect((await auditedTo(other, all.at(-1))).positions).toEqual(all);
  });

  it('tells of what the log had lost, and has all that it had not', async () => {
    const one = audit();
    const first = await append(30);
    await auditedTo(one, first.at(-1));
    open.splice(open.indexOf(one), 1);
    await one.close();
    const lost = await append(40);
    const kept = await append(50);
    await asRedis((client) =>
      client.xtrim('cache:invalidate:log', 'MINID', String(kept[0])));
    const { positions, gaps } = await auditedTo(audit(), kept.at(-1));
    // What was appended at once goes at once, so nothing of the entries that are left is missing.
    expect(positions).toEqual([...first, ...kept]);
    expect(gaps).toEqual([
      { from: first.at(-1), to: lost.at(-1), recorded_at: expect.any(String) },
    ]);
  });

  it('has what came after a loss that another reader had told of', async () => {
    const one = audit();
    const first = await append(5);
    await auditedTo(one, first.at(-1));
    open.splice(open.indexOf(one), 1);
    await one.close();
    const before = await append(5);
    const fence = await log.append(fenceMessage(systemClock, { tellsLoss: true }));
    const after = await append(5);
    const all = [...first, ...before, ...after];
    const { positions, gaps } = await auditedTo(audit(), all.at(-1));
    expect(positions).toEqual(all);
    expect(gaps).toEqual([
      { from: before.at(-1), to: formatPosition(fence), recorded_at: expect.any(String) },
    ]);
  });

  it('goes on with a log that was flushed, and says so', async () => {
    const one = audit();
    const first = await append(5);
    await auditedTo(one, first.at(-1));
    await asRedis((client) => client.flushall());
    const all = [...first, ...await append(5)];
    const { positions, gaps } = await auditedTo(one, all.at(-1));
    expect(positions).toEqual(all);
    expect(gaps.length).toBeGreaterThan(0);
  });

  it('has what came by each door once, however many nodes heard it', async () => {
    const nodes = [1, 2].map(() => new InvalidationNode({ redis: { redis: redis.url } }));
    for (const node of nodes) open.push(node);
    await Promise.all(nodes.map((node) => node.start()));
    const publisher = createPublisher({ redis: redis.url, source: 'user-service' });
    open.push(publisher);
    const foreign = someMessage({ message_id: 'by-the-channel', source_service: 'old-service' });
    const [node] = nodes;
    await node?.invalidate(someMessage({ message_id: 'by-a-mutation' }));
    await publisher.publish(someMessage({ message_id: 'by-the-library' }));
    await asRedis((client) => client.publish('cache:invalidate', writeMessage(foreign)));
    const one = audit();
    const wanted = ['by-a-mutation', 'by-the-library', 'by-the-channel'];
    const { logs, gaps } = await until(async () => {
      const page = await one.search({ limit: 100, offset: 0 });
      return page.total_count >= wanted.length && page;
    }, { what: 'all are in the audit' });
    expect(logs.map((each) => each.message_id).toSorted()).toEqual(wanted.toSorted());
    expect(gaps).toEqual([]);
  });

  it('needs no more than INSERT and SELECT once its tables are there', async () => {
    const owner = audit();
    const first = await append(5);
    await auditedTo(owner, first.at(-1));
    open.splice(open.indexOf(owner), 1);
    await owner.close();
    await asOwner(database, async (client) => {
      await client.query('DROP ROLE IF EXISTS auditor');
      await client.query('CREATE ROLE auditor LOGIN');
      await client.query("SELECT freshet_audit.allow('auditor')");
    });
    const asAuditor = database.replace('//freshet@', '//auditor@');
    [database] = [asAuditor];
    const all = [...first, ...await append(5)];
    expect((await auditedTo(audit(), all.at(-1))).positions).toEqual(all);
    await asOwner(asAuditor, async (client) => {
      for (const statement of [
        'UPDATE freshet_audit.record SET actor = $$x$$', 'DELETE FROM freshet_audit.record',
        'TRUNCATE freshet_audit.record', 'DROP TABLE freshet_audit.record',
        'DELETE FROM freshet_audit.gap', 'UPDATE freshet_audit.setting SET retention_days = 1',
        'ALTER TABLE freshet_audit.record DISABLE TRIGGER ALL',
      ]) {
        await expect(client.query(statement), statement)
          .rejects.toThrow(/permission denied|must be owner/);
      }
    });
  });
});
