/** For whom an answer is kept: the part of its key that says who else may be served it. */
import type { Millis } from '../../invalidation/clock.ts';
import type { Tag } from '../../invalidation/tag.ts';
import type { Scope } from '../../policy/plan.ts';
import type { Caller } from '../http/caller.ts';

export interface Audience {
  /** Part of the key. */
  readonly key: readonly [kind: 'shared' | 'own', value: string];
  /** Everyone may be served it, as far as who they are goes. */
  readonly shared: boolean;
  /** Tags that only this audience's entries carry: `session:<id>`. */
  readonly tags: readonly Tag[];
  /** It is never kept longer: a private entry ends with its token. Grows less as time goes by. */
  readonly ttlMsMax: Millis;
}

/**
 * Who may be served what `caller` is answered; `undefined` where nobody may, so that it is not
 * kept. With credentials everything is the caller's own unless all of it is declared PUBLIC;
 * without credentials there is nobody to keep a PRIVATE answer for.
 */
export function audienceOf(scope: Scope, caller: Caller): Audience | undefined {
  if (scope === 'PRIVATE' && !caller.authenticated) return undefined;
  if (scope === 'PUBLIC' || !caller.authenticated) {
    const key = ['shared', caller.sharedScope] as const;
    return { key, shared: true, tags: [], ttlMsMax: Number.POSITIVE_INFINITY };
  }
  const key = ['own', caller.ownScope] as const;
  return {
    key,
    shared: false,
    tags: caller.tags,
    get ttlMsMax() {
      return caller.validForMs;
    },
  };
}
