import { describe, expect, it } from 'vitest';
import { AnswerOwners } from '../../../src/ops/traffic/answer-owners.ts';
import { adviceFor } from '../../../src/ops/traffic/operation-advice.ts';
import { byShape, shapeOf } from '../../../src/ops/traffic/operation-shape.ts';
import {
  OperationTable, savedMsOf, unsavedOf, type OperationCounts,
} from '../../../src/ops/traffic/operation-table.ts';
import type { Reasons } from '../../../src/policy/reasons.ts';
import { operationOf, request } from './requests.ts';

function countsOf(text: string, told: readonly Parameters<typeof request>[1][]): OperationCounts {
  const table = new OperationTable();
  const operation = operationOf(text);
  for (const one of told) table.count(request(operation, one));
  const [row] = table.top(unsavedOf, 1).rows;
  return row as OperationCounts;
}

describe('the table of operations', () => {
  it('tells what hits have saved, by what it costs to find nothing', () => {
    const miss = { outcome: 'miss', durationMs: 40, subgraphCalls: 2 } as const;
    const hit = { durationMs: 1, subgraphCallsSaved: 2 };
    const counts = countsOf('query A { user(id: 1) { id } }', [miss, hit, hit, hit]);
    expect(counts).toMatchObject({
      name: 'A', kind: 'query', requests: 4, hits: 3, misses: 1, missMs: 40, missCalls: 2,
      savedCalls: 6, types: ['User'],
    });
    expect(savedMsOf(counts)).toBe(3 * 40 - 3);
    expect(unsavedOf(counts)).toBe(1);
    expect(savedMsOf(countsOf('{ user { id } }', [hit]))).toBe(0);
  });

  it('says how well each type is cached, by outcomes that tell it', () => {
    const table = new OperationTable(1);
    for (const [text, outcomes] of [
      ['{ user(id: 1) { id name } }', ['miss', 'hit_l1', 'hit_l2', 'stale', 'partial', 'bypass']],
      ['{ users { id } }', ['coalesced', 'error', 'refused']],
    ] as const) {
      for (const outcome of outcomes) table.count(request(operationOf(text), { outcome }));
    }
    expect(table.top(() => 0, 10).known).toBe(1);
    expect(table.types).toEqual([{ type: 'User', hits: 3, misses: 3 }]);
  });

  it('forgets those that were used longest ago, and counts them anew when they come again', () => {
    const table = new OperationTable(10);
    const all = Array.from({ length: 10 }, (_, at) => operationOf(`query Q${at} { user { id } }`));
    for (const one of all) table.count(request(one));
    table.turn();
    for (const one of all.slice(1)) table.count(request(one));
    table.count(request(operationOf('query New { user { id } }')));
    const { rows, known, forgotten } = table.top(() => 0, 100);
    expect([known, forgotten]).toEqual([10, 1]);
    expect(rows.map(({ name }) => name)).not.toContain('Q0');
    table.count(request(all[0]));
    expect(table.top(() => 0, 100).rows.find(({ name }) => name === 'Q0')?.requests).toBe(1);
  });

  it('keeps no text that is long', () => {
    const aliases = Array.from({ length: 1_000 }, (_, at) => `a${at}: user { id }`).join(' ');
    expect(countsOf(`{ ${aliases} }`, [{}]).text).toBeUndefined();
  });
});

describe('owners of answers', () => {
  it('are remembered of so many, the latest', () => {
    const owners = new AnswerOwners(2);
    const operation = operationOf('query A { user { id } }');
    for (const keptAs of ['a', 'b', 'a', 'c', undefined]) {
      owners.note(request(operation, { keptAs }));
    }
    expect(['a', 'b', 'c'].map((id) => owners.of(id)?.name)).toEqual(['A', undefined, 'A']);
  });
});

describe('the shape of an operation', () => {
  it('holds nothing that the caller wrote into it as a literal', () => {
    const text = 'query A($id: ID = "secret") { user(id: $id) { id } ' +
      'users(ids: ["a@b.org", 7], name: """a secret""", age: 41) { name } }';
    expect(shapeOf(text)?.replace(/\s+/g, ' ')).toBe(
      'query A($id: ID = "") { user(id: $id) { id } users(ids: [], name: "", age: 0) { name } }',
    );
    expect(shapeOf('{')).toBeUndefined();
  });

  it('makes one of those that differ in literals alone', () => {
    const rows = ['1', '"x"', '"y"'].map((id) =>
      countsOf(`{ user(id: ${id}) { id } }`, [{ outcome: 'miss', why: 'error' }]));
    const shapes = byShape(rows);
    expect(shapes).toHaveLength(2);
    expect(shapes.find(({ misses }) => misses === 2)?.whys).toEqual({ error: 2 });
  });
});

describe('advice', () => {
  const reasons: Reasons = {
    ttlMs: 60_000, ttl: { by: 'directive', coordinate: 'User' },
    scope: 'PUBLIC', scopeFrom: undefined,
  };
  const of = (told: Parameters<typeof request>[1], but: Partial<Reasons> | undefined) => {
    const counts = countsOf('{ user { id } }', Array.from({ length: 6 }, () => told));
    return adviceFor(counts, but && { ...reasons, ...but });
  };
  const bypass = (why: string) => ({ outcome: 'bypass', why } as const);

  it.each([
    [
      'a field that is PRIVATE', bypass('private'),
      { scope: 'PRIVATE', scopeFrom: { by: 'directive', coordinate: 'Post.viewCount' } },
      'private', /uncached because Post\.viewCount is PRIVATE/,
    ],
    [
      'a maxAge of 0', bypass('uncacheable'),
      { ttlMs: 0, ttl: { by: 'configuration', coordinate: 'User.name' } },
      'ttl_zero', /User\.name has maxAge 0, by cache\.rules/,
    ],
    [
      'no maxAge at all', bypass('uncacheable'),
      { ttlMs: 0, ttl: { by: 'default', coordinate: 'User' } },
      'no_ttl', /nothing says how long User may be kept/,
    ],
    [
      'what is not declared', { outcome: 'miss', isPrivate: true },
      { scope: 'UNDECLARED', scopeFrom: { by: 'default', coordinate: 'User.name' } },
      'undeclared', /because User\.name is not declared PUBLIC/,
    ],
    ['a short TTL', { outcome: 'miss' }, { ttlMs: 5_000 }, 'short_ttl', /TTL of User, 5 s/],
    ['answers in pieces', bypass('incremental'), {}, 'incremental', /in pieces/],
    ['errors', { outcome: 'miss', why: 'error' }, undefined, 'errors', /errors of a subgraph/],
    ['purges', { outcome: 'miss', why: 'invalidated' }, {}, 'invalidated', /while it is loaded/],
  ] as const)('names %s', (_, told, but, code, text) => {
    const [advice] = of(told, but);
    expect(advice).toMatchObject({ code, text: expect.stringMatching(text) });
  });

  it('is not given where the cache does well, or has no part', () => {
    expect(of({ outcome: 'hit_l1' }, { ttlMs: 5_000 })).toEqual([]);
    expect(of({ outcome: 'miss' }, { ttlMs: 600_000 })).toEqual([]);
    expect(of({ outcome: 'miss' }, { ttlMs: 600_000, scope: 'UNDECLARED' })).toEqual([]);
    const counts = countsOf('mutation { rename(id: 1) { id } }', [bypass('mutation')]);
    expect(adviceFor(counts, reasons)).toEqual([]);
  });
});
