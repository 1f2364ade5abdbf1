import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../support/process.ts';
import { TOKENS } from '../admin/service.ts';
import { openOperators, run, type Operators } from './operators.ts';

let operators: Operators;
const directory = temporaryDirectory('explain');
beforeAll(async () => {
  operators = await openOperators();
});
afterAll(() => operators.close());
beforeEach(() => operators.fill('ann', 'user:1', 'post'));

const explain = (...args: string[]) => run(
  ['explain', ...args, '--url', operators.url],
  { directory, environment: { FRESHET_ADMIN_TOKEN: TOKENS.read } },
);

describe('freshet explain', () => {
  it('tells of a query: what it would be, by which rules, and for whom', async () => {
    const { code, out } = await explain('{ user(id: 1) { id } }');
    expect(code).toBe(0);
    expect(out).toMatch(/^answer +a miss: it would be loaded, for a caller without credentials$/m);
    expect(out).toMatch(/^entry +none: not asked for in this process of late$/m);
    expect(out).toMatch(/^rules +ttl 60\.0 s by default, as nothing is said of User$/m);
    expect(out).toMatch(/^scope +UNDECLARED by default.*, kept for everybody who asks the same$/m);
  });

  it('tells of a key: what carries it, and what purged it last', async () => {
    const { out } = await explain('user:1');
    expect(out).toMatch(/^held by +1 entry, in this process and in Redis$/m);
    expect(out).toMatch(/^ +entry +current in memory$/m);
    await operators.ask('/invalidate/key', {
      token: TOKENS.purge, body: { keys: ['user:1'], reason: 'wrong name', triggered_by: 'ann' },
    });
    const after = await explain('user:1');
    expect(after.out).toMatch(/^purged .* purge of user:1 by the-purge for ann from freshet/m);
    expect(after.out).toMatch(/^ +entry +in memory, not served: invalidated$/m);
    expect(after.out).toMatch(/^ +ended by .*wrong name/m);
  });

  it('prints what the node answered with --json', async () => {
    const { out } = await explain('user:1', '--json');
    expect(JSON.parse(out)).toMatchObject({ kind: 'key', tags: ['user:1'], entries_count: 1 });
  });

  it('takes query, variables and headers from files, and shows no header', async () => {
    writeFileSync(join(directory, 'q.graphql'), 'query A($id: ID) { user(id: $id) { id } }\n');
    writeFileSync(join(directory, 'v.json'), '{"id":"1"}');
    writeFileSync(join(directory, 'jwt'), 'Bearer secret-of-ann\n');
    const args = ['@q.graphql', '--variables', '@v.json', '--header', 'Authorization:@jwt'];
    const { code, out } = await explain(...args);
    expect([code, out]).toEqual([0, expect.stringContaining('a caller with credentials')]);
    expect(out).not.toContain('secret-of-ann');
  });

  it.each([
    [['{ nobody }'], 'Cannot query field'],
    [['{ user(id: 1) {'], 'Syntax Error'],
    [['{ user(id: 1) { id } }', '--variables', '[]'], '--variables: a JSON object was required'],
    [['{ user(id: 1) { id } }', '--header', 'x'], '--header: NAME:VALUE was required'],
    [['user:1', '--variables', '{}'], '--variables: a query was required with it'],
    [['@nowhere'], 'QUERY_OR_KEY: a file that can be read was required, got ENOENT'],
    [[], 'explain: QUERY_OR_KEY was required'],
    [['user:*'], 'what /openapi.json says'],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, err } = await explain(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
