/** What was answered to one caller is served to another only where the schema says PUBLIC. */
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSubgraph, type SubgraphCall, type TestSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';
import type { Answer, AskOptions, TestNode } from './fleet.ts';
import { startPair, type Pair } from './pair.ts';

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
    import: ["@key", "@external", "@requires", "@shareable"])
  directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean)
    on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
  enum CacheControlScope { PUBLIC PRIVATE }`;

const ACCOUNTS = `${LINK}
  type Query {
    me: User
    user(id: ID!): User
    contact: Contact
    bot: Contact
    found: [Found!]!
    vault: Vault
    greeting: String @cacheControl(scope: PUBLIC)
    author: User @cacheControl(scope: PUBLIC)
    news: [News!]!
    language: String
  }
  interface Contact { id: ID! email: String @cacheControl(scope: PRIVATE) }
  type User implements Contact @key(fields: "id") {
    id: ID!
    name: String
    email: String @cacheControl(scope: PRIVATE)
  }
  type Bot implements Contact { id: ID! email: String }
  type Vault @cacheControl(scope: PRIVATE) { email: String }
  type News @cacheControl(scope: PUBLIC) { text: String }
  union Found = User | News
`;

const BILLING = `${LINK}
  type Query { currency: String }
  type User @key(fields: "id") {
    id: ID!
    email: String @external
    balance: String @cacheControl(scope: PRIVATE)
    tariff: String
    domain: String @requires(fields: "email") @cacheControl(scope: PUBLIC)
  }
