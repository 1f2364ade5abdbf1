/** One entry: where it is, how old, for how long yet, and what it depends on. */
import type { EntryAnswer } from '../../admin/explain-answers.ts';
import { durationText } from '../format.ts';
import { stateText, tierText } from '../parts/entry-words.ts';
import { Facts, type Fact } from '../parts/facts.tsx';
import { RecordText } from '../parts/records.tsx';
import { TagList } from '../parts/tag-link.tsx';

export function EntryFacts({ entry }: { entry: EntryAnswer }) {
  return <Facts facts={factsOf(entry)} />;
}

function factsOf(entry: EntryAnswer): readonly Fact[] {
  const { key, field, tier, tags, tags_count: count, stamp, ending } = entry;
  const facts: readonly (Fact | false)[] = [
    ['Key', <code key="key">{key}</code>],
    field !== null && ['Field', <code key="field">{field}</code>],
    ['State', stateText(entry)],
    tier !== null && ['Held in', tierText(tier)],
    tier !== null && ['Age', durationText(entry.age_ms)],
    tier !== null && ['TTL left', ttlLeftText(entry)],
    tier !== null && ['Stamp', <code key="stamp">{stamp}</code>],
    tags.length > 0 && ['Tags', <TagList key="tags" tags={tags} count={count} shownMax={20} />],
    ending?.record != null && ['Ended by', <RecordText key="by" record={ending.record} />],
  ];
  return facts.filter((fact) => fact !== false);
}

function ttlLeftText({ ttl_left_ms: left, ttl_ms: ttl, shortened_by: by }: EntryAnswer): string {
  const less = by.length === 0 ? '' : `, less than the rules say by its ${by.join(' or ')}`;
  return `${durationText(left)} of ${durationText(ttl)}${less}`;
}
