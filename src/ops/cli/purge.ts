/** `freshet purge`: invalidates keys and patterns, or says what that would touch. */
import { randomUUID } from 'node:crypto';
import { FreshetError } from '../../invalidation/errors.ts';
import { readPattern } from '../../invalidation/pattern.ts';
import { isOfAll } from '../admin/order.ts';
import type { NamedOrder, PurgeOrder } from './append-purges.ts';
import {
  asJson, CommandFailure, JSON_FLAG, lastOf, UsageError, type Command, type Flag, type FlagValues,
} from './command.ts';
import { EXIT } from './exit-codes.ts';
import {
  OPERATORS_FLAGS, operatorsClient, withQuery, type OperatorsClient,
} from './operators-client.ts';
import { listed, plural } from './text.ts';

const DRY_RUN_FLAG: Flag = {
  name: 'dry-run', description: 'say what it would touch, and change nothing',
};
const REASON_FLAG: Flag = {
  name: 'reason', value: 'TEXT', description: 'why; kept in the log and in the audit',
};
const BY_FLAG: Flag = {
  name: 'by', value: 'TEXT', description: 'on whose behalf; kept likewise (triggered_by)',
};
const REQUEST_ID_FLAG: Flag = {
  name: 'request-id',
  value: 'ID',
  description: 'run again under the same one, nothing is purged twice (default: a new one)',
};
const YES_FLAG: Flag = {
  name: 'yes', description: "required with '*', and whatever else ends everything",
};
const REDIS_FLAG: Flag = {
  name: 'redis',
  value: 'URL',
  description: 'append to the log by oneself, where no node can be asked',
};
const CHANNEL_FLAG: Flag = {
  name: 'channel',
  value: 'NAME',
  description: 'with --redis: log.channel of the nodes (default cache:invalidate)',
};
const STREAM_FLAG: Flag = {
  name: 'stream',
  value: 'NAME',
  description: 'with --redis: log.stream of the nodes (default: the channel and :log)',
};

const KEYS_MAX = 1_000;
const PATTERNS_MAX = 100;

export const purge: Command = {
  name: 'purge',
  summary: 'invalidate keys and patterns, on every node',
  argument: {
    name: 'PATTERN',
    multiple: true,
    description: "user:123 (a key), 'user:123:*', 'feed*', '*:posts', '/^user:[0-9]+$/', '*'",
  },
  flags: [
    DRY_RUN_FLAG, REASON_FLAG, BY_FLAG, REQUEST_ID_FLAG, YES_FLAG, ...OPERATORS_FLAGS,
    REDIS_FLAG, CHANNEL_FLAG, STREAM_FLAG, JSON_FLAG,
  ],
  notes: [
    'It is asked of one node, and reaches all by the log. Where no node runs, --redis appends to',
    'the log without one: then nothing can be said of what was cached, and a --request-id is known',
    'again for a minute (a node knows it for an hour).',
  ],
  examples: [
    "freshet purge user:123 'feed:7:*' --dry-run",
    "freshet purge product:9 --reason 'wrong price' --by 'ticket 4711'",
    "freshet purge '*' --yes --token-file admin.token",
    'freshet purge user:123 --redis redis://localhost:6379',
  ],
  async run(values, surroundings, words) {
    const orders = ordersOf(words);
    checkFlags(values, orders);
    const id = lastOf(values, REQUEST_ID_FLAG) ?? randomUUID();
    const named = nameOrders(orders, id);
    const redis = lastOf(values, REDIS_FLAG);
    const answers = redis === undefined
      ? await askNode(named, { id, values, client: operatorsClient(values, surroundings) })
      : await appendAlone(redis, { named, id, values, user: surroundings.environment['USER'] });
    const told = redis === undefined ? textOf : textOfAppended;
    surroundings.print(values.has('json') ? asJson(answers) : answers.map(told).join(''));
    return EXIT.done;
  },
};

/** Keys in one order, since that is one record; each pattern is one. Throws UsageError. */
function ordersOf(words: readonly string[]): readonly PurgeOrder[] {
  const unique = [...new Set(words)];
  const isPattern = (word: string): boolean => word.includes('*') || word.startsWith('/');
  const patterns = unique.filter(isPattern);
  const keys = unique.filter((word) => !isPattern(word));
  if (keys.length > KEYS_MAX || patterns.length > PATTERNS_MAX) {
    throw new UsageError(`purge: at most ${KEYS_MAX} keys and ${PATTERNS_MAX} patterns were ` +
      `required, got ${keys.length} and ${patterns.length}`);
  }
  for (const pattern of patterns) checkPattern(pattern);
  return [
    ...(keys.length > 0 ? [{ kind: 'key', keys } as const] : []),
    ...patterns.map((pattern) => ({ kind: 'pattern', pattern }) as const),
  ];
}

/** Before anything is purged: a half of what was asked for is not what was asked for. */
function checkPattern(pattern: string): void {
  try {
    readPattern(pattern);
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    throw new UsageError(`${pattern}: ${error.message.replace(/\.$/, '')}`, { cause: error });
  }
}

