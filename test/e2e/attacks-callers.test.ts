/** Callers whose credentials are no good: what is the same for everybody serves all the others. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FRESHET_SDL } from '../../src/policy/freshet-definitions.ts';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';

const SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  ${FRESHET_SDL}
  type Query { news: News @cacheControl(maxAge: 60, scope: PUBLIC) }
  type News @cacheControl(scope: PUBLIC) { text: String @cacheControl(scope: PUBLIC) }
`;

let server: Server;
let node: TestNode;
const doors = Promise.withResolvers<void>();

/** In front of an origin there often stands a guard that speaks no GraphQL. */
async function guarded(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('content-type', 'application/json');
  if ((await text(request)).includes('_service')) {
    response.end(JSON.stringify({ data: { _service: { sdl: SDL } } }));
    return;
  }
  await doors.promise;
  if (request.headers.authorization === 'good') {
    response.end(JSON.stringify({ data: { news: { text: 'for everybody' } } }));
  } else {
    response.writeHead(401).end(JSON.stringify({ message: 'Unauthorized' }));
  }
}

beforeAll(async () => {
  server = createServer((request, response) => void guarded(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  node = await startTestNode({ subgraphs: { news: `http://127.0.0.1:${port}/graphql` } });
});

afterAll(async () => {
  await node.stop();
  server.closeAllConnections();
  server.close();
});

describe('who waits for the loads of callers whom a guard refuses', () => {
  it('is answered as if they had asked alone', async () => {
    const loads = () => node.gateway.status().loads;
    const asked = [];
    for (const [before, authorization] of ['bad 1', 'bad 2', 'bad 3', 'good'].entries()) {
      const all = (): boolean => before === 0 || loads().waiting === before - 1;
      await until(all, { what: 'those who asked before wait for each other' });
      asked.push(node.ask('{ news { text } }', { headers: { authorization } }));
      await until(() => loads().loads > 0, { what: 'the first one loads' });
    }
    await until(() => loads().waiting === 3, { what: 'the good one waits for the bad ones' });
    doors.resolve();
    const answers = await Promise.all(asked);
    const good = answers.pop();
    expect(good?.errors).toBeUndefined();
    expect(good?.data).toEqual({ news: { text: 'for everybody' } });
    for (const { errors } of answers) expect(errors[0].message).toContain('401');
  });
});
