/**
 * Composes the schemas of subgraphs into a supergraph. The composer knows only the directives of
 * federation: ours are taken out before, and put on the result.
 */
import { composeServices } from '@theguild/federation-composition';
import { parse, print } from 'graphql';
import { fault } from '../../invalidation/errors.ts';
import { attachDirectives, takeDirectives } from '../../policy/subgraph-directives.ts';

export interface SubgraphSchema {
  readonly name: string;
  readonly url: string;
  /** In the style of federation 1 or 2, or of a plain API. */
  readonly sdl: string;
}

export interface Composition {
  /** Equal for equal subgraphs, in whichever order they come: nodes share a cache by its hash. */
  readonly sdl: string;
}

/** @throws COMPOSITION_FAILED with all that the composer complains of. */
export function composeSupergraph(subgraphs: readonly SubgraphSchema[]): Composition {
  const faults = faultsOfNames(subgraphs);
  if (faults.length > 0) throw failed(faults);
  const ordered = subgraphs.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const taken = ordered.map((subgraph) => {
    const { name, url } = subgraph;
    return { name, url, ...takeDirectives(read(subgraph)) };
  });
  const composed = composeServices(taken.map(({ name, url, document }) =>
    ({ name, url, typeDefs: document })));
  if (composed.supergraphSdl === undefined) throw failed(composed.errors.map(messageOf));
  const document = parse(composed.supergraphSdl, { noLocation: true });
  return { sdl: print(attachDirectives(document, ...taken.map(({ hints }) => hints))) };
}

/** The composer takes two subgraphs of one name for one, and none at all for an empty graph. */
function faultsOfNames(subgraphs: readonly SubgraphSchema[]): readonly string[] {
  const names = subgraphs.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...(names.length === 0 ? ['at least one subgraph was required, got none'] : []),
    ...twice.map((name) => `[${name}] a name of its own was required, got one that is taken`),
  ];
}

function read({ name, sdl }: SubgraphSchema) {
  try {
    return parse(sdl, { noLocation: true });
  } catch (error) {
    throw failed([`[${name}] ${messageOf(error as Error)}`]);
  }
}

function failed(faults: readonly string[]): Error {
  const lines = [...new Set(faults)].map((line) => `  - ${line.replaceAll('\n', '\n    ')}`);
  return fault('COMPOSITION_FAILED', { faults: lines.join('\n') });
}

function messageOf({ message }: Error): string {
  return message;
}
