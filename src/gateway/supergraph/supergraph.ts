/**
 * The supergraph: one SDL that says which subgraphs there are and what each answers (the format of
 * Apollo Federation, `join__*` directives). Where it comes from is a source's to know; there are
 * three, one file each: a file, a URL, and the subgraphs themselves.
 */
import { parse, type DocumentNode } from 'graphql';
import { digestOf } from '../../invalidation/digest.ts';

export interface Supergraph {
  readonly sdl: string;
  readonly document: DocumentNode;
  /** Of the SDL: equal texts, equal hashes, on every node. */
  readonly hash: string;
}

export interface SupergraphSource {
  /** For messages: a path, a URL without credentials, a list of names. */
  readonly description: string;
  /**
   * Reads it now, whatever was read before.
   *
   * @throws SUPERGRAPH_UNAVAILABLE, and COMPOSITION_FAILED where it is composed.
   */
  load(signal?: AbortSignal): Promise<Supergraph>;
  /**
   * Calls `onChange` with every version that differs from the one read last, by `load` or by
   * itself. One that cannot be read, or is broken, goes to `onFailure`, once for each different
   * message, and watching goes on. Returns what stops it; nothing is called after that.
   */
  watch(onChange: (supergraph: Supergraph) => void, onFailure?: OnFailure): () => void;
}

export type OnFailure = (error: Error) => void;

/** @throws GraphQLError where `sdl` is not SDL. */
export function parseSupergraph(sdl: string): Supergraph {
  const hash = digestOf(sdl);
  return { sdl, document: parse(sdl, { noLocation: true }), hash };
}
