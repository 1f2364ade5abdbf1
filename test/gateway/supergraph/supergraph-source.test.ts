import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { composeSupergraph } from '../../../src/gateway/supergraph/compose.ts';
import { FileSupergraph } from '../../../src/gateway/supergraph/supergraph-file.ts';
import { ComposedSupergraph } from '../../../src/gateway/supergraph/supergraph-subgraphs.ts';
import { UrlSupergraph } from '../../../src/gateway/supergraph/supergraph-url.ts';
import type { Supergraph, SupergraphSource } from '../../../src/gateway/supergraph/supergraph.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

const POLL_MS = 1_000;

class PollClock extends ManualClock {
  looksAskedFor = 0;

  override after(delayMs: number, task: () => void): () => void {
    if (delayMs === POLL_MS) this.looksAskedFor += 1;
    return super.after(delayMs, task);
  }
}

/** A source whose content the test decides. */
interface Bench {
  readonly clock: PollClock;
  readonly source: SupergraphSource;
  /** A schema with `Query.<field>` from now on. */
  serve(field: string): Promise<void>;
  /** Something that is no schema. */
  serveNonsense(): Promise<void>;
  /** Nothing at all. */
  vanish(): Promise<void>;
}

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const subgraphSdl = (field: string): string => `type Query { ${field}: Int }`;
const supergraphSdl = (field: string): string =>
  composeSupergraph([{ name: 'a', url: 'http://a/', sdl: subgraphSdl(field) }]).sdl;

