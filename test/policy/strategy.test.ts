import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { FRESHET_SDL } from '../../src/policy/freshet-definitions.ts';
import { SchemaPolicy, type SchemaPolicyOptions } from '../../src/policy/schema-policy.ts';
import { NO_STRATEGY, type Strategy } from '../../src/policy/strategy.ts';
import { planner } from './planning.ts';

const DAY_SECONDS = 24 * 60 * 60;

describe('each strategy', () => {
  it.each<[string, SchemaPolicyOptions['rules'], Partial<Strategy>]>([
    ['sliding: 300', { 'Query.a': { slidingSeconds: 300 } }, { slidingMs: 300_000 }],
    ['jitter: 0.25', { 'Query.a': { jitter: 0.25 } }, { jitter: 0.25 }],
    ['jitter: 0', { 'Query.a': { jitter: 0 } }, { jitter: 0 }],
    ['earlyExpiry: 1', { 'Query.a': { earlyExpiry: 1 } }, { earlyExpiry: 1 }],
    ['earlyExpiry: 2.5', { 'Query.a': { earlyExpiry: 2.5 } }, { earlyExpiry: 2.5 }],
    ['staleIfError: 600', { 'Query.a': { staleIfErrorSeconds: 600 } }, { staleIfErrorMs: 600_000 }],
    ['refresh: 3', { 'Query.a': { refreshHits: 3 } }, { refreshHits: 3 }],
    ['settle: 1500', { 'Query.a': { settleMs: 1_500 } }, { settleMs: 1_500 }],
    ['negative: 5', { 'Query.a': { negativeTtlSeconds: 5 } }, { negativeTtlMs: 5_000 }],
    ['negative: 0', { 'Query.a': { negativeTtlSeconds: 0 } }, { negativeTtlMs: 0 }],
    ['lock: 2000', { 'Query.a': { lockMs: 2_000 } }, { lockMs: 2_000 }],
  ])('is read from @cacheStrategy(%s) and from its configuration', (text, rules, expected) => {
    const whole = { ...NO_STRATEGY, ...expected };
    const declared = planner(`type Query { a: T @cacheStrategy(${text}) } type T { b: Int }`);
    expect(declared('{ a { b } }').strategy).toEqual(whole);
    expect(declared('query($no: Boolean = false) { x: a @include(if: $no) { b } }').strategy)
      .toEqual(whole);
    const configured = planner('type Query { a: T } type T { b: Int }', { rules: rules ?? {} });
    expect(configured('{ ...f } fragment f on Query { ... { y: a { b } } }').strategy)
      .toEqual(whole);
  });

  it('is taken from the configuration in place of the directive, member by member', () => {
    const plan = planner(
      'type Query { a: T @cacheStrategy(jitter: 0.5, settle: 10, lock: 7) } type T { b: Int }',
      { rules: { 'Query.a': { jitter: 0.1, lockMs: 0 } } },
    );
    expect(plan('{ a { b } }').strategy).toEqual({ ...NO_STRATEGY, jitter: 0.1, settleMs: 10 });
  });

  it('is off where nothing is declared, and where an answer is not kept', () => {
    const plan = planner(`
      type Query { a: T never: T @cacheControl(maxAge: 0) }
      type Mutation { a: T }
      type T @cacheStrategy(jitter: 0.1, staleIfError: 9, negative: 3, lock: 5) { b: Int }`);
    expect(planner('type Query { a: Int }')('{ a }').strategy).toEqual(NO_STRATEGY);
    const introspecting = '{ a { b } __schema { __typename } }';
    const unkept = ['{ never { b } }', 'mutation { a { b } }', introspecting];
    for (const text of unkept) {
      expect(plan(text).strategy).toEqual(NO_STRATEGY);
    }
  });

  it('of a type holds for all that holds it: lists, interfaces, unions, fragments', () => {
    const plan = planner(`
      type Query { list: [[T!]!] node: Node either: Either box: Box other: Other }
      interface Node { id: ID }
      type T implements Node @cacheStrategy(jitter: 0.3, settle: 20, earlyExpiry: 1) { id: ID }
      type Other implements Node @cacheStrategy(settle: 50) { id: ID }
      union Either = T | Box
      type Box { deep: Node }`);
    const ofT = { jitter: 0.3, settleMs: 20, earlyExpiry: 1 };
    expect(plan('{ list { id } }').strategy).toMatchObject(ofT);
    expect(plan('{ either { ... on Box { __typename } } }').strategy).toMatchObject(ofT);
    const both = { ...ofT, settleMs: 50 };
    expect(plan('{ node { id } }').strategy).toMatchObject(both);
    expect(plan('{ node { ... on Other { x: id } } }').strategy).toMatchObject(both);
    expect(plan('{ box { ...f } } fragment f on Box { deep { id } }').strategy)
      .toMatchObject(both);
    expect(plan('{ other { id } }').strategy).toMatchObject({ jitter: 0, settleMs: 50 });
  });

  it('of the root type that makes stricter holds for every operation', () => {
    const plan = planner('type Query @cacheStrategy(jitter: 0.2, lock: 9) { a: Int b: Int }');
    expect(plan('{ b }').strategy).toEqual({ ...NO_STRATEGY, jitter: 0.2, lockMs: 9 });
  });

  it('of a field comes before that of the type that it returns', () => {
    const plan = planner(`
      type Query { own: T @cacheStrategy(jitter: 0, negative: 9, refresh: 0) theirs: T }
      type T @cacheStrategy(jitter: 0.4, negative: 2, refresh: 5, settle: 3) { b: Int }`);
    expect(plan('{ own { b } }').strategy)
      .toMatchObject({ jitter: 0, negativeTtlMs: 9_000, refreshHits: 0, settleMs: 3 });
    expect(plan('{ theirs { b } }').strategy)
      .toMatchObject({ jitter: 0.4, negativeTtlMs: 2_000, refreshHits: 5, settleMs: 3 });
  });
});

