/** What must hold between options, which no single one can say of itself. */
import {
  makeFault,
  showValue,
  valueAt,
  type ConfigFault,
  type Path,
  type SourceOf,
} from './config-faults.ts';
import type { FreshetConfig } from './config.ts';

/** Reports one broken relation, at the option that is most likely to be wrong. */
type Report = (path: Path, required: string, got: string) => void;

interface Relation {
  /** The options that it is about. Where one of them is faulty by itself, nothing follows. */
  readonly reads: readonly string[];
  readonly check: (config: FreshetConfig, report: Report) => void;
}

const LONGEST = [
  'maxTtlSeconds', 'maxStaleWhileRevalidateSeconds', 'maxStaleIfErrorSeconds',
] as const;

const RELATIONS: readonly Relation[] = [
  { reads: ['adminHost', 'adminToken', 'adminTokens', 'adminJwt'], check: checkAdminToken },
  { reads: ['adminTokens'], check: checkTokenNames },
  { reads: ['host', 'port', 'adminHost', 'adminPort'], check: checkPorts },
  { reads: ['supergraph', 'subgraphs'], check: checkSubgraphs },
  { reads: ['redis'], check: checkRedis },
  { reads: ['workers', 'redis'], check: checkWorkers },
  {
    reads: ['log.retentionMs', ...LONGEST.map((name) => `cache.${name}`)],
    check: checkRetention,
  },
  {
    reads: LONGEST.map((name) => `cache.${name}`),
    check: checkTimesToLive,
  },
  { reads: ['jwt'], check: checkJwt },
  { reads: ['audit', 'database', 'redis', 'workers'], check: checkAuditDatabase },
  { reads: ['audit', 'database', 'log.retentionMs'], check: checkAuditRetention },
  { reads: ['sources'], check: checkSources },
];

/** The relations that do not hold, but for those that touch one of the `known` faults. */
export function findBrokenRelations(
  config: FreshetConfig,
  { raw, known, sourceOf }: { raw: unknown; known: readonly ConfigFault[]; sourceOf: SourceOf },
): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const report: Report = (path, required, got) => {
    const isDefault = valueAt(raw, path) === undefined && valueAt(config, path) !== undefined;
    const source = isDefault ? 'default' : sourceOf(path);
    faults.push(makeFault(path, { required, got, source }));
  };
  for (const { reads, check } of RELATIONS) {
    const touched = reads.some((option) => known.some(({ path }) => overlaps(option, path)));
    if (!touched) check(config, report);
  }
  return faults;
}

