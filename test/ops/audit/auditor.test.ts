import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import { fenceMessage } from '../../../src/invalidation/fence.ts';
import type { ArchivedEntry } from '../../../src/invalidation/log-redis-archive.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import type { Log } from '../../../src/invalidation/log.ts';
import { formatPosition, type Position } from '../../../src/invalidation/position.ts';
import { searchAudit, type AuditPage } from '../../../src/ops/audit/audit-search.ts';
import { Auditor, type AuditorOptions } from '../../../src/ops/audit/auditor.ts';
import type { AuditDatabase } from '../../../src/ops/audit/database.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { until } from '../../support/until.ts';
import { someMessage } from '../../invalidation/log-contract.ts';
import { IMPLEMENTATIONS, type TestDatabases } from './databases.ts';

describe.each(Object.entries(IMPLEMENTATIONS))('an auditor with %s', (_, start) => {
  let databases: TestDatabases;
  let database: AuditDatabase;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    databases = await start();
  });
  afterAll(() => databases.stop());
  beforeEach(async () => {
    database = await databases.make();
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
  });

  function auditorOf(log: Log, options: Partial<AuditorOptions> = {}): Auditor {
    const auditor = new Auditor({
      log, database, retentionDays: 90, warn: () => undefined, standbyMs: 20,
      clock: systemClock, random: systemRandom, ...options,
    });
    open.push(auditor);
    auditor.start();
    return auditor;
  }

  function memoryLog(recordsMax = 10_000): MemoryLog {
    const log = new MemoryLog({ heartbeatMs: 10, recordsMax });
    open.push(log);
    return log;
  }

  const search = (): Promise<AuditPage> =>
    searchAudit(database.queries, { limit: 1_000, offset: 0 });

  async function append(log: Log, count: number): Promise<string[]> {
    const positions: Position[] = [];
    for (let at = 0; at < count; at += 1) positions.push(await log.append(someMessage()));
    return positions.map(formatPosition);
  }

  async function written(positions: readonly string[]): Promise<AuditPage> {
    return until(async () => {
      const page = await search();
      return page.total_count >= positions.length && page;
    }, { what: `${positions.length} records are in the audit` });
  }

  /** That has lost some of the later records, of which no auditor has heard. */
  async function forgetfulLog(): Promise<{ log: Log; first: string[]; later: string[] }> {
    const log = memoryLog(20);
    const first = await append(log, 5);
    const auditor = auditorOf(log);
    await written(first);
    await auditor.close();
    return { log, first, later: await append(log, 60) };
  }

  const positionsOf = ({ logs }: AuditPage): string[] =>
    logs.map(({ position }) => position).toReversed();

  it('writes what the log holds and what comes, each once and in order', async () => {
    const log = memoryLog();
    const before = await append(log, 3);
    auditorOf(log);
    await written(before);
    const all = [...before, ...await append(log, 3)];
    expect(positionsOf(await written(all))).toEqual(all);
  });

  it('writes no fences, and is not told to read them again', async () => {
    const log = memoryLog();
    const [first] = await append(log, 1);
    const auditor = auditorOf(log);
    await log.append(fenceMessage(systemClock));
    const fence = await log.append(fenceMessage(systemClock));
    await until(() => auditor.stats.position === fence, { what: 'the fences are read' });
    await auditor.close();
    const next = auditorOf(log);
    await until(() => next.stats.position === fence, { what: 'the next one goes on there' });
    const page = await search();
    expect([positionsOf(page), page.gaps]).toEqual([[first], []]);
  });

  it('goes on where the one before it ended, and tells of no gap', async () => {
    const log = memoryLog();
    const first = await append(log, 5);
    const auditor = auditorOf(log);
    await written(first);
    await auditor.close();
    const all = [...first, ...await append(log, 5)];
    auditorOf(log);
    const page = await written(all);
    expect([positionsOf(page), page.gaps]).toEqual([all, []]);
  });

  it('says where the log did not reach back any more', async () => {
    const { log, first, later } = await forgetfulLog();
    auditorOf(log);
    const last = later.at(-1);
    const page = await until(async () => {
      const found = await search();
      return found.logs[0]?.position === last && found;
    }, { what: 'the last record is in the audit' });
    const kept = page.logs.length - first.length;
    expect(kept).toBeLessThan(60);
    expect(positionsOf(page)).toEqual([...first, ...later.slice(-kept)]);
    expect(page.gaps).toEqual([
      { from: first.at(-1), to: later.at(-kept - 1), recorded_at: expect.any(String) },
    ]);
  });

  it('says so before it shows what came after', async () => {
    const { log, first } = await forgetfulLog();
    const shownBefore: string[][] = [];
    let refusals = 2;
    const watched: Pick<AuditDatabase, 'open'> = {
      async open() {
        const session = await database.open();
        return {
          ...session,
          async query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
            if (text.includes('freshet_audit.gap')) shownBefore.push(positionsOf(await search()));
            const isOfRecords = text.includes('INTO freshet_audit.record');
            if (isOfRecords && shownBefore.length > 0 && refusals > 0) {
              refusals -= 1;
              throw new Error('the connection broke');
            }
            return session.query<Row>(text, values);
          },
        };
      },
    };
    async function* entries(end: Position): AsyncGenerator<ArchivedEntry[]> {
      const records = [{ position: end, message: someMessage() }];
      yield [{ position: end, first: end, previous: '1-0/lost', tellsLoss: false, records }];
    }
    const second = auditorOf(log, { database: watched, entries });
    const { gaps } = await written([...first, 'one that was left']);
    expect(gaps).toHaveLength(1);
    expect(shownBefore).toEqual([first, first, first]);
    expect([second.stats.gaps, refusals]).toEqual([1, 0]);
  });

  it('ends with all that the log held', async () => {
    const log = memoryLog();
    const auditor = auditorOf(log, { drainMs: 20_000 });
    await until(() => auditor.stats.isWriting, { what: 'it writes' });
    const all = await append(log, 2_000);
    await auditor.close();
    expect((await search()).total_count).toBe(all.length);
  });

  it('tells its place while the database is away, not once another process writes', async () => {
    const log = memoryLog();
    let state: 'ours' | 'away' | 'of another' = 'ours';
    const shared: Pick<AuditDatabase, 'open'> = {
      async open() {
        const session = await database.open();
        const answered = <T>(work: () => Promise<T>): Promise<T> =>
          (state === 'away' ? Promise.reject(new Error('the database is away')) : work());
        return {
          ...session,
          lock: () => answered(async () => state === 'ours' && session.lock()),
          query: (text, values) => answered(() => session.query(text, values)),
          run: (script) => answered(() => session.run(script)),
        };
      },
    };
    const auditor = auditorOf(log, { database: shared });
    await written(await append(log, 2));
    const { position } = auditor.stats;
    expect([position === undefined, auditor.stats.isCutOff]).toEqual([false, false]);
    state = 'away';
    await append(log, 1);
    await until(() => auditor.stats.isCutOff, { what: 'it has failed' });
    expect(auditor.stats.position).toBe(position);
    state = 'of another';
    await until(() => auditor.stats.position === undefined, { what: 'another writes' });
    expect(auditor.stats.isCutOff).toBe(false);
  });

  it('begins when the database comes, and goes on when it fails, having lost nothing', async () => {
    const log = memoryLog();
    const random = seededRandom(11);
    let failures = 3;
    const faulty: Pick<AuditDatabase, 'open'> = {
      async open() {
        failures -= 1;
        if (failures >= 0) throw new Error('the database is away');
        const session = await database.open();
        return {
          ...session,
          async query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
            if (random() < 0.05) throw new Error('the connection broke');
            const rows = await session.query<Row>(text, values);
            if (random() < 0.05) throw new Error('the connection broke after the statement');
            return rows;
          },
        };
      },
    };
    const warnings: string[] = [];
    const warn = (text: string): number => warnings.push(text);
    const auditor = auditorOf(log, { database: faulty, warn });
    const all: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      all.push(...await append(log, 5));
      await written(all);
    }
    const page = await written(all);
    expect([positionsOf(page), page.gaps]).toEqual([all, []]);
    expect(auditor.stats.failures).toBeGreaterThan(3);
    expect(warnings).toEqual([expect.stringMatching(/cannot be written.*the database is away/)]);
  });
});
