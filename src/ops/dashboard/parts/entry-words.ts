/** What stands of an entry and of the rules for it, in words: as `freshet explain` says it. */
import type { EntryAnswer, RulesAnswer } from '../../admin/explain-answers.ts';
import { durationText } from '../format.ts';

export type Ending = NonNullable<EntryAnswer['ending']>;

export function stateText({ state, ending, tier }: EntryAnswer): string {
  if (state === 'current') return 'current';
  const why = ending === null ? STATES[state] : ENDINGS[ending.reason];
  const verdict = ending?.refused_as == null ? '' : ` (${ending.refused_as})`;
  return `${tier === null ? 'none' : 'not served'}: ${why}${verdict}`;
}

export function tierText(tier: EntryAnswer['tier']): string {
  if (tier === null) return 'nowhere';
  return tier === 'l1' ? 'memory' : 'Redis';
}

const STATES: Readonly<Record<EntryAnswer['state'], string>> = {
  current: 'current',
  off: 'caching is switched off',
  ahead: 'its stamp is later than all that the node has heard of',
  invalidated: 'invalidated',
  unheard: 'the log is not heard, and it was read too long ago',
  expired: 'its TTL is over',
  absent: 'not asked for in this process of late',
};

const ENDINGS: Readonly<Record<Ending['reason'], string>> = {
  ...STATES,
  softened: 'its TTL ended by a soft purge',
  forgotten: 'stamped below the floor, below which the node remembers nothing',
  unlogged: 'invalidated, by what the log does not tell',
  evicted: 'evicted, to make room for others',
  oversized: 'larger than an entry may be',
  refused: 'what was loaded last was not stored',
  unkept: 'what came last was one caller\u2019s own, set a cookie, or held what is not kept',
  failed: 'the last load failed, or brought errors',
  dropped: 'dropped, as no answer could be made of it',
};

/** `60 s, by the directive on Post`. */
export function ttlText({ ttl_ms: ttlMs, ttl_from: from }: RulesAnswer): string {
  return `${durationText(ttlMs)}, ${reasonText(from)}`;
}

export function scopeText({ scope, scope_from: from, kept_for: keptFor }: RulesAnswer): string {
  const whom = keptFor === null ? 'kept for nobody' : WHOM[keptFor];
  return [scope, ...(from === null ? [] : [reasonText(from)]), whom].join(', ');
}

const WHOM = {
  everybody: 'kept for everybody who asks the same', caller: 'kept for this caller alone',
};

export function reasonText({ by, coordinate }: RulesAnswer['ttl_from']): string {
  switch (by) {
    case 'directive':
      return `by the directive on ${coordinate}`;
    case 'configuration':
      return `by cache.rules["${coordinate}"]`;
    case 'default':
      return coordinate === null ? 'by default' : `by default, as nothing is said of ${coordinate}`;
    case 'limit':
      return 'by cache.maxTtlSeconds';
    default:
      return by satisfies never;
  }
}

/** What decided that it is never kept. */
export function bypassText({ why, rules }: { why: string | null; rules: RulesAnswer }): string {
  const { ttl_from: ttl, scope_from: scope } = rules;
  if (why === 'private' && scope !== null) {
    return `it is ${rules.scope} ${reasonText(scope)}, and the caller has no credentials`;
  }
  if (why === 'uncacheable') return `its TTL is 0 ${reasonText(ttl)}`;
  return BYPASSES[why ?? ''] ?? 'see the configuration';
}

const BYPASSES: Readonly<Record<string, string>> = {
  mutation: 'a mutation is executed each time',
  subscription: 'a subscription is a stream',
  introspection: 'the schema itself is asked for',
  incremental: 'the answer comes in pieces',
  behind: 'this node has not heard of what the client has seen',
  disabled: 'caching is switched off',
};
