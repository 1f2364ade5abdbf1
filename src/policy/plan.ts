/**
 * What the schema says of one operation, worked out once for each document: how long its answer may
 * be kept and for whom, which tags it has by its text, and how to learn the rest from its result.
 *
 * Everything is decided by schema coordinate, never by response key, so an alias, a fragment, a
 * variable or a directive cannot walk round it; of several rules the strictest wins.
 */
import type { DocumentNode } from 'graphql';
import type { Purge } from '../invalidation/purge.ts';
import type { Tag } from '../invalidation/tag.ts';
import type { Strategy } from './strategy.ts';

/**
 * PUBLIC: all that the operation touches is declared PUBLIC, so everybody may share one entry.
 * PRIVATE: something is declared PRIVATE. UNDECLARED: neither; shared among callers without
 * credentials, and kept apart for each caller who has them.
 */
export type Scope = 'PUBLIC' | 'PRIVATE' | 'UNDECLARED';

export type Variables = Readonly<Record<string, unknown>>;

export interface Harvest {
  /** The result without what was added to learn ids. The argument itself, changed in place. */
  readonly data: unknown;
  /** The entities that the result holds, the collections of its nulls, and declared key tags. */
  readonly tags: ReadonlySet<Tag>;
  /**
   * The tags are not all there, so the answer must not be kept: there were too many, an entity
   * came without its key, or the arguments did not fill a declared tag.
   */
  readonly overflow: boolean;
  /** By entity tag, the version that the result shows; the least where it shows several. */
  readonly versions: ReadonlyMap<Tag, number>;
  /** A null stands where one is declared to make the answer a negative one. */
  readonly isNegative: boolean;
}

export interface OperationPlan {
  readonly operation: 'query' | 'mutation' | 'subscription';
  /** How long an answer may be kept; 0 = not at all. */
  readonly ttlMs: number;
  /** All off where the answer is not kept. */
  readonly strategy: Strategy;
  readonly scope: Scope;
  /** Entity types that it selects something of, in the order of its text. */
  readonly types: readonly string[];
  /** True where the operation asks for the schema itself: never cached. */
  readonly introspection: boolean;
  /** The document with the key fields added that tags need, under names no client can use. */
  readonly completed: DocumentNode;
  /**
   * Tags by text: `@cacheTag` with arguments, and the collection of every list. A tag that the
   * arguments do not fill ends before what is missing, and `harvest` tells `overflow`.
   */
  declaredTags(variables: Variables): readonly Tag[];
  /** Walks the `data` of a result of `completed`. */
  harvest(data: unknown, variables: Variables): Harvest;
  /**
   * What a mutation makes stale: `@cachePurge` of its fields, or by default every entity in its
   * answer and the collection of the type that its field returns. `data` as it came, unharvested;
   * null or undefined where the mutation failed: then what its arguments alone can tell.
   */
  purges(data: unknown, variables: Variables): readonly Purge[];
}