describe('of several strategies the strictest wins', () => {
  const plan = planner(`
    type Query {
      a: Int @cacheStrategy(
        jitter: 0.1, earlyExpiry: 2, settle: 9, lock: 3, negative: 8, refresh: 4)
      b: Int @cacheStrategy(
        jitter: 0.3, earlyExpiry: 1, settle: 5, lock: 7, negative: 6, refresh: 2)
      silent: Int
      slides: Int @cacheControl(maxAge: 60) @cacheStrategy(sliding: 300)
      slidesMore: Int @cacheControl(maxAge: 100) @cacheStrategy(sliding: 900)
      slidesLess: Int @cacheControl(maxAge: 200) @cacheStrategy(sliding: 90)
      long: Int @cacheControl(maxAge: 200)
      short: Int @cacheControl(maxAge: 20)
      survives: Int @cacheControl(maxAge: 30) @cacheStrategy(staleIfError: 100)
      survivesLess: Int @cacheControl(maxAge: 50) @cacheStrategy(staleIfError: 40)
      holder: Holder @cacheControl(maxAge: 60, staleWhileRevalidate: 50)
        @cacheStrategy(staleIfError: 100, sliding: 400)
    }
    type Holder {
      plain: Int
      strict: Int @cacheControl(staleWhileRevalidate: 7)
        @cacheStrategy(staleIfError: 5, sliding: 80)
      self: Holder @cacheControl(inheritMaxAge: true) @cacheStrategy(staleIfError: 0)
    }`);

  it('the greatest jitter, early expiry, settle time and lease; the least of the rest', () => {
    const both = {
      jitter: 0.3, earlyExpiry: 2, settleMs: 9, lockMs: 7, negativeTtlMs: 6_000, refreshHits: 2,
    };
    expect(plan('{ a b }').strategy).toMatchObject(both);
    expect(plan('{ b a silent }').strategy).toMatchObject(both);
  });

  it.each([
    ['{ slides }', 60, 300],
    ['{ slides slidesMore }', 60, 300],
    ['{ slides long }', 60, 200],
    ['{ slides short }', 20, 0],
    ['{ slides survives }', 30, 0],
    ['{ slidesLess }', 200, 0],
    ['{ holder { plain } }', 60, 400],
    ['{ holder { strict } }', 60, 80],
  ])('%s is kept for %i s, and slides up to %i s', (text, seconds, sliding) => {
    const { ttlMs, strategy } = plan(text);
    expect([ttlMs, strategy.slidingMs]).toEqual([seconds * 1_000, sliding * 1_000]);
  });

  it.each([
    ['{ survives }', 100],
    ['{ survives survivesLess }', 60],
    ['{ survives long }', 100],
    ['{ survives short }', 0],
    ['{ survives silent }', 30],
    ['{ holder { plain } }', 100],
    ['{ holder { strict } }', 5],
    ['{ holder { self { plain } } }', 0],
  ])('%s outlives an outage by %i s', (text, seconds) => {
    expect(plan(text).strategy.staleIfErrorMs).toBe(seconds * 1_000);
  });

  it('also where a scalar without an age of its own shortens the window of what holds it', () => {
    expect(plan('{ holder { plain } }').strategy.staleWhileRevalidateMs).toBe(50_000);
    expect(plan('{ holder { plain strict } }').strategy.staleWhileRevalidateMs).toBe(7_000);
  });

  it('an interface makes its types stricter, never more lenient', () => {
    const types = planner(`
      type Query { t: T u: U node: Node }
      interface Node @cacheControl(maxAge: 50, staleWhileRevalidate: 8)
        @cacheStrategy(staleIfError: 10, settle: 30, negative: 4, sliding: 70) { id: ID }
      type T implements Node @cacheControl(maxAge: 40, staleWhileRevalidate: 20)
        @cacheStrategy(staleIfError: 90, settle: 20, negative: 6, sliding: 200) { id: ID }
      type U implements Node @cacheControl(maxAge: 40) { id: ID }`);
    expect(types('{ t { id } }').strategy).toEqual({
      ...NO_STRATEGY, staleWhileRevalidateMs: 8_000, staleIfErrorMs: 10_000, settleMs: 30,
      negativeTtlMs: 4_000, slidingMs: 70_000,
    });
    expect(types('{ u { id } }').strategy)
      .toEqual({ ...NO_STRATEGY, settleMs: 30, negativeTtlMs: 4_000 });
    expect(types('{ node { id } }').strategy)
      .toMatchObject({ staleWhileRevalidateMs: 8_000, staleIfErrorMs: 10_000 });
  });

  it('an interface that does not slide ends what its types let slide', () => {
    const types = planner(`
      type Query { t: T }
      interface Node @cacheControl(maxAge: 90) { id: ID }
      type T implements Node @cacheControl(maxAge: 40) @cacheStrategy(sliding: 200) { id: ID }`);
    expect(types('{ t { id } }').strategy.slidingMs).toBe(90_000);
  });
});

