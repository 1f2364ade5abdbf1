/** What stands of an entry and of the rules for it, in words: as `freshet explain` says it. */
import type { EntryAnswer, RulesAnswer } from '../../admin/explain-answers.ts';
import {
  audienceText, bypassReason, endText, sourceText, verdictText,
} from '../../admin/explain-words.ts';
import { durationText } from '../format.ts';

export type Ending = NonNullable<EntryAnswer['ending']>;

export function stateText(entry: EntryAnswer): string {
  if (entry.state === 'current') return 'current';
  const where = entry.tier === null ? 'none' : 'not served';
  return `${where}: ${endText(entry)}${verdictText(entry)}`;
}

export function tierText(tier: EntryAnswer['tier']): string {
  if (tier === null) return 'nowhere';
  return tier === 'l1' ? 'memory' : 'Redis';
}

/** `60 s, by the directive on Post`. */
export function ttlText({ ttl_ms: ttlMs, ttl_from: from }: RulesAnswer): string {
  return `${durationText(ttlMs)}, ${sourceText(from)}`;
}

export function scopeText({ scope, scope_from: from, kept_for: keptFor }: RulesAnswer): string {
  const reasons = from === null ? [] : [sourceText(from)];
  return [scope, ...reasons, audienceText(keptFor)].join(', ');
}

/** What decided that it is never kept. */
export function bypassText({ why, rules }: { why: string | null; rules: RulesAnswer }): string {
  const { ttl_from: ttl, scope_from: scope } = rules;
  if (why === 'private' && scope !== null) {
    return `it is ${rules.scope} ${sourceText(scope)}, and the caller has no credentials`;
  }
  return why === 'uncacheable' ? `its TTL is 0 ${sourceText(ttl)}` : bypassReason(why);
}
