import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import { composeServices } from '@theguild/federation-composition';
import { buildSchema, execute, graphql, parse, print, type ExecutionResult } from 'graphql';
import { describe, expect, it } from 'vitest';
import { FRESHET_SDL } from '../../src/policy/freshet-definitions.ts';
import { planOperation } from '../../src/policy/operation-plan.ts';
import { SchemaPolicy } from '../../src/policy/schema-policy.ts';
import { attachDirectives, takeDirectives } from '../../src/policy/subgraph-directives.ts';

const federation = `extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])`;
const federationComposing = `extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.3",
    import: ["@key", "@shareable", "@composeDirective"])`;
const NAMES = {
  control: 'cacheControl', strategy: 'cacheStrategy', tag: 'cacheTag', purge: 'cachePurge',
};
const users = ({ control, strategy, tag, purge } = NAMES): string => `
  type Query {
    user(id: ID!): User @${control}(maxAge: 30, scope: PUBLIC) @${strategy}(jitter: 0.1, lock: 9)
  }
  type Mutation { rename(id: ID!): User @${purge}(tags: ["user:{$args.id}", "feed:*"]) }
  type User @key(fields: "id") @${control}(maxAge: 90, staleWhileRevalidate: 5)
    @${strategy}(version: "rev", writeThrough: true, staleIfError: 7, sliding: 300, settle: 40) {
    id: ID! rev: Int
    name: String @${tag}(format: "user:{$key.id}:name") @${tag}(format: "names")
  }
`;

function inNamespace(name: string): typeof NAMES {
  const local = Object.entries(NAMES).map(([member, one]) => [member, `${name}__${one}`]);
  return Object.fromEntries(local) as typeof NAMES;
}

const forms: readonly (readonly [string, string])[] = [
  ['are not defined at all', federation + users()],
  ['are defined by the subgraph', federation + users() + FRESHET_SDL],
  ['are imported', `${federation}
    @link(url: "https://freshet.dev/freshet/v1.0",
      import: ["@cacheControl", "@cacheStrategy", "@cacheTag", "@cachePurge", "CacheControlScope"])
    ${users()}`],
  ['are imported under other names', `${federation}
    @link(url: "https://freshet.dev/freshet/v1.0", import: [
      { name: "@cacheControl", as: "@keep" }, { name: "@cacheTag", as: "@tagged" },
      { name: "@cachePurge", as: "@drop" }, { name: "@cacheStrategy", as: "@against" }])
    ${users({ control: 'keep', strategy: 'against', tag: 'tagged', purge: 'drop' })}
    directive @against(jitter: Float, lock: Int) on FIELD_DEFINITION
    directive @keep(maxAge: Int, scope: Anyone, staleWhileRevalidate: Int) on OBJECT
    enum Anyone { PUBLIC PRIVATE }`],
  ['are used in the namespace of a link', `${federation}
    @link(url: "https://freshet.dev/freshet/v1.0")
    ${users(inNamespace('freshet'))}`],
  ['are used in a namespace that a link chooses', `${federation}
    @link(url: "https://example.org/caching/v0.1", as: "rules")
    ${users(inNamespace('rules'))}`],
  ['are meant to be composed', `${federationComposing}
    @link(url: "https://example.org/caching/v0.1",
      import: ["@cacheControl", "@cacheStrategy", "@cacheTag", "@cachePurge"])
    @composeDirective(name: "@cacheControl") @composeDirective(name: "@cacheTag")
    @composeDirective(name: "@cachePurge") @composeDirective(name: "@cacheStrategy")
    ${users()}${FRESHET_SDL}`],
  ['stand on extensions', `${federation}
    type Query { user(id: ID!): User @cacheControl(maxAge: 30, scope: PUBLIC) }
    extend type User
      @cacheStrategy(version: "rev", writeThrough: true, staleIfError: 7, sliding: 300, settle: 40)
    extend type Query { other: User @cacheStrategy(jitter: 0.1) }
    type Mutation { rename(id: ID!): User @cachePurge(tags: ["user:{$args.id}", "feed:*"]) }
    extend type User @cacheControl(maxAge: 90, staleWhileRevalidate: 5)
    type User @key(fields: "id") { id: ID! rev: Int }
    extend type User {
      name: String @cacheTag(format: "user:{$key.id}:name") @cacheTag(format: "names")
    }`],
  ['are used without federation, under other root types', `
    schema { query: Reads mutation: Writes }
    ${users().replace('type Query', 'type Reads').replace('type Mutation', 'type Writes')}
    ${FRESHET_SDL}`],
];

