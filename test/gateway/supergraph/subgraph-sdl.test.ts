import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchSubgraphSdl } from '../../../src/gateway/supergraph/subgraph-sdl.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { startSubgraph, type SubgraphOptions, type TestSubgraph } from '../../support/subgraph.ts';

const SDL = 'type Query { user(id: ID!): User } type User @key(fields: "id") { id: ID! }';
const subgraphs: TestSubgraph[] = [];

afterEach(async () => {
  await Promise.all(subgraphs.splice(0).map((subgraph) => subgraph.stop()));
});

async function start(options: Partial<SubgraphOptions> = {}): Promise<TestSubgraph> {
  const subgraph = await startSubgraph({ name: 'users', sdl: SDL, ...options });
  subgraphs.push(subgraph);
  return subgraph;
}

const unavailable = (message: RegExp) =>
  expect.objectContaining({
    code: 'SUPERGRAPH_UNAVAILABLE', message: expect.stringMatching(message),
  });

describe('the SDL of a subgraph', () => {
  it('is what { _service { sdl } } says, with every directive', async () => {
    const { url } = await start();
    expect(await fetchSubgraphSdl({ name: 'users', url })).toBe(SDL);
  });

  it('is built by introspection for an API that knows no federation', async () => {
    const sdl = '"A query" type Query { user(id: ID! = 1): String @deprecated(reason: "old") }';
    const { url } = await start({ sdl, federated: false });
    const introspected = await fetchSubgraphSdl({ name: 'users', url });
    const field = buildSchema(introspected).getQueryType()?.getFields()['user'];
    expect(field?.deprecationReason).toBe('old');
    expect(field?.args[0]?.defaultValue).toBe('1');
  });

  it('is not guessed for a subgraph that does not tell it now', async () => {
    const subgraph = await start();
    subgraph.misbehave({ body: '{"data":null,"errors":[{"message":"secret internals"}]}' });
    const reading = fetchSubgraphSdl({ name: 'users', url: subgraph.url }, { patienceMs: 0 });
    await expect(reading).rejects.toEqual(unavailable(/_service \{ sdl \}.*got none/));
  });

  it('is awaited from a service that is still booting', async () => {
    const subgraph = await start();
    subgraph.misbehave({ hangUp: true }, { status: 503, body: 'booting' }, { body: '{}' });
    const sdl = await fetchSubgraphSdl({ name: 'users', url: subgraph.url }, { random: () => 0 });
    expect(sdl).toBe(SDL);
  });

  it('is awaited only so long, with longer and longer pauses', async () => {
    const clock = new ManualClock();
    let attempts = 0;
    let settled = false;
    const url = 'http://user:hunter2@users.test/q?k=hunter2';
    const reading = fetchSubgraphSdl({ name: 'users', url }, {
      clock,
      random: () => 0.5,
      patienceMs: 30_000,
      fetch: async () => {
        attempts += 1;
        throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
      },
    });
    const message = /subgraph users \(http:\/\/users\.test\/q\): .* got ECONNREFUSED/;
    const checked = expect(reading).rejects.toEqual(unavailable(message))
      .finally(() => (settled = true));
    while (!settled) await clock.advanceAsync(250);
    await checked;
    expect(attempts).toBeGreaterThan(10);
    expect(attempts).toBeLessThan(20);
    expect(clock.now()).toBeLessThanOrEqual(30_250);
    expect(clock.pending).toBe(0);
  });

  it('is not awaited from a service that answers late', async () => {
    const clock = new ManualClock();
    const reading = fetchSubgraphSdl({ name: 'users', url: 'http://users.test/' }, {
      clock,
      patienceMs: 0,
      timeoutMs: 700,
      fetch: (_url, { signal }) => new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      }),
    });
    const checked = expect(reading).rejects.toEqual(unavailable(/within 700 ms/));
    await clock.advanceAsync(700);
    await checked;
  });

  it.each([401, 403])('is asked for once where the answer is status %i', async (status) => {
    const subgraph = await start();
    subgraph.misbehave({ status, body: 'no' });
    const reading = fetchSubgraphSdl({ name: 'users', url: subgraph.url });
    await expect(reading).rejects.toEqual(unavailable(new RegExp(`got status ${status}`)));
  });

  it('is refused at once where it is no SDL', async () => {
    const subgraph = await start();
    subgraph.misbehave({ body: '{"data":{"_service":{"sdl":"type {"}}}' });
    const reading = fetchSubgraphSdl({ name: 'users', url: subgraph.url });
    await expect(reading).rejects.toEqual(unavailable(/an SDL was required, got: Syntax Error/));
  });

  it('is taken from a file where one is named', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'freshet-sdl-'));
    try {
      const sdlFile = join(folder, 'users.graphql');
      await writeFile(sdlFile, SDL);
      const address = { name: 'users', url: 'http://127.0.0.1:1/', sdlFile };
      expect(await fetchSubgraphSdl(address)).toBe(SDL);
      const missing = { ...address, sdlFile: join(folder, 'none.graphql') };
      await expect(fetchSubgraphSdl(missing)).rejects.toEqual(unavailable(/none\.graphql.*ENOENT/));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is not asked for at what is no URL', async () => {
    await expect(fetchSubgraphSdl({ name: 'users', url: 'localhost:4001' }))
      .rejects.toEqual(unavailable(/subgraph users: an absolute http or https URL/));
  });
});
