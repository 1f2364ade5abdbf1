/** Who asks, as far as the cache must know. */
import type { Tag } from '../../invalidation/tag.ts';
import type { Millis } from '../../invalidation/clock.ts';

export interface Caller {
  /** The request headers that the allow-list names, lower case: what reaches an origin. */
  readonly forwarded: Readonly<Record<string, string>>;
  /** Whether one of the forwarded headers is a credential. */
  readonly authenticated: boolean;
  /** Part of the key of a PUBLIC entry: the forwarded headers that are no credentials. */
  readonly sharedScope: string;
  /** Part of the key of any other entry: all forwarded headers, or the claims that matter. */
  readonly ownScope: string;
  /** Carried by the caller's private entries: `session:<id>`. */
  readonly tags: readonly Tag[];
  /**
   * Private entries never outlive the caller's token: what is left of it at the moment of asking,
   * and 0 or less once it has ended. Infinity: no limit.
   */
  readonly validForMs: Millis;
  /**
   * By the wall clock: until then the same headers say the same of who asks, and need not be
   * verified again. Default: for ever.
   */
  readonly believedUntil?: Millis;
}

export const ANONYMOUS: Caller = {
  forwarded: {},
  authenticated: false,
  sharedScope: '',
  ownScope: '',
  tags: [],
  validForMs: Number.POSITIVE_INFINITY,
};
