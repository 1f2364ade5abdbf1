import { describe, expect, it } from 'vitest';
import { planner } from './planning.ts';

describe('the age, by the examples of Apollo Server, whose default is 0', () => {
  const plan = planner(`
    type Query {
      book: Book
      cachedBook: Book @cacheControl(maxAge: 60)
      reader: Reader @cacheControl(maxAge: 40)
    }
    type Book { title: String cachedTitle: String @cacheControl(maxAge: 30) }
    type Reader { book: Book @cacheControl(inheritMaxAge: true) }
  `, { defaultTtlMs: 0 });

  it.each([
    ['{ book { cachedTitle } }', 0],
    ['{ cachedBook { cachedTitle } }', 30],
    ['{ cachedBook { title } }', 60],
    ['{ reader { book { title } } }', 40],
    ['{ reader { book { cachedTitle } } }', 30],
  ])('%s is kept %i s', (text, seconds) => {
    expect(plan(text).ttlMs).toBe(seconds * 1_000);
  });

  const library = planner(`
    type Query { book(id: ID): Book latestPost: Post hot: Post @cacheControl(maxAge: 10) }
    type Book @cacheControl(maxAge: 30) { title: String author: Author reviews: [Review] }
    type Author { name: String book: Book @cacheControl(inheritMaxAge: true) }
    type Post @cacheControl(maxAge: 240) {
      id: ID! title: String votes: Int @cacheControl(maxAge: 30)
      readByCurrentUser: Boolean! @cacheControl(maxAge: 10, scope: PRIVATE)
    }
    type Review @cacheControl(inheritMaxAge: true) { text: String }
  `, { defaultTtlMs: 0 });

  it.each([
    ['{ book(id: 1) { title } }', 30],
    ['{ book(id: 1) { author { name } } }', 0],
    ['{ book(id: 1) { reviews { text } } }', 30],
    ['{ latestPost { title } }', 240],
    ['{ latestPost { votes } }', 30],
    ['{ latestPost { votes readByCurrentUser } }', 10],
    ['{ hot { title } }', 10],
  ])('%s is kept %i s', (text, seconds) => {
    expect(library(text).ttlMs).toBe(seconds * 1_000);
  });
});

