/**
 * What the dashboard is answered with: the forms of it, which the page's types are taken from. All
 * figures are of one machine, its processes added up, but those of `nodes`.
 */
import { z } from 'zod';
import { REQUEST_OUTCOMES, type RequestOutcome } from '../../gateway/diagnostics.ts';
import { ROLES } from './access.ts';
import { entry, record, searched } from './explain-answers.ts';

const count = z.int().min(0);
const ms = z.number().min(0);
const text = z.string().nullable();
const time = z.string().meta({ description: 'RFC 3339.' });

const switchedOff = z.strictObject({ all: z.boolean(), types: z.array(z.string()) });

const log = z.strictObject({
  position: z.string(),
  position_at: time.nullable().meta({
    description: 'When the record at the position was written, by the clock of the log.',
  }),
  lag_records: count.nullable().meta({
    description: 'Records that this process has not applied; null: the log does not answer.',
  }),
  lag_seconds: z.number().min(0).nullable().meta({
    description: 'How long ago it was last proved that nothing was missing; null: never yet.',
  }),
  hears: z.boolean(),
  floor: z.string().meta({ description: 'Entries stamped below it count as invalidated.' }),
  waiting: count.meta({ description: 'Invalidations of this machine that are not in it yet.' }),
});

const tier = z.strictObject({
  entries: count.nullable(),
  bytes: count.nullable(),
  hits: count,
});

/** `GET /admin/dashboard/figures`, and the `figures` events of `/admin/dashboard/live`. */
export const figuresAnswer = z.strictObject({
  at: time.meta({ description: 'When they were taken; counts of two snapshots make rates.' }),
  version: z.string(),
  host: z.string(),
  uptime_seconds: count.meta({ description: 'Of the process that has run longest.' }),
  workers: count.meta({ description: 'Processes that are counted here.' }),
  requests: z.strictObject({
    total: count,
    by_outcome: z.strictObject(
      Object.fromEntries(REQUEST_OUTCOMES.map((name) => [name, count])) as
        Record<RequestOutcome, typeof count>,
    ),
  }).meta({ description: 'Answered since the processes started.' }),
  latency: z.strictObject({
    window_seconds: count,
    count,
    p50_ms: ms.nullable(),
    p95_ms: ms.nullable(),
    p99_ms: ms.nullable(),
  }).meta({ description: 'Of the requests of the last seconds; null where there were none.' }),
  types: z.array(z.strictObject({
    type: z.string().meta({ description: 'As the schema spells it: Post.' }),
    hits: count,
    misses: count,
  })).meta({ description: 'Requests whose answer touched the type; at most 100, busiest first.' }),
  tiers: z.strictObject({
    l1: tier,
    l2: tier.meta({ description: 'What Redis holds is not counted: it would have to be read.' }),
    misses: count.meta({ description: 'Keys that were in neither.' }),
  }),
  evictions: count,
  loads: count.meta({ description: 'Reads of an origin.' }),
  purges: count.meta({ description: 'Records of the log that were applied, by one process.' }),
  invalidated: count.meta({ description: 'Entries found that an invalidation had ended.' }),
  log,
  l2: z.strictObject({
    state: z.enum(['none', 'answering', 'silent']).meta({
      description: 'none: no Redis is configured. silent: it is mostly not asked any more.',
    }),
    errors: count,
    timeouts: count,
  }),
  caching: z.strictObject({
    state: z.enum(['on', 'off']),
    off_on_fleet: switchedOff,
    off_on_node: switchedOff,
  }),
});
export type Figures = z.output<typeof figuresAnswer>;

const node = z.strictObject({
  id: z.string().meta({ description: 'Of one run of a machine: another after each start.' }),
  host: z.string(),
  is_self: z.boolean().meta({ description: 'The machine that answers.' }),
  version: z.string(),
  position: z.string(),
  position_at: time.nullable(),
  behind_seconds: z.number().min(0).nullable().meta({
    description: 'By how much its position is behind the furthest one here, by the clock of the ' +
      'log; null where either has no time.',
  }),
  lag_seconds: z.number().min(0).nullable().meta({ description: 'As in the figures.' }),
  hears: z.boolean(),
  caching: z.enum(['on', 'off']),
  workers: count,
  uptime_seconds: count,
  seen_seconds_ago: z.number().min(0).meta({ description: 'When it last told of itself.' }),
});