function checkFlags(values: FlagValues, orders: readonly PurgeOrder[]): void {
  const ofAll = orders.find((order) =>
    order.kind === 'pattern' && isOfAll({ ...order, cacheKeys: [] }));
  if (ofAll?.kind === 'pattern' && !values.has(YES_FLAG.name) && !values.has(DRY_RUN_FLAG.name)) {
    throw new UsageError(
      `purge: '${ofAll.pattern}' ends all that is cached on all nodes: --yes was required`);
  }
  const requestId = lastOf(values, REQUEST_ID_FLAG) ?? 'none';
  if (!/^[\x21-\x7e]{1,100}$/.test(requestId)) {
    throw new UsageError('--request-id: at most 100 visible ASCII characters were required');
  }
  const isAlone = values.has(REDIS_FLAG.name);
  const other = ['url', 'token', 'token-file'].find((name) => values.has(name));
  if (isAlone && other !== undefined) {
    throw new UsageError(`--redis: no node is asked, got --${other}`);
  }
  const stray = [CHANNEL_FLAG, STREAM_FLAG].find(({ name }) => values.has(name));
  if (!isAlone && stray !== undefined) {
    throw new UsageError(`--${stray.name}: --redis was required with it`);
  }
}

/** A node takes each `request_id` for one order; run again, the same ones come in this order. */
function nameOrders(orders: readonly PurgeOrder[], requestId: string): readonly NamedOrder[] {
  if (orders.length === 1) return orders.map((order) => ({ order, requestId }));
  return orders.map((order, at) => ({ order, requestId: `${requestId}.${at + 1}` }));
}

/** What is in the log, or would be. */
interface PurgeAnswer {
  readonly keys?: readonly string[];
  readonly pattern?: string;
  readonly matched_keys?: readonly string[];
  readonly invalidated_count?: number;
  readonly request_id?: string;
  readonly position?: string | undefined;
  readonly dry_run?: true;
  readonly purges?: readonly string[];
  readonly matched_count?: number;
  readonly entries?: number;
  readonly complete?: boolean;
}

async function askNode(
  named: readonly NamedOrder[],
  { id, values, client }: { id: string; values: FlagValues; client: OperatorsClient },
): Promise<readonly PurgeAnswer[]> {
  const dryRun = values.has(DRY_RUN_FLAG.name) ? 'true' : undefined;
  const answers: PurgeAnswer[] = [];
  for (const { order, requestId } of named) {
    const { kind, ...what } = order;
    const body = {
      ...what,
      request_id: requestId,
      reason: lastOf(values, REASON_FLAG),
      triggered_by: lastOf(values, BY_FLAG),
    };
    const path = withQuery(`/invalidate/${kind}`, { dry_run: dryRun });
    try {
      answers.push(await client.request<PurgeAnswer>('POST', path, body));
    } catch (error) {
      throw dryRun === undefined ? withRequestId(error, { id, done: answers }) : error;
    }
  }
  return answers;
}

/** What was not confirmed may have been done all the same; asked again, it is done once. */
function withRequestId(
  error: unknown,
  { id, done }: { id: string; done: readonly PurgeAnswer[] },
): unknown {
  if (!(error instanceof CommandFailure)) return error;
  const { message, code, exitCode, cause } = error;
  const isOpen = exitCode === EXIT.later || exitCode === EXIT.unreachable;
  if (!isOpen && done.length === 0) return error;
  const before = done.length === 0 ? '' : ` Done before it: ${plural(done.length, 'order')}.`;
  const again = ` To try again: the same command with --request-id ${id}.`;
  return new CommandFailure(`${message}${before}${again}`, { code, exitCode, cause });
}

async function appendAlone(
  redis: string,
  { named, id, values, user }: {
    named: readonly NamedOrder[]; id: string; values: FlagValues; user: string | undefined;
  },
): Promise<readonly PurgeAnswer[]> {
  if (values.has(DRY_RUN_FLAG.name)) {
    return named.map(({ order }) => ({
      dry_run: true, purges: order.kind === 'key' ? order.keys : [order.pattern],
    }));
  }
  const { appendPurges } = await import('./append-purges.ts');
  const positions = await appendPurges(named, {
    redis,
    channel: lastOf(values, CHANNEL_FLAG),
    stream: lastOf(values, STREAM_FLAG),
    actor: `cli:${user ?? 'unknown'}`,
    reason: lastOf(values, REASON_FLAG),
    triggeredBy: lastOf(values, BY_FLAG),
  }).catch((error: unknown) => {
    throw withRequestId(error, { id, done: [] });
  });
  return named.map(({ order, requestId }, at) => ({
    ...(order.kind === 'key' ? { keys: order.keys } : { pattern: order.pattern }),
    request_id: requestId,
    position: positions[at],
  }));
}

function textOf(answer: PurgeAnswer): string {
  const { dry_run: isDry, purges = [], matched_keys: matched = [], entries = 0 } = answer;
  if (isDry === true) {
    const { matched_count: count = 0, complete = true } = answer;
    const least = complete ? '' : 'at least ';
    return `would purge ${listed(purges, { shownMax: 20 })}: ` +
      `${least}${plural(entries, 'entry', 'entries')} on this node` +
      `${count === 0 ? '' : `, ${listed(matched, { count, shownMax: 20 })}`}\n`;
  }
  const what = answer.pattern === undefined ? listed(answer.keys ?? []) : answer.pattern;
  const count = answer.invalidated_count ?? 0;
  const here = answer.pattern === undefined || count === 0
    ? ''
    : ` (on this node ${listed(matched, { count })})`;
  return `purged ${what}${here} at ${answer.position}, request_id ${answer.request_id}\n`;
}

function textOfAppended({ dry_run: isDry, purges = [], ...answer }: PurgeAnswer): string {
  if (isDry === true) return `would purge ${listed(purges, { shownMax: 20 })}\n`;
  const what = answer.pattern ?? listed(answer.keys ?? []);
  return `purged ${what} at ${answer.position}, request_id ${answer.request_id}\n`;
}