function overlaps(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/** Whether only this machine can connect to `host`. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

function checkAdminToken(config: FreshetConfig, report: Report): void {
  const { adminHost, adminToken, adminTokens, adminJwt } = config;
  const isGuarded = adminToken ?? adminJwt ?? adminTokens[0];
  if (isLoopback(adminHost) || isGuarded !== undefined) return;
  const where = `adminHost ${showValue(adminHost, { secret: false })}`;
  report(['adminToken'], `a token where ${where} is not loopback`, 'nothing');
}

/** Who is let in without being named in the configuration. */
const ACTORS = ['admin', 'loopback', 'webhook'];

/** By their names they are told apart in the audit. */
function checkTokenNames({ adminTokens }: FreshetConfig, report: Report): void {
  const names = adminTokens.map(({ name }) => name);
  names.forEach((name, at) => {
    if (names.indexOf(name) === at && !ACTORS.includes(name)) return;
    const required = `each name once, and none of ${ACTORS.join(', ')}`;
    report(['adminTokens', String(at), 'name'], required, showValue(name, { secret: false }));
  });
}

function checkPorts({ host, port, adminHost, adminPort }: FreshetConfig, report: Report): void {
  const overlap = host === adminHost || isAny(host) || isAny(adminHost);
  if (port === 0 || port !== adminPort || !overlap) return;
  report(['adminPort'], 'another port than `port`', String(adminPort));
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function checkSubgraphs({ supergraph, subgraphs }: FreshetConfig, report: Report): void {
  const required = 'exactly one of supergraph and subgraphs';
  if (supergraph !== undefined && subgraphs !== undefined) report(['supergraph'], required, 'both');
  if (supergraph === undefined && subgraphs === undefined) {
    report(['supergraph'], required, 'neither');
  }
  if (subgraphs !== undefined && Object.keys(subgraphs).length === 0) {
    report(['subgraphs'], 'at least one subgraph', 'none');
  }
}

function checkRedis({ redis }: FreshetConfig, report: Report): void {
  if (redis === undefined) return;
  const required = 'exactly one of url and sentinels';
  if (redis.url !== undefined && redis.sentinels) report(['redis', 'url'], required, 'both');
  if (redis.url === undefined && !redis.sentinels) report(['redis', 'url'], required, 'neither');
  if (redis.sentinels && redis.sentinelName === undefined) {
    report(['redis', 'sentinelName'], 'a name where there are sentinels', 'nothing');
  }
}

/** Without Redis the log is a list in one process, which no other one can follow. */
function checkWorkers({ workers = 1, redis }: FreshetConfig, report: Report): void {
  if (workers === 1 || redis !== undefined) return;
  report(['workers'], '1 where there is no redis', String(workers));
}

function checkRetention({ cache, log }: FreshetConfig, report: Report): void {
  const window = cache.maxStaleIfErrorSeconds > cache.maxStaleWhileRevalidateSeconds
    ? 'maxStaleIfErrorSeconds'
    : 'maxStaleWhileRevalidateSeconds';
  // An entry that outlives the log's memory could miss its own invalidation. One that slides is
  // bounded by the longest TTL as any other.
  const longestMs = (cache.maxTtlSeconds + cache[window]) * 1_000;
  if (log.retentionMs < longestMs) {
    const sum = `cache.maxTtlSeconds + cache.${window}`;
    report(['log', 'retentionMs'], `at least ${longestMs} (${sum})`, String(log.retentionMs));
  }
}

type LongestName = (typeof LONGEST)[number];

function checkTimesToLive({ cache }: FreshetConfig, report: Report): void {
  const atMost = (max: LongestName, path: readonly string[]): void => {
    const value = valueAt(cache, path);
    if (typeof value !== 'number' || value <= cache[max]) return;
    report(['cache', ...path], `at most ${cache[max]} (cache.${max})`, String(value));
  };
  atMost('maxTtlSeconds', ['defaultTtlSeconds']);
  for (const name of Object.keys(cache.rules)) {
    atMost('maxTtlSeconds', ['rules', name, 'maxAgeSeconds']);
    atMost('maxTtlSeconds', ['rules', name, 'slidingSeconds']);
    atMost('maxTtlSeconds', ['rules', name, 'negativeTtlSeconds']);
    const stale = ['rules', name, 'staleWhileRevalidateSeconds'];
    atMost('maxStaleWhileRevalidateSeconds', stale);
    atMost('maxStaleIfErrorSeconds', ['rules', name, 'staleIfErrorSeconds']);
  }
}

function checkJwt({ jwt }: FreshetConfig, report: Report): void {
  if (jwt === undefined) return;
  const required = 'exactly one of jwksUrl and secret';
  if (jwt.jwksUrl !== undefined && jwt.secret !== undefined) report(['jwt'], required, 'both');
  if (jwt.jwksUrl === undefined && jwt.secret === undefined) report(['jwt'], required, 'neither');
}

/** Embedded in each of several processes, none would be whole. */
function checkAuditDatabase(config: FreshetConfig, report: Report): void {
  const { audit, database, redis, workers = redis === undefined ? 1 : undefined } = config;
  if (audit.enabled !== true || database !== undefined || workers === 1) return;
  report(['database'], 'a URL, or `workers` 1, where there is an audit', 'neither');
}

const DAY_MS = 86_400_000;

/** What is dropped must not be what the log may still bring. */
function checkAuditRetention({ audit, database, log }: FreshetConfig, report: Report): void {
  const isAudited = audit.enabled ?? database !== undefined;
  if (!isAudited || audit.retentionDays * DAY_MS >= log.retentionMs) return;
  const days = Math.ceil(log.retentionMs / DAY_MS);
  const required = `at least ${days}, as log.retentionMs`;
  report(['audit', 'retentionDays'], required, String(audit.retentionDays));
}

/** A slot is for one reader, and each way of reading has options of its own. */
function checkSources({ sources }: FreshetConfig, report: Report): void {
  const slots = new Set<string>();
  for (const [name, { url, read, tables, slot = `freshet_${name}` }] of
    Object.entries(sources.postgres)) {
    const path = ['sources', 'postgres', name];
    const isReplication = read === 'replication';
    if (isReplication && tables.length === 0) {
      report([...path, 'tables'], 'at least one where it reads replication', 'none');
    }
    if (!isReplication && tables.length > 0) {
      report([...path, 'tables'], 'none where it reads an outbox', `a list of ${tables.length}`);
    }
    if (!isReplication) continue;
    const place = JSON.stringify([new URL(url).host, slot]);
    if (slots.has(place)) report([...path, 'slot'], 'a slot of its own', showValue(slot, SHOWN));
    slots.add(place);
  }
}

const SHOWN = { secret: false };