describe('the limits of strategies', () => {
  const sdl = `
    type Query { a: T @cacheControl(maxAge: ${2 * DAY_SECONDS}, staleWhileRevalidate: 9000) }
    type T @cacheControl(maxAge: 60, staleWhileRevalidate: 9000)
      @cacheStrategy(sliding: ${3 * DAY_SECONDS}, staleIfError: 9000, negative: 100) { b: Int }`;

  it('hold for what a schema declares: a day, and an hour past it', () => {
    const { ttlMs, strategy } = planner(sdl)('{ a { b } }');
    expect(ttlMs).toBe(DAY_SECONDS * 1_000);
    expect(strategy).toMatchObject({
      slidingMs: 0, staleWhileRevalidateMs: 3_600_000, staleIfErrorMs: 3_600_000,
    });
  });

  it('are the operator\'s, for operations and for types', () => {
    const options = {
      maxTtlMs: 90_000, maxStaleWhileRevalidateMs: 5_000, maxStaleIfErrorMs: 6_000,
    };
    const expected = { staleWhileRevalidateMs: 5_000, staleIfErrorMs: 6_000 };
    const { ttlMs, strategy } = planner(sdl, options)('{ a { b } }');
    expect(ttlMs).toBe(90_000);
    expect(strategy).toMatchObject({ ...expected, slidingMs: 0, negativeTtlMs: 90_000 });
    const hint = new SchemaPolicy(parse(sdl), options).typeHint('T');
    expect(hint).toMatchObject({
      ttlMs: 60_000, strategy: { ...expected, slidingMs: 90_000, negativeTtlMs: 60_000 },
    });
  });

  it('hold for the default as well', () => {
    const plan = planner('type Query { a: Int }', { defaultTtlMs: 50_000, maxTtlMs: 20_000 });
    expect(plan('{ a }').ttlMs).toBe(20_000);
    expect(plan('{ __typename }').ttlMs).toBe(20_000);
  });
});

