/**
 * What one invalidation makes stale. A message is a set of purges; the cheapest form that says the
 * same is always taken, since tag, below and all cost one write in the horizon whatever is cached.
 */
import type { Pattern } from './pattern.ts';
import type { Tag } from './tag.ts';

export type Purge = (
  /** This tag alone: `user:123`. Not `user:123:posts`. */
  | {
      readonly kind: 'tag';
      readonly tag: Tag;
      /** Of the entity that the tag names, as of now: what shows a lower one is out of date. */
      readonly version?: number;
    }
  /** All tags strictly below this one: `user:123:*` is `below` of `user:123`. */
  | { readonly kind: 'below'; readonly tag: Tag }
  /** Everything: `*`. */
  | { readonly kind: 'all' }
  /** Tags that a pattern other than those above matches: `*:posts`, `user:12*`, `/^user:\d+$/`. */
  | { readonly kind: 'pattern'; readonly pattern: Pattern }
) & {
  /** What it touches is as past its TTL from then on, and may be served within a stale window. */
  readonly soft?: true;
};
