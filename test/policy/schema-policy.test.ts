import {
  buildSchema, GraphQLID, GraphQLObjectType, GraphQLSchema, GraphQLString, parse,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { FreshetError } from '../../src/invalidation/errors.ts';
import { NO_STRATEGY } from '../../src/policy/strategy.ts';
import { SchemaPolicy, type SchemaPolicyOptions } from '../../src/policy/schema-policy.ts';

const policyOf = (sdl: string, options?: SchemaPolicyOptions) =>
  new SchemaPolicy(parse(sdl), options);

describe('key fields', () => {
  it.each([
    ['`id` where one of the keys is exactly that',
      'type T @key(fields: "code") @key(fields: "id") { id: ID! code: Int }', [['id']]],
    ['the first key else', 'type T @key(fields: "code") @key(fields: "id x") { id: ID! code: Int }',
      [['code']]],
    ['the first key, resolvable or not',
      'type T @key(fields: "code", resolvable: false) @key(fields: "x") { code: Int }', [['code']]],
    ['all fields of a composite key, in order',
      'type T @key(fields: "b a") { a: Int b: Int }', [['b'], ['a']]],
    ['nested fields as paths', 'type T @key(fields: "org { id place { x } } n") { n: Int }',
      [['org', 'id'], ['org', 'place', 'x'], ['n']]],
    ['the keys of a supergraph',
      'type T @join__type(graph: A, key: "x") @join__type(graph: B, key: "id") { id: ID x: Int }',
      [['id']]],
    ['the key of an extension', 'extend type T @key(fields: "k") { k: ID }', [['k']]],
    ['a key under the name that a link gives it', `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", as: "fed")
      type T @fed__key(fields: "k") { k: ID }`, [['k']]],
    ['a key under the name of its import', `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.0",
        import: [{ name: "@key", as: "@primary" }])
      type T @primary(fields: "k") { k: ID }`, [['k']]],
    ['a scalar `id` where there is no key', 'type T { id: Int! }', [['id']]],
    ['an `id` of a scalar of its own', 'scalar UUID type T { id: UUID }', [['id']]],
    ['no `id` that is a list', 'type T { id: [ID] }', []],
    ['no `id` that is an object', 'type T { id: Box } type Box { x: Int }', []],
    ['no `id` that has arguments', 'type T { id(of: Int): ID }', []],
    ['none without either', 'type T { name: String }', []],
    ['none of an interface without a key', 'interface T { id: ID }', []],
    ['none of a root type', 'schema { query: T } type T { id: ID }', []],
    ['none of what the schema does not have', 'type Query { a: Int }', []],
  ])('are %s', (_, sdl, paths) => {
    expect(policyOf(sdl).keyFields('T')).toEqual(paths);
  });

  it('are those that the operator names', () => {
    const sdl = 'type T @key(fields: "id") { id: ID slug: String org: Org } type Org { id: ID }';
    const policy = policyOf(sdl, { keyFields: { T: ['org { id }', 'slug'] } });
    expect(policy.keyFields('T')).toEqual([['org', 'id'], ['slug']]);
  });
});

describe('a policy', () => {
  it('is read from a schema whose nodes carry the directives', () => {
    const schema = buildSchema(`
      directive @cacheControl(maxAge: Int) on OBJECT
      type Query { t: T } type T @cacheControl(maxAge: 7) { id: ID }`);
    expect(new SchemaPolicy(schema).typeHint('T').ttlMs).toBe(7_000);
  });

  it('is read from a schema made in code, which has no nodes', () => {
    const thing = new GraphQLObjectType({
      name: 'Thing', fields: { id: { type: GraphQLID }, name: { type: GraphQLString } },
    });
    const query = new GraphQLObjectType({ name: 'Root', fields: { id: { type: GraphQLID } } });
    const schema = new GraphQLSchema({ query, types: [thing] });
    const policy = new SchemaPolicy(schema, { rules: { 'Thing.name': { maxAgeSeconds: 3 } } });
    expect(policy.keyFields('Thing')).toEqual([['id']]);
    expect(policy.keyFields('Root')).toEqual([]);
    expect(policy.fieldRule('Thing', 'name').maxAgeSeconds).toBe(3);
  });

  it('gives a type without a rule the default', () => {
    const undeclared = { strategy: NO_STRATEGY, scope: 'UNDECLARED' };
    expect(policyOf('type T { a: Int }').typeHint('T')).toEqual({ ttlMs: 60_000, ...undeclared });
    expect(policyOf('type T { a: Int }', { defaultTtlMs: 5 }).typeHint('T'))
      .toEqual({ ttlMs: 5, ...undeclared });
  });

  it('takes each member of a configured rule in place of the directive', () => {
    const policy = policyOf(
      'type T @cacheControl(maxAge: 9, scope: PUBLIC, staleWhileRevalidate: 4) { a: Int }',
      { rules: { T: { maxAgeSeconds: 2, scope: 'PRIVATE' } } },
    );
    expect(policy.typeHint('T'))
      .toMatchObject({
        ttlMs: 2_000, strategy: { staleWhileRevalidateMs: 4_000 }, scope: 'PRIVATE',
      });
  });

  it('takes the strictest of a definition and its extensions', () => {
    const policy = policyOf(`
      type T @cacheControl(maxAge: 9) { a: Int } extend type T @cacheControl(scope: PRIVATE)
      extend type T @cacheControl(maxAge: 3, scope: PUBLIC)`);
    expect(policy.typeHint('T')).toMatchObject({ ttlMs: 3_000, scope: 'PRIVATE' });
  });

  it('calls no type PUBLIC as a whole that has a PRIVATE field', () => {
    const policy = policyOf(`
      interface I { b: Int @cacheControl(scope: PRIVATE) }
      type T @cacheControl(scope: PUBLIC) { a: Int @cacheControl(scope: PRIVATE) }
      type U implements I @cacheControl(scope: PUBLIC) { b: Int }
      type V @cacheControl(scope: PUBLIC) { a: Int }`);
    expect(['T', 'U', 'V'].map((type) => policy.typeHint(type).scope))
      .toEqual(['UNDECLARED', 'UNDECLARED', 'PUBLIC']);
  });

  it('allows with an interface nothing that its types do not', () => {
    const policy = policyOf(`
      interface I @cacheControl(maxAge: 900, scope: PUBLIC) { a: Int }
      interface J @cacheControl(maxAge: 20, scope: PRIVATE) { a: Int }
      type T implements I { a: Int } type U implements I & J { a: Int }`);
    expect(policy.typeHint('T')).toMatchObject({ ttlMs: 60_000, scope: 'UNDECLARED' });
    expect(policy.typeHint('U')).toMatchObject({ ttlMs: 20_000, scope: 'PRIVATE' });
  });
});

describe('the faults of a policy', () => {
  const faultsOf = (sdl: string, options?: SchemaPolicyOptions): string => {
    try {
      policyOf(sdl, options);
    } catch (error) {
      expect(error).toBeInstanceOf(FreshetError);
      expect((error as FreshetError).code).toBe('POLICY_INVALID');
      return (error as FreshetError).message;
    }
    return 'none';
  };
  const field = (directive: string): string =>
    `type Query { a(x: Int): T ${directive} } type T @key(fields: "id") { id: ID! b: U }
     type U { c: Int } union W = T | U`;

  it.each([
    ['@cacheControl(maxAge: -1)', /Query\.a: @cacheControl: maxAge: whole seconds, .* got -1/],
    ['@cacheControl(maxAge: 1.5)', /got 1\.5/],
    ['@cacheControl(maxAge: "60")', /got 60/],
    ['@cacheControl(scope: SECRET)', /scope: PUBLIC or PRIVATE was required, got SECRET/],
    ['@cacheControl(inheritMaxAge: 1)', /true or false was required, got 1/],
    ['@cacheControl(staleWhileRevalidate: -5)', /staleWhileRevalidate: .* got -5/],
    ['@cacheControl(maxage: 5)', /got maxage/],
    ['@cacheTag', /format: a string was required, got none/],
    ['@cacheTag(format: 3)', /format: a string was required, got 3/],
    ['@cacheTag(format: "")', /segments that are not empty were required, got ""/],
    ['@cacheTag(format: "a::b")', /segments that are not empty/],
    ['@cacheTag(format: "a:*")', /without braces, white space and stars/],
    ['@cacheTag(format: "a b")', /white space/],
    ['@cacheTag(format: "a:{x}")', /\{\$args\.name\} or \{\$key\.name\}/],
    ['@cacheTag(format: "a:{$args.y}")', /that the schema has was required/],
    ['@cacheTag(format: "a:{$args}")', /that the schema has was required/],
    ['@cacheTag(format: "a:{$result.x}")', /that the schema has was required/],
    ['@cacheTag(format: "a:{$key.id}")', /that the schema has was required/],
    ['@cacheTag(format: "a:{$args.x")', /that the schema has was required/],
    ['@cacheTag(format: "/a/")', /regular expression/],
    ['@cachePurge(tags: ["a:{$result.nope}"])', /\{\$result\.name\}/],
    ['@cachePurge(tags: ["a:{$result.b}"])', /\{\$result\.name\}/],
    ['@cachePurge(tags: ["a:{$result}"])', /\{\$result\.name\}/],
    ['@cachePurge(tags: ["/(/"])', /expression/],
    ['@cachePurge(tags: 5)', /got 5/],
    [`@cacheTag(format: "${'a:'.repeat(16)}a")`, /at most 16 segments/],
  ])('name %s', (directive, message) => {
    expect(faultsOf(field(directive))).toMatch(message);
  });

  it('are none where a purge holds patterns and parts of the answer', () => {
    const tags = '["a:{$result.b.c}", "*", "/a/", "x:{$args.x}*"]';
    expect(faultsOf(field(`@cachePurge(tags: ${tags})`))).toBe('none');
  });

  it.each<[string, SchemaPolicyOptions, RegExp]>([
    ['an unknown coordinate', { rules: { 'Query.nope': {} } }, /rules\["Query\.nope"\]/],
    ['no coordinate', { rules: { 'a b': {} } }, /rules\["a b"\]/],
    ['a wrong age', { rules: { T: { maxAgeSeconds: -3 } } }, /maxAgeSeconds: .* got -3/],
    ['a wrong scope', { rules: { T: { scope: 'MINE' as 'PUBLIC' } } }, /got MINE/],
    ['a wrong tag', { rules: { 'Query.a': { tags: ['a:{$args.no}'] } } }, /tags: /],
    ['a wrong purge', { rules: { 'Query.a': { purges: [''] } } }, /purges: /],
    ['unknown key fields', { keyFields: { Nope: ['id'] } }, /keyFields\.Nope/],
    ['unreadable key fields', { keyFields: { T: ['{'] } }, /keyFields\.T: names of fields/],
    ['a wrong default', { defaultTtlMs: -1 }, /defaultTtlMs: 0 or more was required, got -1/],
  ])('name %s in the configuration', (_, options, message) => {
    expect(faultsOf(field(''), options)).toMatch(message);
  });

  it('name a tag that a type cannot have', () => {
    const tagged = (format: string): string =>
      faultsOf(`type T @cacheTag(format: "${format}") { id: ID x: Int }`);
    expect(tagged('t:{$args.x}')).toMatch(/\{\$key\.name\}/);
    expect(tagged('t:{$key.x}')).toMatch(/^.*\n- T/);
    expect(tagged('t:{$key.id}')).toBe('none');
  });

  it('name a key that cannot be read', () => {
    const keyed = (fields: string): string =>
      faultsOf(`type T @key(fields: "${fields}") { a: Int }`);
    expect(keyed('a(b: 1)')).toMatch(/T: key: names of fields/);
    expect(keyed('')).toMatch(/T: key: names of fields/);
    expect(keyed('a')).toBe('none');
  });

  it('are told all together', () => {
    const message = faultsOf(
      `type Query { a: Int @cacheControl(maxAge: -1, scope: X) }
       type T @key(fields: "") { a: Int }`,
      { rules: { Nope: {} } },
    );
    expect(message.split('\n- ')).toHaveLength(5);
  });
});
