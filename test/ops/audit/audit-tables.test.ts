import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/invalidation/clock.ts';
import type { LogRecord } from '../../../src/invalidation/log.ts';
import { MessageMaker } from '../../../src/invalidation/message-maker.ts';
import type { InvalidationMessage } from '../../../src/invalidation/message.ts';
import { positionOf, type Position } from '../../../src/invalidation/position.ts';
import { switchingMessage } from '../../../src/invalidation/switching.ts';
import { collectionTag } from '../../../src/invalidation/tag.ts';
import { searchAudit, type AuditPage } from '../../../src/ops/audit/audit-search.ts';
import { AuditTables } from '../../../src/ops/audit/audit-tables.ts';
import type { AuditDatabase, AuditSession } from '../../../src/ops/audit/database.ts';
import { integerBelow, seededRandom } from '../../support/seeded-random.ts';
import { someMessage } from '../../invalidation/log-contract.ts';
import { IMPLEMENTATIONS, type TestDatabases } from './databases.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();

function recordAt(position: Position, fields: Partial<InvalidationMessage> = {}): LogRecord {
  return { position, message: someMessage(fields) };
}

function recordsAt(ms: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, at) => recordAt(positionOf(ms, at)));
}

describe.each(Object.entries(IMPLEMENTATIONS))('the tables of the audit in %s', (_, start) => {
  let databases: TestDatabases;
  let database: AuditDatabase;
  let session: AuditSession;
  let tables: AuditTables;

  beforeAll(async () => {
    databases = await start();
  });
  afterAll(() => databases.stop());
  beforeEach(async () => {
    session?.end();
    database = await databases.make();
    session = await database.open();
    tables = new AuditTables(session);
    await tables.setUp(90);
  });

  const search = (part: object = {}): Promise<AuditPage> =>
    searchAudit(database.queries, { limit: 100, offset: 0, ...part });

  async function days(): Promise<string[]> {
    const rows = await session.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
       WHERE inhparent = 'freshet_audit.record'::regclass ORDER BY 1`);
    return rows.map(({ name }) => name.replace('freshet_audit.', ''));
  }

  it('are made once, and left as they are when made again', async () => {
    await tables.write(recordsAt(NOW_MS, 2));
    await new AuditTables(session).setUp(90);
    expect((await search()).total_count).toBe(2);
  });

  it('keep all of a record that an auditor asks for', async () => {
    const message = someMessage({
      message_id: 'm-1', action: 'Batch', entity_type: { Custom: 'product' }, entity_id: null,
      entity_ids: ['product:9', 'product:10'], source_service: 'shop',
      timestamp: new Date(NOW_MS - 7).toISOString(),
      metadata: {
        actor: 'ann', reason: 'wrong price', request_id: 'r-1', triggered_by: 'ticket 7',
        cascade: ['feed:*'], created: true, soft: true,
      },
    });
    await tables.write([{ position: positionOf(NOW_MS, 5), message }]);
    const { logs: [log] } = await search();
    expect(log).toEqual({
      position: `${NOW_MS}-5`, message_id: 'm-1', action: 'Batch', entity_type: 'product',
      entity_id: null, pattern: null, keys: ['product:9', 'product:10'], cascade: ['feed:*'],
      created: true, soft: true, source_service: 'shop', actor: 'ann', reason: 'wrong price',
      request_id: 'r-1', triggered_by: 'ticket 7', timestamp: message.timestamp,
      logged_at: new Date(NOW_MS).toISOString(),
      recorded_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), latency_ms: 7,
    });
  });

  it('say when caching was switched, of what, by whom, and are searched for it', async () => {
    const clock = systemClock;
    const maker = new MessageMaker({ sourceService: 'freshet', clock, newId: () => randomUUID() });
    const since = positionOf(NOW_MS, 0);
    const post = collectionTag('Post');
    const records = [
      switchingMessage({ state: 'off' }, { maker, metadata: { reason: 'a doubt' } }),
      switchingMessage({ state: 'off', since }, { maker }),
      switchingMessage({ state: 'on', type: post }, { maker }),
      someMessage(),
    ].map((message, at) => ({ position: positionOf(NOW_MS, at), message }));
    await tables.write(records);
    const { logs } = await search({ pattern: 'caching:*' });
    expect(logs.map(({ entity_type: type, entity_id: id }) => `${type}:${id}`))
      .toEqual(['caching:on:post', 'caching:still-off', 'caching:off']);
    const { logs: [off], total_count: count } = await search({ pattern: 'caching:off' });
    expect([off?.reason, off?.action, off?.keys, count]).toEqual(['a doubt', 'Batch', null, 1]);
  });

  it('take a record once, however often it is written', async () => {
    const records = recordsAt(NOW_MS, 2_500);
    expect(await tables.write(records.slice(0, 1_500))).toBe(1_500);
    expect(await tables.write(records)).toBe(1_000);
    expect((await search()).total_count).toBe(2_500);
  });

  it('know how far the log has been written', async () => {
    expect(await tables.position()).toBeUndefined();
    const records = recordsAt(NOW_MS, 3);
    await tables.write(records);
    expect(await tables.position()).toBe(positionOf(NOW_MS, 2));
    await tables.write(recordsAt(NOW_MS + 1, 1), { moving: false });
    expect(await tables.position()).toBe(positionOf(NOW_MS, 2));
    await tables.move(positionOf(NOW_MS, 9));
    expect(await tables.position()).toBe(positionOf(NOW_MS, 9));
  });

  it('take whatever texts a message holds', async () => {
    const random = seededRandom(7);
    const pieces = [
      '\0', '\ud800', '\udc00', '\u{1F600}', '"', '\\', '\\u0000', '{', "'", '%', 'a',
    ];
    const text = (): string =>
      Array.from({ length: 8 }, () => pieces[integerBelow(random, pieces.length)]).join('');
    const records = Array.from({ length: 200 }, (_, at) => recordAt(positionOf(NOW_MS, at), {
      message_id: text(), entity_id: text(), source_service: text(), timestamp: text(),
      entity_type: { Custom: text() }, entity_ids: at % 2 ? [text(), text()] : null,
      metadata: { actor: text(), reason: [text()] as never, request_id: 7 as never },
    }));
    expect(await tables.write(records)).toBe(200);
    const { logs: [log] } = await search();
    expect(log).toMatchObject({ reason: null, request_id: '7', latency_ms: null });
  });

  it('take records of any time that a position can tell', async () => {
    const records = [1, NOW_MS, 999_999_999_999_999].map((ms) => recordAt(positionOf(ms, 0)));
    expect(await tables.write(records)).toBe(3);
    expect((await search()).logs.map(({ position }) => position))
      .toEqual(['999999999999999-0', `${NOW_MS}-0`, '1-0']);
  });

  it('take a message of a megabyte, and many of them', async () => {
    const keys = Array.from({ length: 10_000 }, (_, at) => `product:${'x'.repeat(80)}${at}`);
    const records = Array.from({ length: 12 }, (_, at) => recordAt(positionOf(NOW_MS, at), {
      action: 'Batch', entity_ids: keys,
    }));
    expect(await tables.write(records)).toBe(12);
  });

  it.each(['record', 'gap'])('refuse to change a %s, also to their owner', async (name) => {
    await tables.write(recordsAt(NOW_MS, 1));
    await tables.writeGap(positionOf(NOW_MS, 1), positionOf(NOW_MS, 2));
    const column = name === 'gap' ? 'to_position' : 'position';
    const day = new Date(NOW_MS).toISOString().slice(0, 10).replaceAll('-', '_');
    for (const table of [name, `${name}_${day}`].map((one) => `freshet_audit.${one}`)) {
      for (const statement of [
        `UPDATE ${table} SET recorded_at = now()`, `DELETE FROM ${table}`, `TRUNCATE ${table}`,
        `UPDATE ${table} SET recorded_at = now() WHERE false`,
        `INSERT INTO ${table} SELECT * FROM ${table}
         ON CONFLICT (${name === 'gap' ? 'to_position, from_position' : column})
         DO UPDATE SET recorded_at = now()`,
      ]) {
        await expect(session.query(statement), statement).rejects.toThrow(/append-only/);
      }
    }
    await expect(session.query('TRUNCATE freshet_audit.record, freshet_audit.gap'))
      .rejects.toThrow(/append-only/);
    const { total_count: count, gaps } = await search();
    expect([count, gaps.length]).toEqual([1, 1]);
  });

  it('make the days to come, and drop those that are past their time', async () => {
    await tables.write(recordsAt(NOW_MS - 92 * DAY_MS, 2));
    await tables.write(recordsAt(NOW_MS - 88 * DAY_MS, 2));
    await tables.writeGap(positionOf(1, 0), positionOf(NOW_MS - 92 * DAY_MS, 0));
    const ahead = (count: number): string =>
      `record_${new Date(NOW_MS + count * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '_')}`;
    await tables.turnDays();
    expect(await days()).toEqual([ahead(-88), ahead(0), ahead(1), ahead(2)]);
    const { total_count: count, gaps } = await search();
    expect([count, gaps]).toEqual([2, []]);
    // One that comes late finds its day again, for as long as nobody looks.
    expect(await tables.write(recordsAt(NOW_MS - 92 * DAY_MS, 1))).toBe(1);
  });

  it('keep as many days as they were last told', async () => {
    await tables.write(recordsAt(NOW_MS - 10 * DAY_MS, 1));
    expect(await tables.setUp(5)).toBe(5);
    await tables.turnDays();
    expect((await search()).total_count).toBe(0);
  });

  it('are searched by time, by key or pattern, and by who triggered it', async () => {
    const at = (ms: number, fields: Partial<InvalidationMessage>): LogRecord =>
      recordAt(positionOf(ms, 0), fields);
    await tables.write([
      at(1_000, { entity_type: 'User', entity_id: '1', metadata: { triggered_by: 'ann' } }),
      at(2_000, { action: 'Pattern', entity_id: null, pattern: 'user:*' }),
      at(3_000, { action: 'Batch', entity_id: null, entity_ids: ['a_b:1', 'post:2'] }),
      at(4_000, { entity_type: 'Post', entity_id: '9', metadata: { cascade: ['feed:%'] } }),
    ]);
    const found = async (part: object): Promise<number[]> =>
      (await search(part)).logs.map(({ position }) => Number(position.split('-')[0]));
    expect(await found({})).toEqual([4_000, 3_000, 2_000, 1_000]);
    expect(await found({ sinceMs: 2_000, untilMs: 4_000 })).toEqual([3_000, 2_000]);
    expect(await found({ triggeredBy: 'ann' })).toEqual([1_000]);
    expect(await found({ pattern: 'user:*' })).toEqual([2_000, 1_000]);
    expect(await found({ pattern: 'user:1' })).toEqual([1_000]);
    expect(await found({ pattern: 'post:*' })).toEqual([4_000, 3_000]);
    expect(await found({ pattern: 'axb:1' })).toEqual([]);
    expect(await found({ pattern: 'a_b:1' })).toEqual([3_000]);
    expect(await found({ pattern: 'feed:%' })).toEqual([4_000]);
    const page = await search({ limit: 2, offset: 1 });
    expect([page.logs.length, page.total_count, page.has_more]).toEqual([2, 4, true]);
    expect(await search({ limit: 2, offset: 2 })).toMatchObject({ has_more: false });
  });

  it('tell of gaps in the time that is searched', async () => {
    await tables.writeGap(positionOf(1_000, 0), positionOf(2_000, 0));
    await tables.writeGap(positionOf(1_000, 0), positionOf(2_000, 0));
    expect((await search()).gaps).toEqual([
      { from: '1000-0', to: '2000-0', recorded_at: expect.any(String) },
    ]);
    expect((await search({ sinceMs: 3_000 })).gaps).toEqual([]);
    expect((await search({ sinceMs: 1_500, pattern: 'nothing' })).gaps).toHaveLength(1);
  });
});
