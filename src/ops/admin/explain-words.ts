/**
 * The words of an explanation, as the command line and the dashboard both say them. Runs in a
 * browser too.
 */
import type { EntryAnswer, RulesAnswer } from './explain-answers.ts';

const STATES: Readonly<Record<EntryAnswer['state'], string>> = {
  current: 'current',
  off: 'caching is switched off',
  ahead: 'its stamp is later than all that the node has heard of',
  invalidated: 'invalidated',
  unheard: 'the log is not heard, and it was read too long ago',
  expired: 'its TTL is over',
  absent: 'not asked for in this process of late',
};

const ENDINGS: Readonly<Record<NonNullable<EntryAnswer['ending']>['reason'], string>> = {
  ...STATES,
  softened: 'its TTL ended by a soft purge',
  forgotten: 'stamped below the floor, below which the node remembers nothing',
  unlogged: 'invalidated, by what the log does not tell',
  evicted: 'evicted, to make room for others',
  oversized: 'larger than an entry may be',
  refused: 'what was loaded last was not stored',
  unkept: "what came last was one caller's own, set a cookie, or held what is not kept",
  failed: 'the last load failed, or brought errors',
  dropped: 'dropped, as no answer could be made of it',
};

/** Why an entry is not served: what ended it, where that is known, and its state otherwise. */
export function endText({ state, ending }: EntryAnswer): string {
  return ending === null ? STATES[state] : ENDINGS[ending.reason];
}

/** `invalidated` of `invalidated (outdated)`, as a refusal of the rule has a name of its own. */
export function verdictText({ ending }: EntryAnswer): string {
  return ending?.refused_as == null ? '' : ` (${ending.refused_as})`;
}

const BYPASSES: Readonly<Record<string, string>> = {
  mutation: 'a mutation is executed each time',
  subscription: 'a subscription is a stream',
  introspection: 'the schema itself is asked for',
  incremental: 'the answer comes in pieces',
  behind: 'this node has not heard of what the client has seen',
  disabled: 'caching is switched off',
};

/** Why something is never kept, where no rule for its type or field decided that. */
export function bypassReason(why: string | null): string {
  return BYPASSES[why ?? ''] ?? 'see the configuration';
}

/** Where a rule comes from: `by the directive on Post.title`. */
export function sourceText({ by, coordinate }: RulesAnswer['ttl_from']): string {
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

/** For whom an entry is kept. */
export function audienceText(keptFor: RulesAnswer['kept_for']): string {
  return keptFor === null ? 'kept for nobody' : AUDIENCES[keptFor];
}

const AUDIENCES: Readonly<Record<NonNullable<RulesAnswer['kept_for']>, string>> = {
  everybody: 'kept for everybody who asks the same',
  caller: 'kept for this caller alone',
};