`;

/** Whom a subgraph answers: the text of the token, or its subject. */
type WhoAsks = (authorization: string | null) => string;

interface Services {
  readonly accounts: TestSubgraph;
  readonly billing: TestSubgraph;
  readonly subgraphs: Record<string, string>;
  stop(): Promise<void>;
}

async function startServices(whoAsks: WhoAsks): Promise<Services> {
  const who = ({ request }: { request: Request }): string =>
    whoAsks(request.headers.get('authorization'));
  const user = (context: { request: Request }) =>
    ({ __typename: 'User', id: '1', name: who(context), email: `${who(context)}@x.org` });
  const accounts = await startSubgraph({
    name: 'accounts',
    sdl: ACCOUNTS,
    resolvers: {
      Query: {
        me: (_, __, context) => user(context),
        user: (_, __, context) => user(context),
        author: (_, __, context) => user(context),
        contact: (_, __, context) => user(context),
        bot: (_, __, context) => ({ ...user(context), __typename: 'Bot' }),
        found: (_, __, context) => [user(context)],
        vault: (_, __, context) => user(context),
        greeting: (_, __, { request }) => `hello ${request.headers.get('accept-language') ?? ''}`,
        news: () => [{ text: 'news' }],
        language: (_, __, { request }) => request.headers.get('accept-language'),
      },
    },
    entities: { User: (_, context) => user(context) },
  });
  const billing = await startSubgraph({
    name: 'billing',
    sdl: BILLING,
    resolvers: {
      User: {
        balance: (_, __, context) => `balance of ${who(context)}`,
        tariff: (_, __, context) => `tariff of ${who(context)}`,
        domain: ({ email }) => `domain of ${email}`,
      },
    },
    entities: { User: (reference) => reference },
  });
  return {
    accounts, billing,
    subgraphs: { accounts: accounts.url, billing: billing.url },
    stop: async () => void (await Promise.all([accounts.stop(), billing.stop()])),
  };
}

function as(token: string, options: AskOptions = {}): AskOptions {
  return { ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } };
}

const forgetAll = (pair: Pair): Promise<void> =>
  pair.publish({ action: 'Pattern', pattern: '*', entity_type: { Custom: 'pattern' } });

const callsOf = ({ accounts, billing }: Services): number =>
  accounts.calls.length + billing.calls.length;

describe('with tokens taken as they are', () => {
  let services: Services;
  let pair: Pair;

  beforeAll(async () => {
    services = await startServices((authorization) => authorization?.split(' ')[1] ?? 'nobody');
    pair = await startPair({ subgraphs: services.subgraphs });
  });

  afterAll(async () => {
    await pair.stop();
    await services.stop();
  });

  beforeEach(() => forgetAll(pair));

  interface Spelling {
    readonly query: string;
    readonly variables?: Record<string, unknown>;
  }

  const PRIVATE: readonly Spelling[] = [
    { query: '{ me { email } }' },
    { query: '{ me { e: email } }' },
    { query: '{ x: me { name: email } }' },
    { query: '{ me { id ... on User { e: email } } }' },
    { query: '{ me { ... { ... on Contact { e: email } } } }' },
    { query: '{ me { ...A } } fragment A on User { ...B } fragment B on Contact { e: email }' },
    { query: 'query ($yes: Boolean!) { me { id e: email @include(if: $yes) } }',
      variables: { yes: true } },
    { query: 'query ($no: Boolean!) { me { id ... @skip(if: $no) { e: email } } }',
      variables: { no: false } },
    { query: 'query ($no: Boolean = false) { me { id ...A @skip(if: $no) } } '
      + 'fragment A on User { e: email }' },
    { query: 'query ($id: ID!) { user(id: $id) { e: email } }', variables: { id: '1' } },
    { query: '{ contact { e: email } }' },
    { query: '{ contact { ... on User { e: email } } }' },
    { query: '{ bot { ... on Bot { e: email } } }' },
    { query: '{ bot { ... on Contact { e: email } } }' },
    { query: '{ found { __typename ... on User { e: email } } }' },
    { query: '{ found { ... on Contact { e: email } } }' },
    { query: '{ vault { e: email } }' },
    { query: '{ greeting news { text } me { e: email } }' },
    { query: '{ user(id: "1") { b: balance } }' },
    { query: '{ user(id: "1") { ...B } } fragment B on User { b: balance }' },
    { query: 'query ($yes: Boolean!) { me { ... @include(if: $yes) { b: balance } } }',
      variables: { yes: true } },
  ];

  test.each(PRIVATE)('$query is never shared', async ({ query, variables = {} }) => {
    for (const node of pair.nodes) {
      for (const caller of ['alice', 'bob']) {
        const first = await node.ask(query, as(caller, { variables }));
        expect(first.errors).toBeUndefined();
        expect(first.text).toContain(caller);
        expect(first.headers.get('cache-control')).not.toContain('public');
        const again = await node.ask(query, as(caller, { variables }));
        expect(again.text).toBe(first.text);
        expect(again.cache).toBe('hit');
      }
      await expectUncachedForNobody(node, query, { variables });
    }
  });

  async function expectUncachedForNobody(node: TestNode, query: string, options: AskOptions) {
    for (const _ of [1, 2]) {
      services.accounts.forget();
      services.billing.forget();
      const answer = await node.ask(query, options);
      expect(answer.text).toContain('nobody');
      expect(answer.cache).not.toBe('hit');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(callsOf(services)).toBeGreaterThan(0);
    }
  }

  test('what one caller has filled in on one node, that one alone finds on the other', async () => {
    const query = '{ me { name email balance tariff } }';
    const [first, second] = pair.nodes;
    const filled = await first.ask(query, as('alice'));
    expect(await second.ask(query, as('alice'))).toMatchObject({ text: filled.text, cache: 'hit' });
    const other = await second.ask(query, as('bob'));
    expect(other.cache).not.toBe('hit');
    expect(other.text).not.toContain('alice');
    const nobody = await second.ask(query);
    expect(nobody.cache).not.toBe('hit');
    expect(nobody.text).not.toContain('alice');
  });

  test('what is not declared at all is shared among those without credentials only', async () => {
    const query = '{ me { name tariff } }';
    for (const caller of ['alice', 'bob']) {
      expect((await pair.nodes[0].ask(query, as(caller))).text).toContain(caller);
    }
    const [first, second] = [await pair.nodes[0].ask(query), await pair.nodes[1].ask(query)];
    expect(first.text).toContain('nobody');
    expect(second).toMatchObject({ text: first.text, cache: 'hit' });
  });

  test.each(['{ me { e: email } }', '{ me { n: name } }', '{ user(id: "1") { b: balance } }'])(
    'answers to %s that are under way are waited for by their own caller alone',
    async (query) => {
      const [node] = pair.nodes;
      const isAlices = ({ headers }: SubgraphCall): boolean =>
        headers.authorization === 'Bearer alice';
      const gates = [services.accounts, services.billing]
        .map((subgraph) => subgraph.hold({ when: isAlices }));
      const alice = [node.ask(query, as('alice')), node.ask(query, as('alice'))];
      await Promise.race(gates.map((gate) => gate.arrived));
      expect((await node.ask(query, as('bob'))).text).toContain('bob');
      expect((await node.ask(query)).text).toContain('nobody');
      for (const gate of gates) gate.release();
      for (const answer of await Promise.all(alice)) expect(answer.text).toContain('alice');
    },
  );

  test('callers of purely PUBLIC data share one entry, with and without credentials', async () => {
    const query = '{ greeting n: news { text } }';
    services.accounts.forget();
    const [first, second] = pair.nodes;
    const filled = await first.ask(query, as('alice'));
    expect(filled.headers.get('cache-control')).toContain('public');
    for (const node of [first, second]) {
      for (const options of [as('alice'), as('bob'), {}]) {
        expect(await node.ask(query, options)).toMatchObject({ text: filled.text, cache: 'hit' });
      }
    }
    expect(services.accounts.calls).toHaveLength(1);
  });

  test('a PUBLIC field that needs a PRIVATE one of its caller is not shared', async () => {
    const query = '{ author { domain } }';
    for (const caller of ['alice', 'bob']) {
      expect((await pair.nodes[0].ask(query, as(caller))).text).toContain(caller);
    }
    expect((await pair.nodes[0].ask(query)).text).toContain('nobody');
    expect((await pair.nodes[1].ask(query, as('bob'))).text).toContain('bob');
  });

  test('the type names and ids of somebody are not shared either', async () => {
    const query = '{ me { __typename id } }';
    expect((await pair.nodes[0].ask(query, as('alice'))).cache).toBe('miss');
    expect((await pair.nodes[0].ask(query, as('bob'))).cache).toBe('miss');
    expect((await pair.nodes[0].ask(query, as('bob'))).cache).toBe('hit');
  });

  test('a header that is not allowed reaches no subgraph and does not split the cache', async () => {
    const query = '{ language me { name } }';
    services.accounts.forget();
    const headers = { 'x-tenant': 'a', cookie: 'session=1', 'accept-language': 'de' };
    await pair.nodes[0].ask(query, { headers });
    const others = { 'x-tenant': 'b', cookie: 'session=2', 'accept-language': 'fr' };
    expect((await pair.nodes[0].ask(query, { headers: others })).cache).toBe('hit');
    expect((await pair.nodes[1].ask(query)).cache).toBe('hit');
    expect(services.accounts.calls).toHaveLength(1);
    const [{ headers: seen }] = services.accounts.calls as [SubgraphCall];
    expect(seen['x-tenant']).toBeUndefined();
    expect(seen.cookie).toBeUndefined();
    expect(seen['accept-language']).not.toBe('de');
  });
});

describe('with more headers allowed', () => {
  let services: Services;
  let pair: Pair;

  beforeAll(async () => {
    services = await startServices((authorization) => authorization ?? 'nobody');
    const propagate = ['authorization', 'accept-language', 'cookie'];
    pair = await startPair({ subgraphs: services.subgraphs, headers: { propagate } });
  });

  afterAll(async () => {
    await pair.stop();
    await services.stop();
  });

  test.each(['{ language }', '{ greeting }', '{ language greeting me { name } }'])(
    'an allowed header splits the cache for %s, and is told in Vary',
    async (query) => {
      const answers: Answer[] = [];
      for (const language of ['de', 'fr']) {
        const headers = { 'accept-language': language };
        const filled = await pair.nodes[0].ask(query, { headers });
        expect(filled.cache).toBe('miss');
        expect(filled.text).toContain(language);
        expect(filled.headers.get('vary')?.toLowerCase()).toContain('accept-language');
        answers.push(filled);
      }
      for (const [at, language] of ['de', 'fr'].entries()) {
        const again = await pair.nodes[1].ask(query, { headers: { 'accept-language': language } });
        expect(again).toMatchObject({ text: answers[at]?.text, cache: 'hit' });
      }
    },
  );

  test('a cookie that is passed on says who somebody is', async () => {
    const query = '{ me { email } }';
    const asking = (cookie: string) => pair.nodes[0].ask(query, { headers: { cookie } });
    expect((await asking('session=1')).headers.get('cache-control')).toContain('private');
    expect((await asking('session=1')).cache).toBe('hit');
    expect((await asking('session=2')).cache).toBe('miss');
  });
});

describe('with tokens reduced to their claims', () => {
  const SECRET = 'a secret of at least thirty-two characters';
  const QUERY = '{ me { n: name e: email } }';
  const revoked = new Set<string>();
  let services: Services;
  let pair: Pair;

  beforeAll(async () => {
    services = await startServices((authorization) => {
      const payload = authorization?.split('.')[1];
      if (payload === undefined) return 'nobody';
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
      if (revoked.has(claims.sid ?? '')) throw new Error('the session was revoked');
      return claims.sub;
    });
    pair = await startPair({
      subgraphs: services.subgraphs,
      jwt: { secret: SECRET, sessionClaim: 'sid' },
    });
  });

  afterAll(async () => {
    await pair.stop();
    await services.stop();
  });

  beforeEach(async () => {
    revoked.clear();
    await forgetAll(pair);
  });

  interface Claims {
    readonly sub: string;
    readonly sid?: string;
    readonly jti?: string;
  }

  interface Signing {
    readonly secret?: string;
    /** Seconds since 1970. */
    readonly expiresAt?: number;
  }

  const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;

  function signed(
    claims: Claims,
    { secret = SECRET, expiresAt = inSeconds(600) }: Signing = {},
  ): Promise<string> {
    return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).setIssuedAt()
      .setExpirationTime(expiresAt).sign(new TextEncoder().encode(secret));
  }

  test('two tokens with the same claims share what is theirs, other claims do not', async () => {
    const first = await signed({ sub: 'alice', sid: 's1', jti: '1' });
    const renewed = await signed(
      { sub: 'alice', sid: 's1', jti: '2' },
      { expiresAt: inSeconds(900) },
    );
    expect(renewed).not.toBe(first);
    const filled = await pair.nodes[0].ask(QUERY, as(first));
    for (const node of pair.nodes) {
      expect(await node.ask(QUERY, as(renewed))).toMatchObject({ text: filled.text, cache: 'hit' });
    }
    const other = await pair.nodes[0].ask(QUERY, as(await signed({ sub: 'bob', sid: 's1' })));
    expect(other).toMatchObject({ data: { me: { n: 'bob' } }, cache: 'miss' });
    expect((await pair.nodes[0].ask(QUERY)).text).toContain('nobody');
  });

  const revoke = (id: string): Promise<void> => {
    revoked.add(id);
    return pair.publish({
      entity_type: { Custom: 'session' }, entity_id: id, action: 'Delete',
    });
  };

  test.each([QUERY, '{ me { tariff } }', '{ user(id: "1") { balance } }'])(
    'a revoked session gets nothing that was cached for it by %s, others keep theirs',
    async (query) => {
      const alice = as(await signed({ sub: 'alice', sid: 's1' }));
      const bob = as(await signed({ sub: 'bob', sid: 's2' }));
      for (const node of pair.nodes) {
        for (const caller of [alice, bob]) {
          await node.ask(query, caller);
          expect((await node.ask(query, caller)).cache).toBe('hit');
        }
      }
      await revoke('s1');
      for (const node of pair.nodes) {
        const refused = await node.ask(query, alice);
        expect(refused.errors).toHaveLength(1);
        expect(refused.text).not.toContain('alice');
        expect((await node.ask(query, bob)).cache).toBe('hit');
      }
    },
  );

  test('a revoked session gets nothing that another session of the same user caches', async () => {
    const phone = as(await signed({ sub: 'alice', sid: 'phone' }));
    const laptop = as(await signed({ sub: 'alice', sid: 'laptop' }));
    for (const caller of [phone, laptop]) await pair.nodes[0].ask(QUERY, caller);
    await revoke('phone');
    await pair.nodes[0].ask(QUERY, laptop);
    for (const node of pair.nodes) {
      expect((await node.ask(QUERY, laptop)).cache).toBe('hit');
      const refused = await node.ask(QUERY, phone);
      expect(refused.errors).toHaveLength(1);
      expect(refused.text).not.toContain('alice');
    }
  });

  test('no entry is promised for longer than its token is valid', async () => {
    const earlier = await pair.redis.keys('response:*');
    if (earlier.length > 0) await pair.redis.unlink(...earlier);
    const token = await signed({ sub: 'alice', sid: 's1' }, { expiresAt: inSeconds(20) });
    const filled = await pair.nodes[0].ask(QUERY, as(token));
    const ttl = Number(/ttl=(\d+)/.exec(filled.headers.get('cache-status') ?? '')?.[1]);
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(20);
    const homes = await until(
      async () => {
        const keys = await pair.redis.keys('response:*');
        return keys.length > 0 && keys;
      },
      { what: 'the entries are in Redis' },
    );
    for (const home of homes) {
      const left = await pair.redis.pttl(home);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(20_000);
    }
  });

  test('when its token has expired, an entry is not served to a renewed one either', async () => {
    const expiresAt = inSeconds(2);
    const claims = { sub: 'alice', sid: 's1' };
    const token = await signed(claims, { expiresAt });
    expect((await pair.nodes[0].ask(QUERY, as(token))).cache).toBe('miss');
    const renewed = await signed(claims);
    await until(() => Date.now() > expiresAt * 1_000, { what: 'the token has expired' });
    for (const node of pair.nodes) {
      const stale = await node.ask(QUERY, as(token));
      expect(stale.cache).not.toBe('hit');
    }
    expect((await pair.nodes[1].ask(QUERY, as(renewed))).cache).toBe('miss');
  });

  test.each([
    ['signed by another', () => signed({ sub: 'alice', sid: 's1' }, { secret: 'x'.repeat(40) })],
    ['expired', () => signed({ sub: 'alice', sid: 's1' }, { expiresAt: inSeconds(-5) })],
    ['unsigned', async () => {
      const claims = Buffer.from(JSON.stringify({ sub: 'alice', sid: 's1' })).toString('base64url');
      return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
    }],
  ])('a token that is %s finds nothing and leaves nothing', async (_, forge) => {
    const good = as(await signed({ sub: 'alice', sid: 's1' }));
    for (const node of pair.nodes) await node.ask(QUERY, good);
    const forged = as(await forge());
    for (const node of [...pair.nodes, ...pair.nodes]) {
      services.accounts.forget();
      const answer = await node.ask(QUERY, forged);
      expect(answer.cache).not.toBe('hit');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(services.accounts.calls).toHaveLength(1);
    }
    expect((await pair.nodes[0].ask(QUERY, good)).cache).toBe('hit');
  });
});
