/** The strategies in a Yoga server with a schema of its own: whole responses, and loaded values. */
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createYoga } from 'graphql-yoga';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFreshet, type Freshet } from '../../src/gateway/yoga.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { LeapingClock } from '../support/leaping-clock.ts';
import { until } from '../support/until.ts';

interface Item {
  readonly id: string;
  readonly value: number;
  readonly version: number;
}

interface Told {
  readonly value: unknown;
  readonly errors: unknown;
  readonly status: string;
}

const TYPES = /* GraphQL */ `
  type Query { plain(id: ID!): Item loaded(id: ID!): Item }
  type Item { id: ID! value: Int version: Int }
`;

const WINDOWS = { maxAgeSeconds: 10, staleWhileRevalidateSeconds: 30, staleIfErrorSeconds: 60 };

let freshet: Freshet;
let clock: LeapingClock;
let values: Map<string, Item>;
/** What the origin throws, while it is down. */
let failure: Error | undefined;
let loads: string[];
let ask: (field: string, id: string) => Promise<Told>;

beforeEach(() => {
  clock = new LeapingClock();
  values = new Map();
  failure = undefined;
  loads = [];
  freshet = createFreshet({
    clock,
    maxStalenessMs: 600_000,
    rules: {
      'Query.plain': WINDOWS,
      'Query.loaded': { maxAgeSeconds: 0 },
      Item: { ...WINDOWS, negativeTtlSeconds: 5, versionField: 'version' },
    },
  });
  const read = (id: string): Item | null => {
    loads.push(id);
    if (failure !== undefined) throw failure;
    return values.get(id) ?? null;
  };
  const loader = freshet.entityLoader<Item, object>({
    type: 'Item',
    batch: (ids) => Promise.resolve(ids).then((all) => all.map(read)),
  });
  const schema = makeExecutableSchema<object>({
    typeDefs: TYPES,
    resolvers: {
      Query: {
        plain: (_, { id }: { id: string }) => read(id),
        loaded: (_, { id }: { id: string }, context) => loader.load(context, id),
      },
    },
  });
  const yoga = createYoga({ schema, logging: false, plugins: [freshet.plugin] });
  ask = async (field, id) => {
    const response = await yoga.fetch('http://yoga/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `{ ${field}(id: "${id}") { value } }` }),
    });
    const { data, errors } = await response.json() as {
      data: Record<string, { value: unknown } | null> | null;
      errors?: unknown;
    };
    const status = response.headers.get('cache-status') ?? '';
    return { value: data?.[field]?.value, errors, status };
  };
});

afterEach(() => freshet.close());

function put(id: string, value: number, version = value): void {
  values.set(id, { id, value, version });
}

function unreachable(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}

describe.each(['plain', 'loaded'])('%s', (field) => {
  it('is served past its time while it is loaded anew', async () => {
    put('1', 1);
    await ask(field, '1');
    put('1', 2);
    clock.leap(11_000);
    expect((await ask(field, '1')).value).toBe(1);
    await until(async () => (await ask(field, '1')).value === 2, { what: 'it is loaded anew' });
    expect(loads).toHaveLength(2);
  });

  it('is served past its time where its origin cannot be reached', async () => {
    put('1', 1);
    await ask(field, '1');
    clock.leap(45_000);
    failure = unreachable();
    expect(await ask(field, '1')).toMatchObject({ value: 1, errors: undefined });
    clock.leap(30_000);
    expect((await ask(field, '1')).errors).toHaveLength(1);
  });

  it('does not hide another fault', async () => {
    put('1', 1);
    await ask(field, '1');
    clock.leap(45_000);
    failure = new TypeError('a bug');
    expect((await ask(field, '1')).errors).toHaveLength(1);
  });
});

describe('a whole response', () => {
  it('says that it is stale', async () => {
    put('1', 1);
    await ask('plain', '1');
    clock.leap(11_000);
    failure = unreachable();
    const { status } = await ask('plain', '1');
    expect(status).toMatch(/hit; ttl=-\d+; detail=stale-while-revalidate/);
    clock.leap(30_000);
    expect((await ask('plain', '1')).status).toMatch(/hit; ttl=-\d+; detail=stale-if-error/);
  });
});

describe('a loaded value', () => {
  it('that shows a version lower than was invalidated is not kept', async () => {
    put('1', 1);
    await ask('loaded', '1');
    const newId = (): string => crypto.randomUUID();
    const maker = new MessageMaker({ sourceService: 'test', clock, newId });
    await freshet.invalidate(maker.updated('Item', '1', { version: 2 }));
    await ask('loaded', '1');
    put('1', 2);
    expect((await ask('loaded', '1')).value).toBe(2);
    expect(loads).toHaveLength(3);
    await ask('loaded', '1');
    expect(loads).toHaveLength(3);
  });

  it('that does not exist is kept for the time that is declared for it', async () => {
    await ask('loaded', 'none');
    await ask('loaded', 'none');
    expect(loads).toHaveLength(1);
    clock.leap(5_001);
    await ask('loaded', 'none');
    expect(loads).toHaveLength(2);
  });
});