describe('a strategy that is declared wrongly', () => {
  const KEYED = 'type Post { id: ID! rev: Int! title: String score: Float tags: [Int!]! kind: Kind '
    + 'at(zone: ID!): Int on: Boolean } enum Kind { A } type Plain { rev: Int } union One = Post';

  const faultsOf = (sdl: string, options?: SchemaPolicyOptions): string => {
    try {
      return `none: ${new SchemaPolicy(parse(sdl), options).defaultTtlMs}`;
    } catch (error) {
      expect(error).toMatchObject({ code: 'POLICY_INVALID' });
      return (error as Error).message;
    }
  };

  it.each([
    ['sliding: -1', /sliding: whole seconds, 0 or more, were required, got -1/],
    ['sliding: 1.5', /sliding: whole seconds, .* got 1.5/],
    ['jitter: 0.6', /jitter: a number from 0 to 0.5 was required, got 0.6/],
    ['jitter: "0.1"', /jitter: a number from 0 to 0.5 was required, got 0.1/],
    ['earlyExpiry: -0.1', /earlyExpiry: a number from 0 to 100 was required, got -0.1/],
    ['staleIfError: soon', /staleIfError: whole seconds, .* got soon/],
    ['refresh: 2.5', /refresh: a whole number from 0 to 1000000 was required, got 2.5/],
    ['settle: 60001', /settle: a whole number from 0 to 60000 was required, got 60001/],
    ['negative: -2', /negative: whole seconds, .* got -2/],
    ['lock: 30001', /lock: a whole number from 0 to 30000 was required, got 30001/],
    ['version: 5', /version: a string was required, got 5/],
    ['version: "nope"', /version: a field of Post was required, got "nope"/],
    ['version: "score"', /version: a scalar field of whole numbers was required, got score: Float/],
    ['version: "on"', /version: a scalar field .* got on: Boolean/],
    ['version: "tags"', /version: a scalar field .* got tags: \[Int!\]!/],
    ['version: "kind"', /version: a scalar field .* got kind: Kind/],
    ['version: "at"', /version: a field without arguments was required, got at/],
    ['writeThrough: 1', /writeThrough: true or false was required, got 1/],
    ['slide: 4', /one of the arguments sliding, jitter, .* was required, got slide/],
  ])('on a type as @cacheStrategy(%s) is refused', (text, message) => {
    const faults = faultsOf(`${KEYED} extend type Post @cacheStrategy(${text})`);
    expect(faults).toMatch(message);
    expect(faults).toContain('Post: @cacheStrategy: ');
  });

  it.each([
    ['extend type Plain @cacheStrategy(version: "rev")',
      'Plain: @cacheStrategy: version: an entity type, which has a key, was required, got Plain'],
    ['extend type Plain @cacheStrategy(writeThrough: true)',
      'Plain: @cacheStrategy: writeThrough: an entity type, which has a key, was required'],
    ['extend union One @cacheStrategy(version: "rev")',
      'version: an entity type was required, got a union'],
    ['type Query { a: Post @cacheStrategy(version: "rev") }',
      'Query.a: @cacheStrategy: version: an entity type was required, got a field'],
    ['type Query { a: Post @cacheStrategy(writeThrough: false) }',
      'writeThrough: an entity type or a field of Mutation was required, got another field'],
    [`extend type Post @cacheStrategy(version: "rev")
      extend type Post @cacheStrategy(version: "id")`,
      'Post: @cacheStrategy: version: one field was required, got rev, id'],
    [`interface A @cacheStrategy(version: "x") { x: Int }
      interface B @cacheStrategy(version: "y") { y: Int }
      type Both implements A & B { id: ID x: Int y: Int }`,
    'Both: @cacheStrategy: version: one field was required, got x, y'],
  ])('as %s is refused', (sdl, message) => {
    expect(faultsOf(`${KEYED} ${sdl}`)).toContain(message);
  });

  it('is reported with all the others, of the schema and of the configuration', () => {
    const faults = faultsOf(`${KEYED} type Query { a: Post @cacheStrategy(jitter: 2, lock: -1) }`, {
      maxTtlMs: -1,
      rules: {
        Post: { jitter: 0.7, settleMs: 1.5, versionField: 'score', refreshHits: -1 },
        'Query.a': { writeThrough: true, negativeTtlSeconds: 0.5 },
      },
    });
    for (const fault of [
      'maxTtlMs: 0 or more was required, got -1.',
      'Query.a: @cacheStrategy: jitter: a number from 0 to 0.5 was required, got 2.',
      'Query.a: @cacheStrategy: lock: a whole number from 0 to 30000 was required, got -1.',
      'rules["Post"]: jitter: a number from 0 to 0.5 was required, got 0.7.',
      'rules["Post"]: settleMs: a whole number from 0 to 60000 was required, got 1.5.',
      'rules["Post"]: refreshHits: a whole number from 0 to 1000000 was required, got -1.',
      'rules["Post"]: versionField: a scalar field of whole numbers was required, '
        + 'got score: Float.',
      'rules["Query.a"]: writeThrough: an entity type or a field of Mutation was required, '
        + 'got another field.',
      'rules["Query.a"]: negativeTtlSeconds: whole seconds, 0 or more, were required, got 0.5.',
    ]) expect(faults.split('\n')).toContain(`- ${fault}`);
  });
});

