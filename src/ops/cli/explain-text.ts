/** An explanation in words, most important first. */
import type {
  EntryAnswer, KeyAnswer, OperationAnswer, RecordAnswer, RulesAnswer,
} from '../admin/explain-answers.ts';
import {
  audienceText, bypassReason, endText, sourceText, verdictText,
} from '../admin/explain-words.ts';
import { columns, listed, plural, printable, toldBy } from './text.ts';

type Row = readonly [string, string];

const TAGS_SHOWN = 10;

export function textOfOperation(answer: OperationAnswer): string {
  const { would, entry, rules, parts, parts_count: count, parts_complete: isWhole } = answer;
  const caller = `a caller ${answer.authenticated ? 'with' : 'without'} credentials`;
  const rows: Row[] = [
    ['answer', `${verdictOf(answer)}, for ${caller}`],
    ...(entry === null ? [] : [['key', nameOf(entry)] as const, ...entryRows(entry)]),
    ...ruleRows(rules),
    ...nodeRows(answer),
  ];
  const list = parts.map((one) => [
    `  ${one.subgraph}`, printable(one.name),
    one.entry === null ? `not kept: ${one.why ?? ''} (${fromOf(one.rules, one.why)})`
      : `${stateOf(one.entry)}, ttl ${seconds(one.rules.ttl_ms)} ${sourceText(one.rules.ttl_from)}`,
  ]);
  const rest = count > parts.length ? [`  and ${count - parts.length} more\n`] : [];
  const missing = isWhole || would === 'bypass' && parts.length === 0 ? []
    : ['  what hangs on a part that is not here is not known\n'];
  const title = count === 0 ? [] : [`made of ${plural(count, 'part')}\n`];
  return [columns(rows), ...title, ...(list.length > 0 ? [columns(list)] : []), ...rest,
    ...(count === 0 ? [] : missing)].join('');
}

export function textOfKey(answer: KeyAnswer, key: string): string {
  const { entries, entries_count: count, last_invalidation: last, tags } = answer;
  const rows: Row[] = [
    ['key', `${printable(key)}${tags.length > 1 ? `, read as ${listed(tags)}` : ''}`],
    ['held by', `${plural(count, 'entry', 'entries')}, in this process and in Redis`],
    ...(tags.length === 0 ? [] : [['purged', last === null ? 'not that the log tells' :
      recordOf(last)] as const]),
    ...nodeRows(answer),
  ];
  const told = entries.map((entry) => `${nameOf(entry)}\n${columns(entryRows(entry), '  ')}`);
  const rest = count > entries.length ? [`and ${count - entries.length} more\n`] : [];
  return [columns(rows), ...told, ...rest].join('');
}

function verdictOf({ would, why, entry, rules }: OperationAnswer): string {
  switch (would) {
    case 'hit':
      return `a hit, from ${placeOf(entry)}`;
    case 'stale':
      return `stale, from ${placeOf(entry)}, while it is loaded anew`;
    case 'miss':
      return 'a miss: it would be loaded';
    case 'bypass':
      return `never from the cache: ${why} (${fromOf(rules, why)})`;
    default:
      return would satisfies never;
  }
}

/** What decided that it is not kept. */
function fromOf({ ttl_from: ttl, scope_from: scope }: RulesAnswer, why: string | null): string {
  const from = why === 'private' ? scope : why === 'uncacheable' ? ttl : null;
  return from === null ? bypassReason(why) : sourceText(from);
}

function entryRows(entry: EntryAnswer): Row[] {
  const { ending, tags, tags_count: count } = entry;
  if (entry.tier === null) return [['entry', stateOf(entry)]];
  return [
    ['entry', stateOf(entry)],
    ['age', `${seconds(entry.age_ms)}, read when the log stood at ${entry.stamp}`],
    ['ttl', `${seconds(entry.ttl_left_ms)} left of ${seconds(entry.ttl_ms)}${shortened(entry)}`],
    ['tags', listed(tags, { count, shownMax: TAGS_SHOWN })],
    ...(ending?.record == null ? [] : [['ended by', recordOf(ending.record)] as const]),
  ];
}

function shortened({ shortened_by: by }: EntryAnswer): string {
  return by.length === 0 ? '' : `, less than the rules say by its ${by.join(' or ')}`;
}

function ruleRows(rules: RulesAnswer): Row[] {
  const { scope, scope_from: from, kept_for: keptFor, strategy } = rules;
  const strategies = Object.entries(strategy).map(([name, value]) => `${name} ${value}`);
  return [
    ['rules', `ttl ${seconds(rules.ttl_ms)} ${sourceText(rules.ttl_from)}`],
    ['scope', `${scope}${from === null ? '' : ` ${sourceText(from)}`}, ${audienceText(keptFor)}`],
    ...(strategies.length === 0 ? [] : [['strategies', strategies.join(', ')] as const]),
  ];
}

function nodeRows({ caching, hears_log: hears, log }: KeyAnswer | OperationAnswer): Row[] {
  const read = `read only in part: ${plural(log.records, 'record')}`;
  const rows: (Row | false)[] = [
    caching === 'off' && ['caching', 'switched off'],
    !hears && ['log', 'NOT HEARD'],
    !log.complete && ['log', read],
    !log.reaches_back && ['log', 'does not reach back as far as needed'],
  ];
  return rows.filter((row) => row !== false);
}

function nameOf({ key, field }: EntryAnswer): string {
  return field === null ? printable(key) : `${printable(key)} (field ${printable(field)})`;
}

function placeOf(entry: EntryAnswer | null): string {
  return entry?.tier === 'l2' ? 'Redis' : 'memory';
}

function stateOf(entry: EntryAnswer): string {
  if (entry.state === 'current') return `current in ${placeOf(entry)}`;
  const why = endText(entry);
  return entry.tier === null ? `none: ${why}${verdictText(entry)}`
    : `in ${placeOf(entry)}, not served: ${why}`;
}

function recordOf(record: RecordAnswer): string {
  const { position, logged_at: at, purges, source_service: source, soft } = record;
  const id = record.request_id === null ? '' : `, request_id ${printable(record.request_id)}`;
  return `${position} at ${at}, ${soft ? 'soft purge' : 'purge'} of ` +
    `${listed(purges)} ${toldBy({ ...record, source })}${id}`;
}

function seconds(ms: number | null): string {
  return `${((ms ?? 0) / 1_000).toFixed(1)} s`;
}
