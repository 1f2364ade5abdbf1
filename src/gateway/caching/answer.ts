/** How a request was answered, for the headers of the answer, for explain, and for metrics. */
import type { CacheKey } from '../../cache/key.ts';
import type { Millis } from '../../invalidation/clock.ts';
import type { Tag } from '../../invalidation/tag.ts';
import type { OperationIdentity } from '../diagnostics.ts';

/** Why an answer came from the origin without the cache being asked. */
export type Bypass =
  | 'mutation'
  | 'subscription'
  /** The schema itself was asked for. */
  | 'introspection'
  /** `@defer` or `@stream`: the answer comes in pieces. */
  | 'incremental'
  /** A rule says maxAge 0. */
  | 'uncacheable'
  /** Declared PRIVATE, and nobody is logged in. */
  | 'private'
  /** This node has not yet heard of what the client has seen. */
  | 'behind'
  /** Caching is switched off. */
  | 'disabled';

export type How =
  | { readonly kind: 'hit'; readonly tier: 'l1' | 'l2' }
  /** From the cache, past its time to live: it is being loaded anew, or its origin failed. */
  | { readonly kind: 'stale'; readonly why: 'revalidating' | 'error' }
  /** Read from the origin for this request. */
  | { readonly kind: 'miss'; readonly stored: boolean; readonly unstorable: string | undefined }
  /** Read from the origin for an equal request that came a moment earlier. */
  | { readonly kind: 'collapsed' }
  | { readonly kind: 'bypass'; readonly why: Bypass };

export interface Answer {
  readonly how: How;
  /** The JSON text of the whole result, where it was kept or could have been. */
  readonly body: Buffer | undefined;
  /** Of the body (`digestOf`), where that is known. */
  readonly digest: string | undefined;
  /** Everyone who asks the same may be served it. */
  readonly shared: boolean;
  /** All of it is declared PUBLIC: it is the same whoever asks. */
  readonly public: boolean;
  /** What is left of its time to live, below 0 where it is over. 0 where it was not kept. */
  readonly ttlMs: Millis;
  /** How long ago the origin was read. */
  readonly ageMs: Millis;
  readonly tags: Iterable<Tag>;
  /** Where it is kept; undefined where it is not. */
  readonly kept: Kept | undefined;
}

export interface Kept {
  readonly key: CacheKey;
  readonly operation: OperationIdentity;
  readonly schemaHash: string;
  /** By what chance it is loaded early; 0 = never. */
  readonly earlyExpiry: number;
  /** Each use counts: what is used much is loaded again right after a purge. */
  readonly countsUses: boolean;
}

/** An answer that the cache had no part in. */
export function bypassed(why: Bypass): Answer {
  const how = { kind: 'bypass', why } as const;
  return {
    how, body: undefined, digest: undefined, shared: false, public: false,
    ttlMs: 0, ageMs: 0, tags: [], kept: undefined,
  };
}
