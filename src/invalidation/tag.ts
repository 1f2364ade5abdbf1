/**
 * A tag names what an entry depends on: `user:123`, `user:123:posts`, `post`. It is a path of
 * escaped segments joined by `:`, so one entity has one tag whatever its id holds.
 */

declare const brand: unique symbol;
export type Tag = string & { readonly [brand]: 'Tag' };