async function fileBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'freshet-supergraph-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  const path = join(folder, 'supergraph.graphql');
  const clock = new PollClock();
  const source = new FileSupergraph({ path, clock, random: () => 0.5, pollMs: POLL_MS });
  const serveText = async (text: string): Promise<void> => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  return {
    clock,
    source,
    serve: (field) => serveText(supergraphSdl(field)),
    serveNonsense: () => serveText('type {'),
    vanish: () => unlink(path),
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serverWith(handler: Handler): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/supergraph`;
}

interface ServerBench {
  readonly makeSource: (url: string, clock: PollClock) => SupergraphSource;
  readonly respond: (text: string | undefined) => Handler;
  readonly sdlOf: (field: string) => string;
}

function serverBench({ makeSource, respond, sdlOf }: ServerBench): () => Promise<Bench> {
  return async () => {
    let text: string | undefined;
    const url = await serverWith((request, response) => respond(text)(request, response));
    const clock = new PollClock();
    return {
      clock,
      source: makeSource(url, clock),
      serve: async (field) => void (text = sdlOf(field)),
      serveNonsense: async () => void (text = 'type {'),
      vanish: async () => void (text = undefined),
    };
  };
}

const urlBench = serverBench({
  makeSource: (url, clock) => new UrlSupergraph({
    url, clock, random: () => 0.5, pollMs: POLL_MS, patienceMs: 0,
  }),
  respond: (text) => (_request, response) => {
    response.writeHead(text === undefined ? 502 : 200).end(text);
  },
  sdlOf: supergraphSdl,
});

const composedBench = serverBench({
  makeSource: (url, clock) => new ComposedSupergraph({
    subgraphs: [{ name: 'a', url }], clock, random: () => 0.5, pollMs: POLL_MS, patienceMs: 0,
  }),
  respond: (text) => (_request, response) => {
    const body = JSON.stringify({ data: { _service: { sdl: text } } });
    response.writeHead(text === undefined ? 502 : 200).end(text === undefined ? '' : body);
  },
  sdlOf: subgraphSdl,
});

describe.each([
  ['a file', fileBench],
  ['a URL', urlBench],
  ['composed of subgraphs', composedBench],
])('a supergraph from %s', (_from, makeBench) => {
  async function watched() {
    const bench = await makeBench();
    await bench.serve('one');
    const first = await bench.source.load();
    const changes: Supergraph[] = [];
    const failures: Error[] = [];
    const stop = bench.source.watch(
      (supergraph) => changes.push(supergraph), (error) => failures.push(error),
    );
    cleanups.push(stop);
    /** One look, to its end: the next is then asked for. */
    const look = async (): Promise<void> => {
      const before = bench.clock.looksAskedFor;
      bench.clock.advance(POLL_MS);
      await until(() => bench.clock.looksAskedFor > before, { what: 'a look is over' });
    };
    return { ...bench, first, changes, failures, stop, look };
  }

  it('is loaded with its text, its document and a hash of the text', async () => {
    const { source, serve } = await makeBench();
    await serve('one');
    const { sdl, document, hash } = await source.load();
    expect(sdl).toContain('one: Int');
    expect(document.kind).toBe('Document');
    const expected = createHash('sha256').update(sdl).digest('base64url').slice(0, 32);
    expect(hash).toBe(expected);
  });

  it('is not loaded from nothing, nor from nonsense', async () => {
    const { source, serveNonsense, serve, vanish } = await makeBench();
    const failure = expect.objectContaining({ code: 'SUPERGRAPH_UNAVAILABLE' });
    await serveNonsense();
    await expect(source.load()).rejects.toEqual(failure);
    await serve('one');
    await vanish();
    await expect(source.load()).rejects.toEqual(failure);
  });

  it('tells of a version that differs, once, and not of the one that was loaded', async () => {
    const { serve, look, changes, failures } = await watched();
    await look();
    expect(changes).toEqual([]);
    await serve('two');
    await look();
    await until(() => changes.length, { what: 'the change is told' });
    await look();
    expect(changes.map(({ sdl }) => /(one|two): Int/.exec(sdl)?.[1])).toEqual(['two']);
    expect(failures).toEqual([]);
  });

  it('tells of a broken version once, and of the next good one', async () => {
    const { serve, serveNonsense, look, changes, failures } = await watched();
    await serveNonsense();
    await look();
    await until(() => failures.length, { what: 'the failure is told' });
    await look();
    await look();
    expect(failures).toEqual([expect.objectContaining({ code: 'SUPERGRAPH_UNAVAILABLE' })]);
    expect(changes).toEqual([]);
    await serve('two');
    await look();
    await until(() => changes.length, { what: 'the change is told' });
  });

  it('tells of nothing where it vanishes and comes back as it was', async () => {
    const { serve, vanish, look, changes, failures } = await watched();
    await vanish();
    await look();
    await until(() => failures.length, { what: 'the failure is told' });
    await serve('one');
    await look();
    await look();
    expect(changes).toEqual([]);
    expect(failures.length).toBe(1);
  });

  it('is not watched any more when that is stopped', async () => {
    const { serve, stop, clock, changes } = await watched();
    stop();
    await serve('two');
    expect(clock.pending).toBe(0);
    clock.advance(10 * POLL_MS);
    expect(changes).toEqual([]);
  });
});

describe('a supergraph from a URL', () => {
  it('is asked for by ETag, and not sent again while it has not changed', async () => {
    const seen: (string | undefined)[] = [];
    const sdl = supergraphSdl('one');
    const url = await serverWith((request, response) => {
      const condition = request.headers['if-none-match'];
      seen.push(condition);
      if (condition === '"v1"') response.writeHead(304, { etag: '"v1"' }).end();
      else response.writeHead(200, { etag: '"v1"' }).end(sdl);
    });
    const clock = new PollClock();
    const source = new UrlSupergraph({ url, clock, random: () => 0.5, pollMs: POLL_MS });
    expect((await source.load()).sdl).toBe(sdl);
    const told: unknown[] = [];
    const stop = source.watch((supergraph) => told.push(supergraph), (error) => told.push(error));
    clock.advance(POLL_MS);
    await until(() => clock.looksAskedFor === 2, { what: 'it has been asked for again' });
    stop();
    expect(seen).toEqual([undefined, '"v1"']);
    expect(told).toEqual([]);
    await source.load();
    expect(seen).toEqual([undefined, '"v1"', undefined]);
  });

  it('is asked for with the credentials of the URL, which no message shows', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serverWith((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(403).end('hunter2');
    });
    const source = new UrlSupergraph({ url: `${url.replace('://', '://me:hunter2@')}?t=hunter2` });
    await expect(source.load()).rejects.toThrow(
      /^The supergraph cannot be read from http:\/\/127\.0\.0\.1:\d+\/supergraph: .*403\.$/,
    );
    expect(seen).toEqual([`Basic ${Buffer.from('me:hunter2').toString('base64')}`]);
    expect(source.description).not.toContain('hunter2');
  });

  it('is awaited at start from a server that is still booting', async () => {
    let asked = 0;
    const url = await serverWith((_request, response) => {
      asked += 1;
      response.writeHead(asked < 3 ? 503 : 200).end(supergraphSdl('one'));
    });
    const { sdl } = await new UrlSupergraph({ url, random: () => 0 }).load();
    expect(sdl).toContain('one: Int');
  });
});