describe('the age', () => {
  const plan = planner(`
    type Query {
      plain: Thing
      scalar: Int
      short: Int @cacheControl(maxAge: 5)
      never: Thing @cacheControl(maxAge: 0)
      long: Thing @cacheControl(maxAge: 600)
      inheriting: Thing @cacheControl(inheritMaxAge: true)
      node: Node
      either: Either
      strict: Strict
      lone: Lone
      stale: Stale
      aged: Thing @cacheControl(maxAge: 20, staleWhileRevalidate: 100)
      fresh: Thing @cacheControl(maxAge: 40, staleWhileRevalidate: 10)
    }
    type Thing {
      a: Int b: Int @cacheControl(maxAge: 7) c: Thing @cacheControl(maxAge: 0) self: Thing
    }
    interface Node @cacheControl(maxAge: 50) { id: ID slow: Thing }
    type Short implements Node @cacheControl(maxAge: 3) { id: ID slow: Thing }
    type Long implements Node @cacheControl(maxAge: 500) {
      id: ID slow: Thing @cacheControl(maxAge: 8)
    }
    union Either = Long | Thing
    interface Cautious @cacheControl(maxAge: 9) { a: Int }
    type Strict implements Cautious { a: Int }
    interface Lone { a: Int }
    type Stale @cacheControl(maxAge: 30, staleWhileRevalidate: 15) { a: Int }
    type Mutation { long: Thing @cacheControl(maxAge: 600) }
    type Subscription { long: Thing @cacheControl(maxAge: 600) }
  `, { rules: { 'Thing.b': { maxAgeSeconds: 6 } } });

  it.each([
    ['{ plain { a } }', 60],
    ['{ scalar }', 60],
    ['{ short }', 5],
    ['{ long { a } }', 600],
    ['{ long { self { a } } }', 60],
    ['{ inheriting { a } }', 60],
    ['{ never { a } plain { a } }', 0],
    ['{ long { x: b } }', 6],
    ['{ long { c { a } } }', 0],
    ['query($no: Boolean = false) { long { c @include(if: $no) { a } } }', 0],
    ['{ long { c @skip(if: true) { a } } }', 0],
    ['{ long { ...f } } fragment f on Thing { ... { ...g } } fragment g on Thing { c { a } }', 0],
    ['{ node { id } }', 3],
    ['{ node { slow { a } } }', 3],
    ['{ node { ... on Long { s: slow { a } } } }', 3],
    ['{ either { ... on Thing { a } } }', 50],
    ['{ strict { a } }', 9],
    ['{ lone { a } }', 60],
    ['{ __typename }', 60],
    ['{ __typename long { a __typename } }', 600],
    ['mutation { long { a } }', 0],
    ['subscription { long { a } }', 0],
  ])('of %s is %i s', (text, seconds) => {
    expect(plan(text).ttlMs).toBe(seconds * 1_000);
  });

  it.each([
    ['{ stale { a } }', 30, 15],
    ['{ aged { a } }', 20, 100],
    ['{ fresh { a } aged { a } }', 20, 30],
    ['{ aged { a } plain { a } }', 20, 40],
    ['{ plain { a } }', 60, 0],
    ['{ aged { a } never { a } }', 0, 0],
  ])('of %s is %i s, and %i s more while it is read anew', (text, seconds, more) => {
    const { ttlMs, strategy } = plan(text);
    expect([ttlMs, strategy.staleWhileRevalidateMs]).toEqual([seconds * 1_000, more * 1_000]);
  });

  it.each(['{ __schema { types { name } } }', '{ long { a } t: __type(name: "Int") { name } }'])(
    'of %s, which asks for the schema, is none',
    (text) => {
      expect(plan(text)).toMatchObject({ introspection: true, ttlMs: 0 });
      expect(plan('{ long { __typename } }').introspection).toBe(false);
    },
  );
});