/** `GET /admin/nodes`. */
export const nodesAnswer = z.strictObject({
  nodes: z.array(node).meta({ description: 'At most 1,000; what has ended goes after 15 s.' }),
  complete: z.boolean().meta({
    description: 'False: Redis, in which nodes tell of themselves, was not reached: only this ' +
      'one is known.',
  }),
});
export type Nodes = z.output<typeof nodesAnswer>;

const advice = z.strictObject({
  code: z.enum([
    'private', 'undeclared', 'ttl_zero', 'no_ttl', 'short_ttl', 'invalidated', 'incremental',
    'errors', 'part', 'cookie', 'behind',
  ]),
  coordinate: text.meta({ description: 'The type or the field that decides: Post.viewCount.' }),
  text: z.string().meta({ description: 'A sentence for people.' }),
});

const operation = z.strictObject({
  id: z.string(),
  name: text,
  kind: z.enum(['query', 'mutation', 'subscription']),
  text: text.meta({
    description: 'Normalised, with the literals of the caller replaced by 0, "" and []; null ' +
      'where it is longer than 8,000 characters. Those that differ in literals alone are one.',
  }),
  requests: count,
  hits: count,
  misses: count.meta({ description: 'In part, or served what another one loaded, too.' }),
  bypasses: count.meta({ description: 'The cache was not asked.' }),
  errors: count.meta({ description: 'Refusals too.' }),
  hit_ratio: z.number().min(0).max(1),
  miss_ms: ms.nullable()
    .meta({ description: 'What one takes that finds nothing; null: none yet.' }),
  miss_subgraph_calls: z.number().min(0).nullable(),
  saved_ms: ms.meta({ description: 'Hits times that cost, less what the hits took.' }),
  saved_subgraph_calls: count,
  ttl_ms: z.number().nullable().meta({ description: 'By its rules; null where unknown.' }),
  scope: z.enum(['PUBLIC', 'PRIVATE', 'UNDECLARED']).nullable(),
  types: z.array(z.string()),
  advice: z.array(advice),
});
export type OperationFigures = z.output<typeof operation>;

/** `GET /admin/operations`. */
export const operationsAnswer = z.strictObject({
  operations: z.array(operation),
  known: count.meta({ description: 'Operations that are counted, of which these are the top.' }),
  forgotten: count.meta({ description: 'Not used for longest, when there was no room for more.' }),
});
export type TopOperations = z.output<typeof operationsAnswer>;

/** `GET /admin/tags/:tag`. */
export const tagAnswer = z.strictObject({
  key: z.string().meta({ description: 'As it was asked for.' }),
  tags: z.array(z.string()).meta({ description: 'What it is read as; what follows is of them.' }),
  l1: count.meta({ description: 'Entries in memory that carry it.' }),
  l2: count.nullable().meta({
    description: 'Ways in which Redis holds the entity of that name; null: there is no Redis.',
  }),
  below: count.meta({ description: 'Entries in memory that carry a tag below it.' }),
  complete: z.boolean().meta({ description: 'False: not all that is in memory was looked at.' }),
  entries: z.array(entry.extend({
    operation: z.strictObject({ id: z.string(), name: text }).nullable().meta({
      description: 'Whose answer it is, where that is remembered.',
    }),
    bytes: count.meta({ description: 'Of its value.' }),
  })).meta({ description: 'Of those that carry it, in the process that was asked: at most 100.' }),
  last_purges: z.array(record).meta({ description: 'The newest first; at most 20.' }),
  log: searched,
});
export type TagDependants = z.output<typeof tagAnswer>;

/** `GET /admin/identity`. */
export const identityAnswer = z.strictObject({
  name: z.string().meta({ description: 'The actor, as the log and the audit name it.' }),
  role: z.enum(ROLES).meta({ description: 'Each may what those before it may.' }),
});