const posts = `${federation}
  type Query { posts: [Post] latest: Post }
  type Post @key(fields: "id") { id: ID! title: String author: User }
  type User @key(fields: "id") @cacheControl(maxAge: 60, scope: PRIVATE) {
    id: ID! posts: [Post] @cacheControl(maxAge: 0)
  }
`;

function supergraphOf(...subgraphs: readonly string[]): string {
  const taken = subgraphs.map((sdl) => takeDirectives(parse(sdl)));
  const { supergraphSdl, errors } = composeServices(taken.map(({ document }, index) => ({
    name: `s${index}`, url: `http://s${index}`, typeDefs: document,
  })));
  expect(errors?.map(({ message }) => message) ?? []).toEqual([]);
  const hints = taken.map((one) => one.hints);
  return print(attachDirectives(parse(supergraphSdl ?? ''), ...hints));
}

describe('directives of a subgraph', () => {
  it.each(forms)('reach the policy where they %s', (_, sdl) => {
    const supergraph = supergraphOf(sdl);
    const policy = new SchemaPolicy(parse(supergraph));
    expect(policy.fieldRule('Query', 'user')).toMatchObject({ maxAgeSeconds: 30, scope: 'PUBLIC' });
    expect(policy.typeHint('User')).toMatchObject({
      ttlMs: 90_000, strategy: { staleWhileRevalidateMs: 5_000 }, scope: 'UNDECLARED',
    });
    expect(policy.typeHint('User').strategy)
      .toMatchObject({ staleIfErrorMs: 7_000, slidingMs: 300_000, settleMs: 40 });
    expect([policy.versionField('User'), policy.writesThrough('User')]).toEqual(['rev', true]);
    const fields = ['user', 'other'].map((name) => policy.fieldRule('Query', name).strategy);
    expect(fields.map((strategy) => strategy?.jitter)).toContain(0.1);
    const texts = (formats: readonly { text: string }[] = []) => formats.map(({ text }) => text);
    expect(texts(policy.fieldRule('User', 'name').tags)).toEqual(['user:{$key.id}:name', 'names']);
    expect(texts(policy.fieldRule('Mutation', 'rename').purges))
      .toEqual(['user:{$args.id}', 'feed:*']);
  });

  it.each(forms)('leave nothing behind where they %s', (_, sdl) => {
    const { document } = takeDirectives(parse(sdl));
    const text = print(document);
    expect(text).not.toMatch(/cacheControl|cacheStrategy|cacheTag|cachePurge/i);
    expect(text).not.toMatch(/@keep|@against|@tagged|@drop/i);
    expect(text).not.toMatch(/freshet|composeDirective\(/);
    expect(print(parse(text))).toBe(text);
  });

  it.each(forms)('are found in the SDL itself where they %s', (_, sdl) => {
    const policy = new SchemaPolicy(parse(sdl));
    expect(policy.typeHint('User').ttlMs).toBe(90_000);
  });

  it('are the strictest of what several subgraphs declare', () => {
    const policy = new SchemaPolicy(parse(supergraphOf(forms[0]?.[1] ?? '', posts)));
    expect(policy.typeHint('User')).toMatchObject({
      ttlMs: 60_000, strategy: { staleWhileRevalidateMs: 5_000 }, scope: 'PRIVATE',
    });
  });

  it('of strategies are the strictest of what several subgraphs declare', () => {
    const subgraph = (text: string): string => `${federation}
      type Query { a: User @shareable @cacheStrategy(${text}) }
      type User @key(fields: "id") @cacheStrategy(${text}) { id: ID! }`;
    const policy = new SchemaPolicy(parse(supergraphOf(
      subgraph('jitter: 0.2, earlyExpiry: 1.5, settle: 3, negative: 9, refresh: 4, sliding: 80'),
      subgraph('jitter: 0.1, settle: 5, negative: 7, refresh: 6, staleIfError: 2, lock: 8'),
    )));
    expect(policy.fieldRule('Query', 'a').strategy).toEqual({
      jitter: 0.2, earlyExpiry: 1.5, settleMs: 5, negativeTtlSeconds: 7, refreshHits: 4,
      slidingSeconds: 80, staleIfErrorSeconds: 2, lockMs: 8,
    });
    expect(policy.typeRule('User').strategy).toEqual(policy.fieldRule('Query', 'a').strategy);
  });

  it('of write-through hold only where no subgraph forbids it', () => {
    const subgraph = (text: string): string => `${federation}
      type Query { a: User @shareable b: Post @shareable }
      type Post @key(fields: "id") @cacheStrategy(writeThrough: true) { id: ID! }
      type User @key(fields: "id") @cacheStrategy(writeThrough: ${text}) { id: ID! }`;
    const policy = new SchemaPolicy(parse(supergraphOf(subgraph('true'), subgraph('false'))));
    expect(['User', 'Post'].map((type) => policy.writesThrough(type))).toEqual([false, true]);
  });

  it('that name two version fields of one type are told after composition', () => {
    const subgraph = (field: string): string => `${federation}
      type Query { a: User @shareable }
      type User @key(fields: "id") @cacheStrategy(version: "${field}") { id: ID! ${field}: Int }`;
    const agreed = parse(supergraphOf(subgraph('rev'), subgraph('rev').replace('rev: Int', '')));
    expect(new SchemaPolicy(agreed).versionField('User')).toBe('rev');
    const supergraph = parse(supergraphOf(subgraph('rev'), subgraph('edition')));
    expect(() => new SchemaPolicy(supergraph)).toThrow(expect.objectContaining({
      code: 'POLICY_INVALID',
      message: expect.stringContaining('version: one field was required, got rev, edition'),
    }));
  });

  it('are told together where they cannot be read, also after composition', () => {
    const wrong = `${federation}
      type Query {
        a: A @cacheControl(maxAge: -1) @cacheStrategy(jitter: 3)
        b(x: Int): A @cacheTag(format: "b:{$args.y}")
      }
      type A @key(fields: "id") @cacheControl(scope: SECRET) { id: ID! }`;
    const supergraph = parse(supergraphOf(wrong, posts));
    expect(() => new SchemaPolicy(supergraph)).toThrow(expect.objectContaining({
      code: 'POLICY_INVALID',
      message: expect.stringMatching(
        /^(?=[^]*Query\.a: .*-1)(?=[^]*jitter: .*3)(?=[^]*Query\.b: )(?=[^]*A: .*SECRET)/,
      ),
    }));
  });

  it('of a type that shares the name of the scope stay apart from it', () => {
    const shared = `${federation}
      enum CacheControlScope { PUBLIC PRIVATE }
      type Query { scope: CacheControlScope @cacheControl(scope: PUBLIC) }`;
    const supergraph = parse(supergraphOf(shared));
    const named = supergraph.definitions.filter((node) =>
      'name' in node && node.name?.value === 'CacheControlScope');
    expect(named).toHaveLength(1);
    expect(new SchemaPolicy(supergraph).fieldRule('Query', 'scope').scope).toBe('PUBLIC');
  });

  it('of another specification with the same name are left alone', () => {
    const foreign = `extend schema
      @link(url: "https://example.org/other/v1.0", import: [{ name: "@x", as: "@cacheTag" }])
      type Query { a: Int @cacheTag(nonsense: 1) }`;
    const { document, hints } = takeDirectives(parse(foreign));
    expect(hints.size).toBe(0);
    expect(print(document)).toContain('@cacheTag(nonsense: 1)');
    expect(() => new SchemaPolicy(parse(foreign))).not.toThrow();
  });

  it('are read from a supergraph that carries them by @join__directive', () => {
    const supergraph = parse(`
      schema @link(url: "https://specs.apollo.dev/federation/v2.12") { query: Query }
      type Query { a: Int
        @join__directive(graphs: [A], name: "federation__cacheTag", args: { format: "all" })
        @join__directive(graphs: [A], name: "federation__cacheStrategy", args: { jitter: 0.3 }) }`);
    const { tags, strategy } = new SchemaPolicy(supergraph).fieldRule('Query', 'a');
    expect(tags.map(({ text }) => text)).toEqual(['all']);
    expect(strategy).toEqual({ jitter: 0.3 });
  });
});

describe('a supergraph with the directives', () => {
  const data = { id: '7', name: 'Ada', title: 'Notes' };
  const subgraphs: Readonly<Record<string, { sdl: string; root: unknown }>> = {
    S0: {
      sdl: `type Query { user(id: ID!): User _entities(representations: [_Any!]!): [_Entity]! }
        scalar _Any union _Entity = User type User { id: ID! name: String }`,
      root: { user: data, _entities: [{ __typename: 'User', ...data }] },
    },
    S1: {
      sdl: `type Query { posts: [Post] latest: Post
          _entities(representations: [_Any!]!): [_Entity]! }
        scalar _Any union _Entity = User | Post
        type User { id: ID! posts: [Post] } type Post { id: ID! title: String author: User }`,
      root: {
        posts: [{ ...data, author: data }],
        latest: null,
        _entities: [{ __typename: 'User', ...data, posts: [] }],
      },
    },
  };

  const supergraphSdl = supergraphOf(forms[0]?.[1] ?? '', posts);
  const requests: string[] = [];
  const stitched = getStitchedSchemaFromSupergraphSdl({
    supergraphSdl: parse(supergraphSdl),
    onSubschemaConfig(config) {
      const { sdl, root } = subgraphs[config.name.toUpperCase()] ?? { sdl: '', root: null };
      const schema = buildSchema(sdl);
      config.executor = ({ document, variables }) => {
        requests.push(print(document));
        return execute({
          schema, document, rootValue: root, variableValues: variables,
        }) as never;
      };
    },
  });

  it('is accepted by the stitching, printed and parsed again', () => {
    expect(print(parse(supergraphSdl))).toBe(supergraphSdl);
    expect(stitched.getType('User')).toBeDefined();
  });

  it('answers the completed document as the original, across subgraphs', async () => {
    const source = '{ posts { title author { name posts { title } } } latest { title } }';
    const policy = new SchemaPolicy(parse(supergraphSdl));
    const plan = planOperation({ policy, schema: stitched, document: parse(source) });
    const plain = await graphql({ schema: stitched, source, contextValue: {} });
    const completed: ExecutionResult = await graphql({
      schema: stitched, source: print(plan.completed), contextValue: {},
    });
    expect(completed.errors).toBeUndefined();
    const { data: harvested, tags, overflow } = plan.harvest(completed.data, {});
    expect(JSON.stringify(harvested)).toBe(JSON.stringify(plain.data));
    expect(overflow).toBe(false);
    expect([...tags].sort()).toEqual(['post', 'post:7', 'user:7', 'user:7:name']);
    expect(plan.declaredTags({})).toEqual(expect.arrayContaining(['post', 'names']));
    expect(plan).toMatchObject({ ttlMs: 0, scope: 'PRIVATE' });
  });

  it('gives subgraph schemas by which the requests of the stitching can be planned', () => {
    const policy = new SchemaPolicy(parse(supergraphSdl));
    const schema = buildSchema(subgraphs['S0']?.sdl ?? '');
    const document = requests.find((text) => text.includes('_entities') && text.includes('name'));
    const plan = planOperation({
      policy, schema, document: parse(document ?? ''), aliasPrefix: '_inner_',
    });
    expect(plan).toMatchObject({ ttlMs: 60_000, scope: 'PRIVATE', operation: 'query' });
  });
});
