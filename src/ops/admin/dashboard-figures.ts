/** Puts the figures of the dashboard together: of all processes of a machine. */
import { hostname } from 'node:os';
import type { GatewayStatus } from '../../gateway/gateway.ts';
import type { SwitchState } from '../../gateway/operations.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { parsePosition } from '../../invalidation/position.ts';
import type { Announcement } from '../fleet/announcement.ts';
import type { Listed } from '../fleet/fleet.ts';
import { together, WINDOW_SECONDS } from '../traffic/recent-latency.ts';
import { sumOf, type Requests } from '../traffic/request-counts.ts';
import type { Figures, Nodes } from './dashboard-answers.ts';
import type { NodeStats } from './stats.ts';

const TYPES_SHOWN_MAX = 100;

export interface Machine {
  readonly stats: NodeStats;
  readonly requests: readonly Requests[];
  /** Undefined while it starts. */
  readonly caching: SwitchState | undefined;
  /** Of the log, that this process has not applied; undefined where it is not known. */
  readonly lagRecords?: number | undefined;
}

export function figuresOf(
  { stats, requests, caching, lagRecords }: Machine,
  clock: Pick<Clock, 'wall'>,
): Figures {
  const statuses = statusesOf(stats);
  const sum = (of: (one: GatewayStatus) => number): number =>
    statuses.reduce((total, one) => total + of(one), 0);
  const all = sumOf(requests);
  const position = leastPosition(statuses);
  const { version, host, workers, uptimeSeconds, hears, lagSeconds } =
    announcementOf({ stats, requests, caching });
  return {
    at: new Date(clock.wall()).toISOString(),
    version, host, workers,
    uptime_seconds: uptimeSeconds,
    requests: {
      total: Object.values(all.outcomes).reduce((total, one) => total + one, 0),
      by_outcome: { ...all.outcomes },
    },
    latency: latencyOf(all),
    types: typesOf(all),
    tiers: {
      l1: {
        entries: sum(({ l1 }) => l1.entries), bytes: sum(({ l1 }) => l1.bytes),
        hits: sum(({ tiers }) => tiers.hits.l1),
      },
      l2: { entries: null, bytes: null, hits: sum(({ tiers }) => tiers.hits.l2) },
      misses: sum(({ tiers }) => tiers.misses),
    },
    evictions: sum(({ l1 }) => l1.evictions),
    loads: sum(({ loads }) => loads.loaded),
    // Each process applies all of them.
    purges: Math.max(0, ...statuses.map(({ invalidation }) => invalidation.received)),
    invalidated: sum(({ tiers }) => tiers.discarded.invalidated),
    log: {
      position,
      position_at: timeOf(position),
      lag_records: lagRecords ?? null,
      lag_seconds: lagSeconds,
      hears,
      floor: statuses[0]?.floor ?? '0-0',
      waiting: sum(({ kept }) => kept),
    },
    l2: {
      state: l2StateOf(statuses),
      errors: sum(({ redis }) => redis?.errors ?? 0),
      timeouts: sum(({ redis }) => redis?.timeouts ?? 0),
    },
    caching: {
      state: caching?.isOn === false ? 'off' : 'on',
      off_on_fleet: offOf(caching?.fleet),
      off_on_node: offOf(caching?.node),
    },
  };
}

/** What the machine tells other nodes of itself. */
export function announcementOf({ stats, caching }: Machine): Announcement {
  const { otherWorkers = [], ...own } = stats;
  const statuses = statusesOf(stats);
  return {
    host: hostname(),
    version: own.version,
    position: leastPosition(statuses),
    hears: statuses.length > 0 && statuses.every((one) => one.hears),
    lagSeconds: lagSecondsOf(statuses),
    caching: caching?.isOn === false ? 'off' : 'on',
    workers: 1 + otherWorkers.length,
    uptimeSeconds: Math.max(...[own, ...otherWorkers].map(({ uptimeSeconds }) => uptimeSeconds)),
  };
}

/** Of the processes of a machine one tells of it. */
export function isSpeaker({ processId, otherWorkers = [] }: NodeStats): boolean {
  return otherWorkers.every((other) => processId < other.processId);
}

export function answerNodes(
  { nodes, isComplete }: { nodes: readonly Listed[]; isComplete: boolean },
): Nodes {
  const times = nodes.map(({ told }) => millisOf(told.position));
  const furthest = Math.max(0, ...times.map((time) => time ?? 0));
  return {
    nodes: nodes.map(({ id, told, ageMs, isSelf }, at) => {
      const time = times[at];
      return {
        id,
        host: told.host,
        is_self: isSelf,
        version: told.version,
        position: told.position,
        position_at: timeOf(told.position),
        behind_seconds: time === undefined ? null : (furthest - time) / 1_000,
        lag_seconds: told.lagSeconds,
        hears: told.hears,
        caching: told.caching,
        workers: told.workers,
        uptime_seconds: told.uptimeSeconds,
        seen_seconds_ago: ageMs / 1_000,
      };
    }),
    complete: isComplete,
  };
}

function statusesOf({ otherWorkers = [], ...own }: NodeStats): readonly GatewayStatus[] {
  return [own, ...otherWorkers].flatMap(({ gateway }) => gateway ?? []);
}

function latencyOf({ recent }: Requests): Figures['latency'] {
  const spread = together(recent);
  const at = (share: number) => (spread.count === 0 ? null : spread.percentileMs(share));
  return {
    window_seconds: WINDOW_SECONDS,
    count: spread.count,
    p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99),
  };
}

function typesOf({ types }: Requests): Figures['types'] {
  return types
    .toSorted((one, other) => other.hits + other.misses - one.hits - one.misses)
    .slice(0, TYPES_SHOWN_MAX)
    .map((one) => ({ ...one }));
}

/** The one that has followed least far is how far the machine has. */
function leastPosition(statuses: readonly GatewayStatus[]): string {
  const [least] = statuses
    .map(({ position }) => ({ position, order: parsePosition(position) ?? '' }))
    .toSorted((one, other) => (one.order < other.order ? -1 : 1));
  return least?.position ?? '0-0';
}

/** The worst of them; null where one of them has never read to the end. */
function lagSecondsOf(statuses: readonly GatewayStatus[]): number | null {
  const lags = statuses.map(({ invalidation }) => invalidation.lagMs);
  const known = lags.filter((lag) => lag !== undefined);
  return known.length === 0 || known.length < lags.length ? null : Math.max(...known) / 1_000;
}

/** Its first half is the time of its record. */
function millisOf(position: string): number | undefined {
  const ms = Number(position.split('-', 1)[0]);
  return ms > 0 ? ms : undefined;
}

function timeOf(position: string): string | null {
  const ms = millisOf(position);
  return ms === undefined ? null : new Date(ms).toISOString();
}

function l2StateOf(statuses: readonly GatewayStatus[]): Figures['l2']['state'] {
  const told = statuses.map(({ redisAnswers }) => redisAnswers);
  if (told.every((one) => one === undefined)) return 'none';
  return told.includes(false) ? 'silent' : 'answering';
}

function offOf(off: SwitchState['fleet'] | undefined): Figures['caching']['off_on_node'] {
  return { all: off?.all ?? false, types: [...off?.types ?? []] };
}
