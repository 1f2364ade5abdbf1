/**
 * The three stories that must never happen again: two nodes, real Redis, the services as processes
 * of their own, and changes made directly in a service. How fast it goes, `bench/` measures.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { askAt, startTestNode, type Answer, type AskOptions, type TestNode } from './fleet.ts';
import { startServices, type ServiceName, type Services } from './services.ts';

let redis: RedisServer;
let services: Services;
let nodes: readonly TestNode[];

beforeAll(async () => {
  redis = await startRedis();
  services = await startServices(redis.url);
  const options = {
    subgraphs: services.subgraphs, redis: redis.url, jwt: { jwksUrl: services.jwksUrl },
  };
  nodes = await Promise.all([startTestNode(options), startTestNode(options)]);
});

afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.stop()));
  await services?.stop();
  await redis?.stop();
});

/** Changes something in a service, behind the gateway's back; returns the service's answer. */
async function change(service: ServiceName, mutation: string, ask?: AskOptions): Promise<Answer> {
  const answer = await askAt(services.subgraphs[service], mutation, ask);
  expect(answer.errors).toBeUndefined();
  return answer;
}

/** Asks every node until all answer from the cache, and returns what they answer. */
async function remembered(query: string, ask?: AskOptions): Promise<readonly string[]> {
  let texts: string[] = [];
  await until(async () => {
    const answers = await Promise.all(nodes.map((node) => node.ask(query, ask)));
    texts = answers.map(({ text }) => text);
    return answers.every(({ cache }) => cache === 'hit');
  }, { what: `both nodes remember ${query}` });
  return texts;
}

/** Waits until every node answers as `isNew` says, and checks that none ever goes back. */
async function renewed(query: string, isNew: (answer: Answer) => boolean, ask?: AskOptions) {
  for (const node of nodes) {
    const asks = async (): Promise<boolean> => isNew(await node.ask(query, ask));
    await until(asks, { what: `a node answers anew: ${query}` });
    for (let n = 0; n < 5; n += 1) expect(await asks()).toBe(true);
  }
}

describe('a user is renamed in the user service', () => {
  test('and the profile, the posts, the comments and the feeds show the new name', async () => {
    const queries = [
      '{ user(id: 2) { name posts(first: 3) { edges { node { title author { name } } } } } }',
      '{ users(first: 5) { edges { node { id name } } } }',
      '{ posts(first: 50) { edges { node { author { id name } } } } }',
    ];
    const { data } = await nodes[0]!.ask('{ user(id: 2) { name } }');
    const old = data.user.name as string;
    for (const query of queries) {
      for (const text of await remembered(query)) expect(text).toContain(old);
    }
    const bystander = '{ user(id: 3) { name } }';
    await remembered(bystander);
    await change('users', 'mutation { updateUser(id: 2, input: { name: "Zora New" }) { id } }');
    for (const query of queries) {
      await renewed(query, ({ text }) => text.includes('Zora New') && !text.includes(old));
    }
    for (const node of nodes) expect((await node.ask(bystander)).cache).toBe('hit');
  });
});

describe('a post is deleted in the content service', () => {
  test('and no feed and no list shows it any more', async () => {
    const feed = '{ feed(userId: 7, first: 20) { posts { edges { node { id title } } } } }';
    const first = await nodes[0]!.ask(feed);
    const { id } = first.data.feed.posts.edges[0].node as { id: string };
    const list = '{ posts(first: 100) { edges { node { id } } } }';
    const queries = [feed, list, `{ post(id: "${id}") { id } }`];
    const held = new RegExp(`"id":"${id}"`);
    for (const query of queries) {
      for (const text of await remembered(query)) expect(text).toMatch(held);
    }
    await change('content', `mutation { deletePost(id: "${id}") }`);
    for (const query of queries) await renewed(query, ({ text }) => !held.test(text));
  });

  test('and one that is created appears in lists and feeds that were remembered', async () => {
    const follower = '{ feed(userId: 7, first: 5) { posts { edges { node { title } } } } }';
    const list = '{ posts(first: 5) { edges { node { title } } } }';
    const followed = await nodes[0]!.ask(
      '{ feed(userId: 7, first: 1) { posts { edges { node { author { id } } } } } }',
    );
    const authorId = followed.data.feed.posts.edges[0].node.author.id as string;
    await remembered(follower);
    await remembered(list);
    const input = `{ authorId: "${authorId}", title: "A brand new one", body: "Text." }`;
    await change('content', `mutation { createPost(input: ${input}) { id } }`);
    await renewed(list, ({ text }) => text.includes('A brand new one'));
    await renewed(follower, ({ text }) => text.includes('A brand new one'));
  });
});

describe('a session is revoked in the auth service', () => {
  test('and what was remembered for it is gone, for it alone', async () => {
    const [revoked, kept] = [await logIn(1), await logIn(1)];
    const query = '{ me { id name } session { id } }';
    for (const { ask } of [revoked, kept]) {
      for (const text of await remembered(query, ask)) expect(text).toContain('"id":"1"');
    }
    await change('auth', `mutation { revokeSession(id: "${revoked.id}") }`, revoked.ask);
    await renewed(query, ({ data }) => data.me === null && data.session === null, revoked.ask);
    for (const node of nodes) expect((await node.ask(query, kept.ask)).data.me.id).toBe('1');
  });

  test('and nobody is ever served what was remembered for somebody else', async () => {
    const [one, two] = [await logIn(1), await logIn(2)];
    const query = '{ me { id e: email } }';
    const own = async ({ ask }: { ask: AskOptions }): Promise<unknown> =>
      (await nodes[0]!.ask(query, ask)).data.me.id;
    for (let n = 0; n < 3; n += 1) {
      expect(await Promise.all([own(one), own(two)])).toEqual(['1', '2']);
    }
    expect((await nodes[0]!.ask(query)).data.me).toBeNull();
  });
});

async function logIn(userId: number): Promise<{ id: string; ask: AskOptions }> {
  const { data } = await nodes[0]!.ask(`{ user(id: ${userId}) { handle } }`);
  const login = 'mutation ($login: String!) {' +
    ' login(login: $login, password: "freshet") { token session { id } } }';
  const answer = await change('auth', login, { variables: { login: data.user.handle } });
  const { token, session } = answer.data.login as { token: string; session: { id: string } };
  return { id: session.id, ask: { headers: { authorization: `Bearer ${token}` } } };
}
