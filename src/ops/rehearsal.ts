/**
 * A node answers some questions of its own before its first client's: code that has never run is
 * slow (a first answer took 90 ms, and several at once 350 ms, where 5 ms are usual), and after a
 * deployment every node would show it. It asks a gateway that is made for this and thrown away,
 * over HTTP, with services of its own on loopback: neither the services nor the cache nor the log
 * of the node see anything of it.
 */
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolveConfig } from '../gateway/config/config.ts';
import { createGateway } from '../gateway/gateway.ts';
import { HttpServer, listen } from '../gateway/http/http-server.ts';
import { composeSupergraph } from '../gateway/supergraph/compose.ts';
import { parseSupergraph, type SupergraphSource } from '../gateway/supergraph/supergraph.ts';
import type { Clock, Millis, Random } from '../invalidation/clock.ts';
import { MemoryLog } from '../invalidation/log-memory.ts';
import type { Logger } from './logger.ts';

export interface RehearsalOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const HOST = '127.0.0.1';
/** Workers rehearse side by side: none is to be asked what another one asks. */
const OWN_PLACE = { host: HOST, port: 0, exclusive: true };
/** However slow the machine is, a start waits no longer. */
const LASTS_MS_MAX: Millis = 3_000;
/** With these a first answer takes a fifth of what it did; twice as many gain little more. */
const ROUNDS = 12;

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", '
  + 'import: ["@key"])';
const POSTS = `${LINK}
  type Query { post(id: ID!): Post }
  type Post @key(fields: "id") { id: ID! title: String! author: User }
  type User @key(fields: "id") { id: ID! }`;
const USERS = `${LINK}
  type Query { user(id: ID!): User users(ids: [ID!]!): [User!]! }
  type Mutation { rename(id: ID!): User }
  type User @key(fields: "id") { id: ID! name: String! }`;

/** A root field, entities of another service, a list, and what purges. */
const QUESTIONS = [
  'query ($id: ID!) { user(id: $id) { id name } }',
  'query ($id: ID!) { post(id: $id) { title author { name } } }',
  'query ($id: ID!) { users(ids: [$id]) { name } }',
  'mutation ($id: ID!) { rename(id: $id) { id name } }',
];

/**
 * Resolves to how many questions were answered, also where it failed half-way: a node starts
 * without it as well.
 */
export async function rehearse({ clock, random, log }: RehearsalOptions): Promise<number> {
  const beganAt = clock.now();
  let answered = 0;
  const opened: (() => unknown)[] = [];
  let isOver = false;
  const cancel = clock.after(LASTS_MS_MAX, () => {
    isOver = true;
  });
  try {
    const services = createServer(answerAsService);
    await listen(services, OWN_PLACE);
    opened.push(() => services.close(), () => services.closeAllConnections());
    const port = await openGateway({ clock, random, log }, { services, opened });
    const agent = new Agent({ keepAlive: true });
    opened.push(() => agent.destroy());
    for (let round = 0; round < ROUNDS && !isOver; round += 1) {
      for (const query of QUESTIONS) {
        const body = JSON.stringify({ query, variables: { id: String(round) } });
        // Twice: to fill the cache, and to find it there.
        answered += await ask({ port, agent, body });
        answered += await ask({ port, agent, body });
      }
    }
    log.debug({ answered, tookMs: Math.round(clock.now() - beganAt) }, 'rehearsed');
  } catch (error) {
    log.debug({ reason: (error as Error).message }, 'the rehearsal ended early');
  } finally {
    cancel();
    for (const close of opened.toReversed()) await close();
  }
  return answered;
}

async function openGateway(
  { clock, random, log }: RehearsalOptions,
  { services, opened }: { services: Server; opened: (() => unknown)[] },
): Promise<number> {
  const { port } = services.address() as AddressInfo;
  const url = `http://${HOST}:${port}/`;
  const supergraph = parseSupergraph(composeSupergraph([
    { name: 'posts', url, sdl: POSTS }, { name: 'users', url, sdl: USERS },
  ]).sdl);
  const source: SupergraphSource = {
    description: 'rehearsal', load: async () => supergraph, watch: () => () => undefined,
  };
  const config = resolveConfig({ supergraph: source.description }, { production: true });
  const invalidationLog = new MemoryLog({ clock });
  // What it has to say of itself is nobody's concern.
  const silent = log.child({}, { level: 'silent' });
  const gateway = await createGateway(config, {
    clock, random, log: silent, invalidationLog, supergraph: source,
  });
  opened.push(() => gateway.close());
  const { handler, listener } = gateway;
  const { limits } = config;
  const server = new HttpServer({
    handler, listeners: [listener], limits, clock, onError: () => undefined,
  });
  opened.push(() => server.close({ drainMs: 0 }));
  return (await server.listen(OWN_PLACE)).port;
}

/** Whatever is asked for is there; the gateway takes of it what it has asked for. */
const answerAsService: Parameters<typeof createServer>[1] = (incoming, response) => {
  const user = { __typename: 'User', id: '1', name: 'Ada' };
  const post = { __typename: 'Post', id: '1', title: 'Notes', author: user };
  incoming.resume().once('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({
      data: { user, post, users: [user], rename: user, _entities: [user] },
    }));
  });
};

/** Resolves when the answer has been read: to 1 where it is one, else to 0. */
function ask({ port, agent, body }: { port: number; agent: Agent; body: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const options = { agent, host: HOST, port, path: '/graphql', method: 'POST', headers };
    request(options, (response) => {
      const answers = response.statusCode === 200 ? 1 : 0;
      response.resume().once('end', () => resolve(answers)).once('error', reject);
    }).once('error', reject).end(body);
  });
}
