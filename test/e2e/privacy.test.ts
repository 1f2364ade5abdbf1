/** What was answered to one caller is served to another only where the schema says PUBLIC. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SubgraphCall } from '../support/subgraph.ts';
import { as, callsOf, forgetAll, startServices, type Services } from './callers.ts';
import type { Answer, AskOptions, TestNode } from './fleet.ts';
import { startPair, type Pair } from './pair.ts';

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

  test('a header that is not allowed reaches no subgraph, nor splits the cache', async () => {
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