describe('what is declared of an entity type', () => {
  const policyOf = (sdl: string, options?: SchemaPolicyOptions) =>
    new SchemaPolicy(buildSchema(`${sdl} type Query { a: Int } ${FRESHET_SDL}`), options);

  it('is its version field and whether answers of mutations fill its entries', () => {
    const policy = policyOf(`
      scalar BigInt
      type A @cacheStrategy(version: "rev", writeThrough: true) { id: ID rev: BigInt! }
      type B { id: ID rev: ID }
      type C @cacheStrategy(version: "rev") { id: ID rev: String other: Int }`,
    { rules: { B: { versionField: 'rev', writeThrough: true }, C: { versionField: 'other' } } });
    expect(['A', 'B', 'C', 'Query'].map((type) => policy.versionField(type)))
      .toEqual(['rev', 'rev', 'other', undefined]);
    expect(['A', 'B', 'C', 'Query'].map((type) => policy.writesThrough(type)))
      .toEqual([true, true, false, false]);
  });

  it('is said of each mutation whose answer tells how entities are after it', () => {
    const policy = policyOf(`
      schema { query: Query mutation: Writes }
      type Writes { rename: Int @cacheStrategy(writeThrough: true) remove: Int merge: Int }`,
    { rules: { 'Writes.merge': { writeThrough: true } } });
    expect(['rename', 'remove', 'merge'].map((field) => policy.mutationWritesThrough(field)))
      .toEqual([true, false, true]);
  });

  it('holds for the entities that implement an interface, unless they say otherwise', () => {
    const policy = policyOf(`
      interface Versioned @cacheStrategy(version: "rev", writeThrough: true) { rev: Int }
      type A implements Versioned { id: ID rev: Int }
      type B implements Versioned @cacheStrategy(version: "own", writeThrough: false) {
        id: ID rev: Int own: Int
      }
      type NoEntity implements Versioned { rev: Int }`);
    expect(['A', 'B', 'NoEntity'].map((type) => policy.versionField(type)))
      .toEqual(['rev', 'own', undefined]);
    expect(['A', 'B', 'NoEntity'].map((type) => policy.writesThrough(type)))
      .toEqual([true, false, false]);
  });
});
