import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createYoga } from 'graphql-yoga';
import { afterEach, describe, expect, it } from 'vitest';
import { composeSupergraph } from '../../../src/gateway/supergraph/compose.ts';
import { LiveSchema, type LiveSchemaOptions } from '../../../src/gateway/supergraph/live-schema.ts';
import { stitchSupergraph } from '../../../src/gateway/supergraph/stitch.ts';
import { createSubgraphExecutor } from '../../../src/gateway/subgraph/subgraph-executor.ts';
import {
  parseSupergraph, type OnFailure, type Supergraph, type SupergraphSource,
} from '../../../src/gateway/supergraph/supergraph.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';
import { until } from '../../support/until.ts';

/** A source that the test changes at will. */
class HandSource implements SupergraphSource {
  readonly description = 'hand';
  readonly first: string;
  watchers = 0;
  change: (sdl: string) => void = () => {};
  fail: OnFailure = () => {};

  constructor(first: string) {
    this.first = first;
  }

  async load(): Promise<Supergraph> {
    return parseSupergraph(this.first);
  }

  watch(onChange: (supergraph: Supergraph) => void, onFailure: OnFailure): () => void {
    this.watchers += 1;
    this.change = (sdl) => onChange(parseSupergraph(sdl));
    this.fail = onFailure;
    return () => {
      this.watchers -= 1;
    };
  }
}

const stops: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function live<Built>(options: LiveSchemaOptions<Built>): Promise<LiveSchema<Built>> {
  const schema = await LiveSchema.open(options);
  stops.push(() => schema.stop());
  return schema;
}

const sdlOf = (field: string): string => `type Query { ${field}: String }`;

describe('LiveSchema', () => {
  it('builds what it loads, and what comes later', async () => {
    const source = new HandSource(sdlOf('one'));
    const swaps: unknown[] = [];
    const schema = await live({
      source,
      build: ({ sdl }) => sdl,
      onSwap: (current, previous) => swaps.push([previous, current]),
    });
    expect(schema.current()).toBe(sdlOf('one'));
    source.change(sdlOf('two'));
    await until(() => schema.current() === sdlOf('two'), { what: 'the second version is in use' });
    expect(swaps).toEqual([[sdlOf('one'), sdlOf('two')]]);
  });

  it('fails where the first version cannot be built, and follows nothing then', async () => {
    const source = new HandSource(sdlOf('one'));
    const build = (): never => {
      throw new Error('not this one');
    };
    await expect(LiveSchema.open({ source, build })).rejects.toThrow('not this one');
    expect(source.watchers).toBe(0);
  });

  it('stays with what it has where a later version cannot be read or built', async () => {
    const source = new HandSource(sdlOf('one'));
    const failures: Error[] = [];
    const schema = await live({
      source,
      build: ({ sdl }) => {
        if (sdl.includes('bad')) throw new Error('not this one');
        return sdl;
      },
      onFailure: (error) => failures.push(error),
    });
    source.fail(new Error('not there'));
    source.change(sdlOf('bad'));
    source.change(sdlOf('three'));
    await until(() => schema.current() === sdlOf('three'), { what: 'the third version is in use' });
    expect(failures.map(({ message }) => message)).toEqual(['not there', 'not this one']);
  });

  it('takes versions in the order in which they came, however long each takes', async () => {
    const source = new HandSource(sdlOf('one'));
    const builds: (() => void)[] = [];
    const seen: string[] = [];
    const schema = await live({
      source,
      build: async ({ sdl }) => {
        if (sdl !== sdlOf('one')) await new Promise<void>((resolve) => builds.push(resolve));
        return sdl;
      },
      onSwap: (current) => seen.push(current),
    });
    source.change(sdlOf('two'));
    source.change(sdlOf('three'));
    (await until(() => builds[0], { what: 'the second version is being built' }))();
    (await until(() => builds[1], { what: 'the third version is being built' }))();
    await until(() => schema.current() === sdlOf('three'), { what: 'the third version is in use' });
    expect(seen).toEqual([sdlOf('two'), sdlOf('three')]);
  });

  it('swaps nothing after it has been stopped', async () => {
    const source = new HandSource(sdlOf('one'));
    const schema = await live({ source, build: ({ sdl }) => sdl });
    schema.stop();
    source.change(sdlOf('two'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(schema.current()).toBe(sdlOf('one'));
    expect(source.watchers).toBe(0);
  });

  it('lets requests that are under way end on the schema that they began with', async () => {
    const start = async (name: string): Promise<TestSubgraph> => {
      const sdl = `type Query { ${name}: String, both: String }`;
      const resolvers = { Query: { [name]: () => name, both: () => name } };
      const subgraph = await startSubgraph({ name, sdl, resolvers });
      stops.push(() => subgraph.stop());
      return subgraph;
    };
    const [before, after] = [await start('before'), await start('after')];
    const source = new HandSource(composeSupergraph([before]).sdl);
    const schema = await live({
      source,
      build: (supergraph) =>
        stitchSupergraph({ supergraph, createExecutor: createSubgraphExecutor }),
    });
    const yoga = createYoga({ schema: () => schema.current(), logging: false });
    const server = createServer((request, response) => void yoga(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stops.push(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    const ask = async (query: string): Promise<unknown> => {
      const response = await fetch(`${url}?query=${encodeURIComponent(query)}`);
      return response.json();
    };
    const gate = before.hold();
    const underWay = ask('{ before both }');
    await gate.arrived;
    source.change(composeSupergraph([after]).sdl);
    const swapped = async (): Promise<boolean> =>
      JSON.stringify(await ask('{ both }')) === '{"data":{"both":"after"}}';
    await until(swapped, { what: 'new requests are answered by the new schema' });
    gate.release();
    expect(await underWay).toEqual({ data: { before: 'before', both: 'before' } });
  });
});
