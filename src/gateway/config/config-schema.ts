/**
 * Every option of the gateway: what it means, what is allowed, and its default, which stands here
 * and nowhere else. The unit is in the name. docs/configuration.md is made from this file.
 */
import { z } from 'zod';
import { APPEND_MS_MAX } from '../../invalidation/redis.ts';
import {
  EARLY_EXPIRY_MAX, JITTER_MAX, LOCK_MS_MAX, REFRESH_HITS_MAX, SETTLE_MS_MAX,
} from '../../policy/declared-strategy.ts';
import { accessOptions } from './access-schema.ts';
import { auditOptions } from './audit-schema.ts';
import { sourcesOptions } from './sources-schema.ts';
import { tracingOptions } from './tracing-schema.ts';
import { COOKIE_NAME } from '../http/position-cookie.ts';

/** Beside the description of an option: what to say when a value is refused. */
export type OptionMeta = {
  readonly description: string;
  /** What a text must be. Numbers, choices and lists say it themselves. */
  readonly required?: string;
  /** The value is never shown. */
  readonly secret?: true;
};

/** In development (NODE_ENV is not `production`) these take the place of the defaults below. */
export const DEVELOPMENT_DEFAULTS = {
  host: '127.0.0.1', graphiql: true, adminOpen: true,
} as const;

