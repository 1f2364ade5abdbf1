/** A database tells the gateways of its changes: nobody publishes anything. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceStats } from '../../src/ops/sources/source.ts';
import { freePort } from '../support/process.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';
import { PostgresWorld, type Way } from '../ops/sources/postgres/postgres-world.ts';
import { startNodeProcess, type NodeProcess } from './node-process.ts';

const QUERY = '{ user(id: "1") { name } }';
const SDL = `
  type Query { user(id: ID!): User }
  type User @key(fields: "id") { id: ID! name: String }
`;

describe.each(['triggers', 'replication'] satisfies Way[])('%s of PostgreSQL', (way) => {
  let world: PostgresWorld;
  let redis: RedisServer;
  let users: TestSubgraph;
  const nodes: { node: NodeProcess; adminUrl: string }[] = [];

  beforeAll(async () => {
    world = await PostgresWorld.open(way);
    redis = await startRedis();
    await world.prepare();
    await world.pool.query("INSERT INTO users VALUES ('1', 'Ada'), ('2', 'Bea')");
    users = await startSubgraph({
      name: 'users', sdl: SDL,
      resolvers: { Query: { user: async (_, { id }) => (await world.pool.query(
        'SELECT id, name FROM users WHERE id = $1', [id])).rows[0] as unknown } },
      entities: { User: () => null },
    });
    for (let count = 0; count < 2; count += 1) await startNode();
  });
  afterAll(async () => {
    for (const { node } of nodes) await node.stop();
    await users.stop();
    await redis.stop();
    await world.close();
  });

  async function startNode(): Promise<void> {
    const read = way === 'replication' ? { read: way, tables: ['users=User:id'] } : {};
    const adminPort = await freePort();
    const node = await startNodeProcess({
      subgraphs: { users: users.url }, redis: redis.url, adminPort,
      environment: {
        FRESHET_SOURCES_POSTGRES: JSON.stringify({ shop: { url: world.server.url, ...read } }),
      },
    });
    nodes.push({ node, adminUrl: `http://127.0.0.1:${adminPort}` });
  }

  async function readers(): Promise<typeof nodes> {
    const found = await Promise.all(nodes.map(async (one) => {
      const answer = await fetch(`${one.adminUrl}/stats`);
      const { sources } = await answer.json() as { sources: readonly SourceStats[] };
      return sources[0]?.isWorking === true ? [one] : [];
    }));
    return found.flat();
  }

  async function rename(name: string): Promise<void> {
    await world.pool.query("UPDATE users SET name = $1 WHERE id = '1'", [name]);
    for (const { node } of nodes) {
      await until(async () => {
        const { data } = await node.ask(QUERY);
        return (data as { user: { name: string } }).user.name === name;
      }, { what: `a node answers ${name}` });
    }
  }

  it('reach every node, also after the one that read was killed', async () => {
    await until(async () => (await readers()).length === 1, {
      what: 'one of them reads',
    });
    for (const { node } of nodes) {
      await until(async () => (await node.ask(QUERY)).cache === 'hit', { what: 'it is cached' });
    }
    await rename('Cleo');
    const [reader] = await readers();
    await reader?.node.kill();
    nodes.splice(nodes.findIndex((one) => one === reader), 1);
    await rename('Dora');
    await until(async () => (await readers()).length === 1, { what: 'the other one reads' });
    expect(nodes).toHaveLength(1);
  });
});
