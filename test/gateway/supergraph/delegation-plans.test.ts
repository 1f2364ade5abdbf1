import {
  leftOverByDelegationPlan, type DelegationPlanBuilder, type MergedTypeInfo, type StitchingInfo,
} from '@graphql-tools/delegate';
import { execute, GraphQLSchema, Kind, parse, type GraphQLResolveInfo } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { composeSupergraph } from '../../../src/gateway/supergraph/compose.ts';
import { sharePlans } from '../../../src/gateway/supergraph/delegation-plans.ts';
import { stitchSupergraph } from '../../../src/gateway/supergraph/stitch.ts';
import { createSubgraphExecutor } from '../../../src/gateway/subgraph/subgraph-executor.ts';
import { parseSupergraph } from '../../../src/gateway/supergraph/supergraph.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';

type Variables = Record<string, unknown>;

describe('the plans for a document', () => {
  let subgraphs: TestSubgraph[] = [];
  let schema: GraphQLSchema;

  beforeAll(async () => {
    const [users, posts] = await Promise.all([
      startSubgraph({
        name: 'users',
        sdl: `type Query { user(id: ID!): User }
          type User @key(fields: "id") { id: ID! name: String }`,
        resolvers: { Query: { user: (_, { id }) => ({ id, name: `name of ${id}` }) } },
      }),
      startSubgraph({
        name: 'posts',
        sdl: `type Query { count: Int }
          type User @key(fields: "id") { id: ID! posts: Int likes: Int }`,
        resolvers: { User: { posts: ({ id }) => Number(id), likes: ({ id }) => 100 + Number(id) } },
        entities: { User: (reference) => reference },
      }),
    ]);
    subgraphs = [users, posts];
    schema = stitchSupergraph({
      supergraph: parseSupergraph(composeSupergraph(subgraphs).sdl),
      createExecutor: (entry) =>
        createSubgraphExecutor({ ...entry, clock: new ManualClock(), timeoutMs: 5_000 }),
    });
  });

  afterAll(() => Promise.all(subgraphs.map((one) => one.stop())));

  const planned = () => {
    const { mergedTypes } = schema.extensions['stitchingInfo'] as StitchingInfo;
    const type = mergedTypes['User'] as MergedTypeInfo;
    return vi.spyOn(type, 'nonMemoizedDelegationPlanBuilder').mockClear();
  };
  const asking = (text: string) => {
    const document = parse(text);
    return async (variableValues: Variables) =>
      (await execute({ schema, document, contextValue: {}, variableValues })).data?.['user'];
  };

  it('are made once, whatever the variables', async () => {
    const made = planned();
    const ask = asking('query ($id: ID!) { user(id: $id) { name posts } }');
    for (const id of ['1', '2', '3']) {
      expect(await ask({ id })).toEqual({ name: `name of ${id}`, posts: Number(id) });
    }
    expect(made).toHaveBeenCalledTimes(1);
  });

  it('are made once for what @skip and @include say, and say that', async () => {
    const made = planned();
    const ask = asking(`query ($id: ID!, $likes: Boolean = true, $without: Boolean!) {
      user(id: $id) { posts @skip(if: $without) likes @include(if: $likes) }
    }`);
    for (const id of ['1', '2']) {
      const posts = Number(id);
      const likes = 100 + posts;
      expect(await ask({ id, likes: true, without: false })).toEqual({ posts, likes });
      expect(await ask({ id, without: false })).toEqual({ posts, likes });
      expect(await ask({ id, likes: false, without: false })).toEqual({ posts });
      expect(await ask({ id, likes: true, without: true })).toEqual({ likes });
      expect(await ask({ id, likes: false, without: true })).toEqual({});
    }
    expect(made).toHaveBeenCalledTimes(4);
  });
});

describe('a plan', () => {
  const build = vi.fn<DelegationPlanBuilder>();
  const world = (...overrides: (() => boolean)[]) => {
    const type = { delegationPlanBuilder: build };
    build.mockReset().mockImplementation(() => []);
    const subschemaMap = new Map(overrides.map((override) =>
      [{}, { merge: { Other: { fields: { name: { override } } } } }]));
    const stitchingInfo = { mergedTypes: { User: type }, subschemaMap };
    sharePlans(new GraphQLSchema({ extensions: { stitchingInfo } }));
    return type.delegationPlanBuilder;
  };
  const infoOf = (text: string, variableValues: Variables): GraphQLResolveInfo => {
    const [operation] = parse(text).definitions;
    return { operation, variableValues } as unknown as GraphQLResolveInfo;
  };
  const planWith = (plan: DelegationPlanBuilder, variables: Variables, of: GraphQLResolveInfo) => {
    const info = { ...of, variableValues: variables };
    return plan(null as never, null as never, variables, {}, [], {}, info);
  };
  const given = () => build.mock.calls.map(([, , variables]) => variables);

  it('is made with the Boolean variables of the request alone', () => {
    const plan = world();
    const info = infoOf('query ($a: Boolean, $b: Boolean!, $c: [Boolean], $d: Int) { a }', {});
    planWith(plan, { a: true, b: false, c: [true], d: 1 }, info);
    planWith(plan, { b: false, c: [], d: 2 }, info);
    expect(given()).toEqual([{ a: true, b: false }, { b: false }]);
  });

  it('is not remembered for more than 64 ways in which variables are set', () => {
    const plan = world();
    const names = Array.from({ length: 7 }, (_, at) => `v${at}`);
    const info = infoOf(`query (${names.map((name) => `$${name}: Boolean!`).join()}) { a }`, {});
    const ways = Array.from({ length: 128 }, (_, way) =>
      Object.fromEntries(names.map((name, at) => [name, (way & (1 << at)) !== 0])));
    for (const variables of [...ways, ...ways]) planWith(plan, variables, info);
    expect(new Set(given()).size).toBe(64 + 64);
    expect(given().slice(128)).toEqual(ways);
    expect(given().slice(128, 192)).toEqual(given().slice(0, 64));
  });

  it('with fields that wait for others is one of its request, with or without variables', () => {
    const plan = world();
    build.mockImplementation(() => {
      const made: ReturnType<DelegationPlanBuilder> = [];
      leftOverByDelegationPlan.set(made, {} as never);
      return made;
    });
    const info = infoOf('{ a }', {});
    const [one, two] = [{}, {}];
    planWith(plan, one, info);
    planWith(plan, two, info);
    expect(given().filter((variables) => variables === one)).toHaveLength(1);
    expect(given().at(-1)).toBe(two);
  });

  it('is not shared where a label says for each request whom some field is of', () => {
    expect(world(() => true)).toBe(build);
  });

  it('for what is no field of an operation is made with what is given', () => {
    const plan = world();
    const variables = { a: 1 };
    plan(null as never, null as never, variables, {}, [{ kind: Kind.FIELD } as never]);
    expect(given()[0]).toBe(variables);
  });
});
