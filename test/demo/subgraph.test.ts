import { composeServices } from '@theguild/federation-composition';
import { buildSchema, Kind, parse, print, type DirectiveDefinitionNode } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { expect, test } from 'vitest';
import { createContext, type Context } from '../../src/demo/context.ts';
import { SERVICE_NAMES } from '../../src/demo/run.ts';
import { readSdl, subgraphSchema } from '../../src/demo/subgraph.ts';
import type { Json } from './world.ts';

const sdls = SERVICE_NAMES.map((name) => ({ name, typeDefs: parse(readSdl(name)) }));

test('the five subgraphs compose into one supergraph', () => {
  const services = sdls.map((sdl) => ({ ...sdl, url: `http://127.0.0.1/${sdl.name}` }));
  const { errors, supergraphSdl } = composeServices(services);
  expect(errors).toBeUndefined();
  const schema = buildSchema(supergraphSdl!, { assumeValidSDL: true });
  const fields = (type: string): string[] =>
    Object.keys((schema.getType(type) as Json).getFields()).toSorted();
  expect(fields('Query')).toEqual([
    'feed', 'me', 'notifications', 'post', 'posts', 'session', 'user', 'users',
  ]);
  expect(fields('Mutation')).toEqual([
    'addComment', 'createPost', 'deleteComment', 'deletePost', 'deleteUser', 'follow', 'login',
    'revokeSession', 'unfollow', 'updatePost', 'updateUser',
  ]);
  expect(fields('User')).toEqual(expect.arrayContaining(['name', 'posts']));
});

test.each(sdls)('$name stands alone, and defines the directives as Freshet does', (sdl) => {
  const { errors } = composeServices([{ ...sdl, url: 'http://127.0.0.1' }]);
  expect(errors).toBeUndefined();
  const freshet = directives(parse(readSdl('freshet')).definitions);
  const own = directives(sdl.typeDefs.definitions);
  expect(own.size).toBeGreaterThan(0);
  for (const [name, definition] of own) expect(definition).toBe(freshet.get(name));
});

/** As text, without descriptions. */
function directives(definitions: readonly { readonly kind: Kind }[]): Map<string, string> {
  const found = definitions.filter((one): one is DirectiveDefinitionNode =>
    one.kind === Kind.DIRECTIVE_DEFINITION);
  return new Map(found.map((node) => {
    const { description: _, ...bare } = node;
    const args = node.arguments?.map(({ description: __, ...argument }) => argument);
    return [node.name.value, print({ ...bare, ...(args && { arguments: args }) })];
  }));
}

const SDL = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  type Query { one: Thing other: Other }
  type Thing @key(fields: "id") { id: ID! name: String }
  type Other @key(fields: "id", resolvable: false) { id: ID! }
`;

async function execute(query: string, variables: object = {}): Promise<Json> {
  const schema = subgraphSchema(SDL, {
    Query: { one: () => ({ id: '1', name: 'one' }) },
    Thing: {
      __resolveReference({ id }: { id: string }) {
        if (id === 'broken') throw new Error('broken');
        return id === '1' ? { id, name: 'one' } : null;
      },
    },
  });
  const yoga = createYoga<object, Context>({
    schema,
    logging: false,
    context: () => createContext({ callerOf: () => Promise.resolve(undefined) }, null),
  });
  const body = JSON.stringify({ query, variables });
  const headers = { 'content-type': 'application/json' };
  const response = await yoga.fetch('http://127.0.0.1/graphql', { method: 'POST', headers, body });
  return response.json();
}

const ENTITIES = `query ($of: [_Any!]!) {
  _entities(representations: $of) { __typename ... on Thing { name } }
}`;

test('the SDL is answered as it was written', async () => {
  const { data } = await execute('{ _service { sdl } one { name } }');
  expect(data).toEqual({ _service: { sdl: SDL }, one: { name: 'one' } });
});

test('an entity that fails or cannot be read is an error in its own place', async () => {
  const of = [
    { __typename: 'Thing', id: '1' }, { __typename: 'Thing', id: '2' },
    { __typename: 'Thing', id: 'broken' }, { __typename: 'Other', id: '1' }, 'nonsense',
    { __typename: 'constructor' },
  ];
  const { data, errors } = await execute(ENTITIES, { of });
  expect(data._entities).toEqual([
    { __typename: 'Thing', name: 'one' }, null, null, null, null, null,
  ]);
  const paths = errors.map(({ path }: Json) => path[1]).toSorted();
  expect(paths).toEqual([2, 3, 4, 5]);
});

test('more representations than are allowed are refused', async () => {
  const of = Array.from({ length: 1_001 }, () => ({ __typename: 'Thing', id: '1' }));
  const { errors } = await execute(ENTITIES, { of });
  expect(errors[0].message).toBe(
    'representations: at most 1000 were required, got 1001.',
  );
});