const MIB = 1024 * 1024;
const HOUR_SECONDS = 60 * 60;
const DAY_SECONDS = 24 * HOUR_SECONDS;
/** The longest delay that a timer of Node takes: longer ones fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

const GRAPHQL_NAME = /^[_A-Za-z][_0-9A-Za-z]*$/;
const COORDINATE = /^[_A-Za-z][_0-9A-Za-z]*(\.[_A-Za-z][_0-9A-Za-z]*)?$/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const name = z.string().regex(GRAPHQL_NAME);
const text = z.string().trim().min(1);
const port = z.int().min(0).max(65_535);
const delayMs = z.int().min(1).max(TIMER_MS_MAX);
const seconds = z.int().min(0).max(365 * DAY_SECONDS);
const count = (max: number) => z.int().min(1).max(max);
const url = (schemes: RegExp) => z.string().refine((value) => isUrl(value, schemes));
const headerNames = z.array(
  z.string().regex(HEADER_NAME).toLowerCase()
    .meta({ description: 'In any case.', required: 'the name of a header' }),
);

const about = (description: string): OptionMeta => ({ description });

const subgraph = z.strictObject({
  url: url(/^https?:$/).meta({
    description: 'Where the subgraph answers GraphQL.',
    required: 'an http or https URL',
  }),
  sdl: text.optional().meta(about('File that holds its SDL. Default: the service is asked.')),
  timeoutMs: delayMs.optional().meta(about('In place of `subgraphTimeoutMs`, for this one.')),
});

const sentinel = z.strictObject({
  host: text.meta(about('Host of a Sentinel.')),
  port: port.default(26_379).meta(about('Port of a Sentinel.')),
});

const redis = z.strictObject({
  url: z.string()
    .refine((value) => value.split(',').every((one) => isUrl(one.trim(), /^rediss?:$/)))
    .optional()
    .meta({
      description: 'One Redis, or several URLs separated by commas: the nodes of a Cluster.',
      required: 'redis:// or rediss:// URLs, separated by commas',
      secret: true,
    }),
  sentinels: z.array(sentinel).min(1).optional().meta(about('Sentinels to ask for the primary.')),
  sentinelName: text.optional().meta(about('Name under which the Sentinels know the primary.')),
  username: text.optional().meta(about('User for Redis ACLs.')),
  password: text.optional().meta({ description: 'Password for Redis.', secret: true }),
  tls: z.boolean().optional().meta(about('Speak TLS. Implied by rediss://.')),
  keyPrefix: z.string().max(100).default('').meta({
    description: 'Put before every key of the cache. Empty, as existing services expect.',
    required: 'a text of at most 100 characters',
  }),
  readTimeoutMs: delayMs.default(50)
    .meta(about('No request waits longer for all that Redis holds for it.')),
  appendTimeoutMs: delayMs.default(APPEND_MS_MAX)
    .meta(about('No invalidation waits longer to be in the log; it is then tried again.')),
});

const log = z.strictObject({
  channel: text.default('cache:invalidate').meta(about('Pub/Sub channel of the messages.')),
  stream: text.default('cache:invalidate:log').meta(about('Redis Stream that is the log.')),
  retentionMs: z.int().min(1_000).max(366 * DAY_SECONDS * 1_000)
    .default(25 * HOUR_SECONDS * 1_000)
    .meta(about('How long a record is kept; not shorter than any entry may be served.')),
  recordsMax: count(1_000_000_000).default(1_000_000).meta(about('Records kept at most.')),
  heartbeatMs: z.int().min(10).max(60_000).default(250)
    .meta(about('How often an idle log is asked whether it is still there.')),
  listen: z.boolean().default(true)
    .meta(about('Hear services that publish on the channel and do not append to the log.')),
  trustOtherNodes: z.boolean().default(false)
    .meta(about('Some node always listens: a node that begins to listen forgets nothing.')),
});

const rule = z.strictObject({
  maxAgeSeconds: seconds.optional().meta(about('Time to live; 0 = never kept.')),
  scope: z.enum(['PUBLIC', 'PRIVATE']).optional().meta(about('Who may share an answer.')),
  staleWhileRevalidateSeconds: seconds.optional()
    .meta(about('How long past its time an entry may be served while it is read again.')),
  slidingSeconds: seconds.optional()
    .meta(about('Each use renews the time to live, up to so long after the origin was read.')),
  jitter: z.number().min(0).max(JITTER_MAX).optional()
    .meta(about('Share of the time to live of which a random part is taken off.')),
  earlyExpiry: z.number().min(0).max(EARLY_EXPIRY_MAX).optional()
    .meta(about('Beta of XFetch: how early a reader may load again by chance; 1 is usual, 0 off.')),
  staleIfErrorSeconds: seconds.optional()
    .meta(about('How long past its time an entry may be served while its origin is out of reach.')),
  refreshHits: z.int().min(0).max(REFRESH_HITS_MAX).optional()
    .meta(about('Used so often, an entry is loaded again right after a purge; 0 = never.')),
  settleMs: z.int().min(0).max(SETTLE_MS_MAX).optional()
    .meta(about('What was read so shortly after one of its tags was purged is not kept.')),
  negativeTtlSeconds: seconds.optional()
    .meta(about('Time to live of an answer with a null in its place; 0 = never kept.')),
  versionField: name.optional()
    .meta(about('Of an entity type: the field that holds its version, which only grows.')),
  writeThrough: z.boolean().optional()
    .meta(about('Of an entity type and a mutation: what that answers of it fills its entries.')),
  lockMs: z.int().min(0).max(LOCK_MS_MAX).optional()
    .meta(about('One node of the fleet loads, the others wait for it so long; 0 = all load.')),
  tags: z.array(text).optional().meta(about('As `@cacheTag`: user:{$args.id}:posts.')),
  purges: z.array(text).optional()
    .meta(about('As `@cachePurge`, on a mutation field: replaces what it purges by default.')),
});

const cache = z.strictObject({
  enabled: z.boolean().default(true).meta(about('False: everything comes from the origins.')),
  responses: z.boolean().default(true).meta(about('Cache whole responses.')),
  entities: z.boolean().default(true)
    .meta(about('Cache entities and root fields of each subgraph.')),
  defaultTtlSeconds: seconds.default(60).meta(about('Where no rule gives a time to live.')),
  maxTtlSeconds: seconds.default(DAY_SECONDS).meta(about('No entry lives longer.')),
  maxStaleWhileRevalidateSeconds: seconds.default(HOUR_SECONDS)
    .meta(about('No entry is served longer past its time while it is read again.')),
  maxStaleIfErrorSeconds: seconds.default(HOUR_SECONDS)
    .meta(about('No entry is served longer past its time while its origin is out of reach.')),
  maxStalenessMs: z.int().min(0).max(TIMER_MS_MAX).default(5_000)
    .meta(about('While the log cannot be heard, nothing read longer ago is served; 0 = nothing.')),
  l1: z.strictObject({
    bytesMax: z.int().min(MIB).max(2 ** 40).default(256 * MIB)
      .meta(about('Memory for all that answers are kept in, of all workers together.')),
    entriesMax: count(100_000_000).default(100_000)
      .meta(about('Entries in memory, of all workers together.')),
  }).prefault({}),
  horizon: z.strictObject({
    marksMax: count(100_000_000).default(500_000)
      .meta(about('Invalidated tags remembered; what is forgotten counts as invalidated.')),
    patternsMax: count(100_000).default(128)
      .meta(about('Invalidated patterns remembered, but for those of the form `tag:*`.')),
  }).prefault({}),
  rules: z.record(z.string().regex(COORDINATE), rule).default({})
    .meta(about('What directives say, for a `Type` or a `Type.field`; the strictest wins.')),
  keyFields: z.record(name, z.array(name).min(1)).default({})
    .meta(about('Fields that identify a type, where the schema has no `@key`.')),
  clientMaxAgeSeconds: seconds.default(0)
    .meta(about('How long clients may use an answer without asking: no purge reaches them.')),
  exposeTags: z.boolean().default(false).meta(about('Send the tags of an answer as `Cache-Tag`.')),
  compression: z.boolean().default(true)
    .meta(about('Send what is asked often in br, zstd or gzip, where the client takes it.')),
  positionWaitMs: z.int().min(0).max(60_000).default(500)
    .meta(about('How long to wait for a position that a client has seen and this node has not.')),
  audit: z.strictObject({
    share: z.number().min(0).max(1).default(0)
      .meta(about('Share of the hits of which the origin is read again, to compare; 0 = none.')),
    perSecondMax: count(10_000).default(5).meta(about('So often it is read for that at most.')),
    private: z.boolean().default(false).meta(about("Compare what is one caller's own as well.")),
    graceMs: z.int().min(0).max(60_000).default(1_000)
      .meta(about('A difference is stale where no invalidation comes within so long.')),
  }).prefault({}).meta(about('Looks for staleness that nobody told of.')),
  positionCookie: z.string().regex(COOKIE_NAME).optional().meta({
    description: 'Cookie that carries the position of a write as well, for browsers. Default none.',
    required: 'a name of a cookie: letters, digits, and marks such as - and _',
  }),
});

const jwt = z.strictObject({
  jwksUrl: url(/^https?:$/).optional().meta({
    description: 'Where the public keys are.',
    required: 'an http or https URL',
  }),
  secret: z.string().min(32).optional().meta({
    description: 'Shared secret, for HS256 (RFC 7518, section 3.2: at least as long as the hash).',
    required: 'a secret of at least 32 characters',
    secret: true,
  }),
  issuer: text.optional().meta(about('Required value of `iss`.')),
  audience: text.optional().meta(about('Required value of `aud`.')),
  claims: z.array(text).min(1).default(['sub', 'roles'])
    .meta(about('Claims that answers depend on: callers of one session who agree in them share.')),
  sessionClaim: text.default('sid').meta(about('Claim that names the session, for its tag.')),
});

const limits = z.strictObject({
  bodyBytesMax: z.int().min(1_024).max(1_024 * MIB).default(MIB)
    .meta(about('Body of a request.')),
  headerBytesMax: z.int().min(1_024).max(MIB).default(16 * 1_024)
    .meta(about('All headers of a request, with its URL.')),
  connectionsMax: count(1_000_000).default(10_000).meta(about('Open connections of clients.')),
  headersTimeoutMs: delayMs.default(10_000).meta(about('Time for all headers to arrive.')),
  requestTimeoutMs: delayMs.default(30_000).meta(about('Time for a whole request to arrive.')),
  keepAliveTimeoutMs: delayMs.default(65_000)
    .meta(about('An idle connection is kept this long: longer than a load balancer keeps it.')),
  depthMax: count(200).default(15).meta(about('Fields inside fields, through fragments.')),
  aliasesMax: count(100_000).default(100).meta(about('Aliases, with fragments expanded.')),
  tokensMax: count(1_000_000).default(5_000).meta(about('Lexical tokens of a document.')),
  rootFieldsMax: count(10_000).default(50).meta(about('Fields of the root type.')),
  fieldsMax: count(1_000_000).default(5_000).meta(about('Fields, with fragments expanded.')),
  batchMax: z.int().min(0).max(1_000).default(0)
    .meta(about('Operations in one request; 0 = no batches.')),
});

export const configSchema = z.strictObject({
  host: text.default('0.0.0.0')
    .meta(about('Address of the GraphQL listener. In development 127.0.0.1.')),
  port: port.default(4_000).meta(about('Port of the GraphQL listener; 0 = any free one.')),
  adminHost: text.default('127.0.0.1')
    .meta(about("Address of the operators' listener. Not loopback: a token is required.")),
  adminPort: port.default(4_001).meta(about("Port of the operators' listener.")),
  ...accessOptions,
  path: z.string().regex(/^\/[\w./-]*$/).default('/graphql').meta({
    description: 'Path at which GraphQL is answered.',
    required: 'a path that begins with / and has only letters, digits, and - _ . /',
  }),
  workers: count(1_024).optional().meta(about(
    'Processes that share the ports. Default: with Redis one less than cores, else 1.',
  )),
  graphiql: z.boolean().default(false)
    .meta(about('Show GraphiQL to browsers. In development true.')),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info')
    .meta(about('The least important events that are logged.')),
  supergraph: text.optional()
    .meta(about('File or URL of the composed supergraph SDL. Either this or `subgraphs`.')),
  supergraphPollMs: delayMs.default(10_000).meta(about('How often its URL is asked for changes.')),
  subgraphs: z.record(z.string().regex(/^[A-Za-z][\w-]*$/), subgraph).optional()
    .meta(about('Services to compose at start: a URL each, or an object.')),
  subgraphTimeoutMs: delayMs.default(10_000).meta(about('No subgraph is waited for longer.')),
  subgraphWaitMs: z.int().min(0).max(TIMER_MS_MAX).default(30_000)
    .meta(about('How long to wait at start for services that are not there yet.')),
  redis: redis.optional().meta(about('A URL, or an object. Default none: one node by itself.')),
  database: url(/^postgres(ql)?:$/).optional().meta({
    description: 'PostgreSQL for the audit, and for the sample services. Default: embedded.',
    required: 'a postgres:// or postgresql:// URL',
    secret: true,
  }),
  ...auditOptions,
  ...sourcesOptions,
  ...tracingOptions,
  log: log.prefault({}),
  cache: cache.prefault({}),
  keys: z.record(text, text).default({})
    .meta(about('Keys of services that look otherwise, as templates: user:profile:{id}.')),
  headers: z.strictObject({
    propagate: headerNames.default(['authorization'])
      .meta(about('Request headers passed on to subgraphs.')),
    credentials: headerNames.default(['authorization', 'cookie'])
      .meta(about('Headers that say who asks.')),
  }).prefault({}),
  jwt: jwt.optional().meta(about('How to verify tokens, to share answers by their claims.')),
  limits: limits.prefault({}),
  cors: z.strictObject({
    origins: z.array(text).min(1).meta(about('Origins whose pages may ask; `*` = all.')),
  }).optional().meta(about('Default: pages of no other origin may ask.')),
  rehearsal: z.boolean().default(true)
    .meta(about('Run through a few requests of its own before the first client is let in.')),
  drainMs: z.int().min(0).max(TIMER_MS_MAX).default(10_000)
    .meta(about('Requests under way are given this long to end at shutdown.')),
});

function isUrl(value: string, schemes: RegExp): boolean {
  return URL.canParse(value) && schemes.test(new URL(value).protocol);
}
