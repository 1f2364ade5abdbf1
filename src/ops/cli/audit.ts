/** `freshet audit`: who invalidated what, when and why. */
import { systemClock, type Clock } from '../../invalidation/clock.ts';
import type { AuditLog, AuditPage } from '../audit/audit-search.ts';
import {
  asJson, JSON_FLAG, lastOf, numberOf, UsageError, type Command, type Flag, type FlagValues,
} from './command.ts';
import { EXIT } from './exit-codes.ts';
import { OPERATORS_FLAGS, operatorsClient, withQuery } from './operators-client.ts';
import { listed, plural, printable, toldBy } from './text.ts';

const PATTERN_FLAG: Flag = {
  name: 'pattern',
  value: 'PATTERN',
  description: 'a key, or a pattern that was invalidated; * stands for any text',
};
const BY_FLAG: Flag = {
  name: 'by', value: 'TEXT', description: 'on whose behalf, as the order named it (triggered_by)',
};
const SINCE_FLAG: Flag = {
  name: 'since',
  value: 'TIME',
  description: 'from then on: 2026-03-01T12:00:00Z, or 30m, 2h, 7d ago',
};
const UNTIL_FLAG: Flag = { name: 'until', value: 'TIME', description: 'before then, likewise' };
const LIMIT_FLAG: Flag = {
  name: 'limit', value: 'N', description: 'at most so many, the newest (default 50, at most 1000)',
};
const OFFSET_FLAG: Flag = {
  name: 'offset', value: 'N', description: 'pass over so many of the newest (default 0)',
};

export const audit: Command = {
  name: 'audit',
  summary: 'search in the record of all invalidations',
  flags: [
    PATTERN_FLAG, BY_FLAG, SINCE_FLAG, UNTIL_FLAG, LIMIT_FLAG, OFFSET_FLAG, ...OPERATORS_FLAGS,
    JSON_FLAG,
  ],
  examples: [
    'freshet audit --since 2h',
    'freshet audit --pattern product:9 --limit 5',
    "freshet audit --by 'ticket 4711' --since 2026-03-01T00:00:00Z --until 2026-03-02T00:00:00Z",
  ],
  async run(values, surroundings) {
    const client = operatorsClient(values, surroundings);
    const page = await client.request<AuditPage>('GET', withQuery('/audit/logs', {
      pattern: lastOf(values, PATTERN_FLAG),
      triggered_by: lastOf(values, BY_FLAG),
      since: timeOf(values, SINCE_FLAG, systemClock),
      until: timeOf(values, UNTIL_FLAG, systemClock),
      limit: numberOf(values, LIMIT_FLAG, { least: 1, most: 1_000, byDefault: 50 }),
      offset: numberOf(values, OFFSET_FLAG, { least: 0, most: 999_999, byDefault: 0 }),
    }));
    surroundings.print(values.has('json') ? asJson(page) : textOf(page));
    return EXIT.done;
  },
};

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000,
};

function timeOf(values: FlagValues, flag: Flag, clock: Clock): string | undefined {
  const text = lastOf(values, flag);
  if (text === undefined) return undefined;
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) {
    return new Date(clock.wall() - Number(count) * (UNIT_MS[unit] ?? 0)).toISOString();
  }
  const ms = /^\d{4}-\d{2}-\d{2}(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new UsageError(`--${flag.name}: a time such as 2026-03-01T12:00:00Z or 2h was required, ` +
    `got ${JSON.stringify(text)}`);
}

function textOf({ logs, total_count: total, gaps }: AuditPage): string {
  const found = total === logs.length
    ? plural(total, 'record')
    : `${plural(logs.length, 'record')} of ${total.toLocaleString('en-US')}`;
  const missing = gaps.map(({ from, to }) =>
    `-- records after ${from} and up to ${to} may be missing: the log had lost them\n`);
  return `${logs.map(lineOf).join('')}${missing.join('')}${found}\n`;
}

function lineOf(log: AuditLog): string {
  const { logged_at: at, position, action, source_service: source } = log;
  return `${at}  ${position}  ${action} ${whatOf(log)}  ${toldBy({ ...log, source })}\n`;
}

function whatOf({ entity_type: type, entity_id: id, pattern, keys, cascade }: AuditLog): string {
  const own = keys !== null
    ? listed(keys)
    : printable(pattern ?? `${type.toLowerCase()}:${id ?? ''}`);
  return cascade === null ? own : `${own} with ${listed(cascade)}`;
}