describe('the scope', () => {
  const plan = planner(`
    type Query {
      me: User
      shared: Page @cacheControl(scope: PUBLIC)
      page: Page
      motd: String
      publicMotd: String @cacheControl(scope: PUBLIC)
      secret: String @cacheControl(scope: PRIVATE)
      open: Open
      node: Node
      closed: Closed
      search: [Result]
      wallet: Wallet
      publicNode: PublicNode
      timed: Page @cacheControl(maxAge: 60)
      contradiction: Session @cacheControl(scope: PUBLIC)
    }
    type User { id: ID! name: String email: String @cacheControl(scope: PRIVATE) account: Account }
    interface Account { iban: String @cacheControl(scope: PRIVATE) bank: String }
    type Giro implements Account { iban: String bank: String }
    type Page { title: String author: User related: [Page] @cacheControl(scope: PUBLIC) }
    type Open @cacheControl(scope: PUBLIC) { a: Int inner: Open page: Page }
    interface Node { id: ID! note: String }
    type Diary implements Node { id: ID! note: String @cacheControl(scope: PRIVATE) }
    type Poster implements Node { id: ID! note: String }
    interface Confidential @cacheControl(scope: PRIVATE) { a: Int }
    type Closed implements Confidential { a: Int }
    type Session @cacheControl(scope: PRIVATE) { id: ID! }
    union Result = Page | Session
    type Wallet { coins: Int }
    interface PublicNode @cacheControl(scope: PUBLIC) { id: ID! }
    type Brochure implements PublicNode { id: ID! }
  `, { rules: { Wallet: { scope: 'PRIVATE' } } });

  it.each([
    ['{ me { name } }', 'UNDECLARED'],
    ['{ me { email } }', 'PRIVATE'],
    ['{ me { e: email } }', 'PRIVATE'],
    ['{ m: me { name: email } }', 'PRIVATE'],
    ['{ me { ...f } } fragment f on User { ...g } fragment g on User { e: email }', 'PRIVATE'],
    ['{ me { ... on User { ... { e: email } } } }', 'PRIVATE'],
    ['query($yes: Boolean!) { me { name email @include(if: $yes) } }', 'PRIVATE'],
    ['{ me { name email @include(if: false) } }', 'PRIVATE'],
    ['{ me { name ...f @skip(if: true) } } fragment f on User { email }', 'PRIVATE'],
    ['{ me { account { ... on Giro { iban } } } }', 'PRIVATE'],
    ['{ me { account { i: iban } } }', 'PRIVATE'],
    ['{ me { account { bank } } }', 'UNDECLARED'],
    ['{ node { note } }', 'PRIVATE'],
    ['{ node { id } }', 'UNDECLARED'],
    ['{ node { ... on Poster { note } } }', 'UNDECLARED'],
    ['{ node { ... on Node { n: note } } }', 'PRIVATE'],
    ['{ search { ... on Page { title } } }', 'PRIVATE'],
    ['{ closed { a } }', 'PRIVATE'],
    ['{ wallet { coins } }', 'PRIVATE'],
    ['{ secret publicMotd }', 'PRIVATE'],
    ['{ contradiction { id } }', 'PRIVATE'],
    ['{ shared { title } }', 'PUBLIC'],
    ['{ s: shared { t: title __typename related { title } } }', 'PUBLIC'],
    ['{ shared { author { name } } }', 'UNDECLARED'],
    ['{ shared { title } page { title } }', 'UNDECLARED'],
    ['{ timed { title } }', 'UNDECLARED'],
    ['{ publicMotd }', 'PUBLIC'],
    ['{ motd publicMotd }', 'UNDECLARED'],
    ['{ open { a inner { a } } }', 'PUBLIC'],
    ['{ open { page { title } } }', 'UNDECLARED'],
    ['{ publicNode { id } }', 'PUBLIC'],
    ['{ __typename }', 'PUBLIC'],
  ])('of %s is %s', (text, scope) => {
    expect(plan(text).scope).toBe(scope);
  });

  it('is PRIVATE where the root type is declared so', () => {
    const all = planner('type Query @cacheControl(scope: PRIVATE) { a: Int }');
    expect(all('{ a }').scope).toBe('PRIVATE');
  });
});

describe('_entities', () => {
  const plan = planner(`
    type Query { _entities(representations: [_Any!]!): [_Entity]! }
    scalar _Any
    union _Entity = User | Post | Session
    type User @key(fields: "id") @cacheControl(maxAge: 30, scope: PUBLIC) { id: ID! name: String }
    type Post @key(fields: "id") { id: ID! title: String }
    type Session @key(fields: "id") @cacheControl(maxAge: 0, scope: PRIVATE) { id: ID! }
  `);
  const ask = (selection: string) =>
    plan(`query($r: [_Any!]!) { _entities(representations: $r) { ${selection} } }`);

  it.each([
    ['... on User { name }', 30_000, 'PUBLIC'],
    ['__typename ... on User { name }', 30_000, 'PUBLIC'],
    ['... on User { name } ... on Post { title }', 30_000, 'UNDECLARED'],
    ['... on Post { title }', 60_000, 'UNDECLARED'],
    ['... on Session { id }', 0, 'PRIVATE'],
    ['__typename', 60_000, 'UNDECLARED'],
  ])('with %s counts only the types that are asked for', (selection, ttlMs, scope) => {
    expect(ask(selection)).toMatchObject({ ttlMs, scope });
  });

  it('is no list of the entities in it', () => {
    expect(ask('... on User { name }').declaredTags({})).toEqual([]);
  });
});
