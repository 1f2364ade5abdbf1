/** Chooses where the supergraph comes from: a file, a URL, or the subgraphs themselves. */
import assert from 'node:assert/strict';
import type { Clock, Random } from '../../invalidation/clock.ts';
import type { FreshetConfig } from '../config/config.ts';
import { FileSupergraph } from './supergraph-file.ts';
import { ComposedSupergraph } from './supergraph-subgraphs.ts';
import { UrlSupergraph } from './supergraph-url.ts';
import type { SupergraphSource } from './supergraph.ts';

/** @throws SUPERGRAPH_UNAVAILABLE where its URL is none. */
export function supergraphSource(
  config: FreshetConfig,
  { clock, random }: { clock: Clock; random: Random },
): SupergraphSource {
  const { supergraph, subgraphs, supergraphPollMs: pollMs } = config;
  const shared = { clock, random, timeoutMs: config.subgraphTimeoutMs };
  const patienceMs = config.subgraphWaitMs;
  if (supergraph !== undefined) {
    return /^https?:/i.test(supergraph)
      ? new UrlSupergraph({ url: supergraph, pollMs, patienceMs, ...shared })
      : new FileSupergraph({ path: supergraph, clock, random });
  }
  assert(subgraphs !== undefined, 'a configuration names a supergraph or subgraphs');
  const addresses = Object.entries(subgraphs).map(([name, { url, sdl }]) => ({
    name, url, sdlFile: sdl,
  }));
  return new ComposedSupergraph({ subgraphs: addresses, patienceMs, ...shared });
}
