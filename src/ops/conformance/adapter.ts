/**
 * How the kit tells a cache that something has changed, and how it cuts a node off. An adapter
 * without `purge` makes the kit send its changes through the endpoint, as mutations. What an
 * adapter cannot do is never counted as passed: the checks that need it are not applicable.
 */

/** What happened to one entity of the kit's origin. */
export interface Change {
  readonly action: 'created' | 'updated' | 'deleted';
  readonly type: 'Item' | 'Maker';
  /** As it is: it may hold colons, spaces, `*` or `%`. */
  readonly id: string;
  /** The type in lower case, a colon, the id as it is: `item:7`. */
  readonly tag: string;
}

export interface Adapter {
  /**
   * Called after the origin has changed. Resolves when the cache has been told; that may be before
   * all of its nodes have heard, for which the kit waits `settleMs`. A rejection fails the check.
   */
  readonly purge?: ((change: Change) => Promise<void> | void) | undefined;
  /** Cuts a node off from where it hears of purges. `node` is its place among the targets. */
  readonly cut?: ((node: number) => Promise<void> | void) | undefined;
  /** Ends what `cut` began. */
  readonly reconnect?: ((node: number) => Promise<void> | void) | undefined;
  /** Called once, when the kit ends. */
  readonly close?: (() => Promise<void> | void) | undefined;
}

export function changeOf({ action, type, id }: Omit<Change, 'tag'>): Change {
  return { action, type, id, tag: `${type.toLowerCase()}:${id}` };
}
