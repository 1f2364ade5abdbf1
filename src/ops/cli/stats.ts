/** `freshet stats`: how a node and its cache are doing. */
import type { NodeStats } from '../admin/stats.ts';
import { asJson, JSON_FLAG, type Command } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { OPERATORS_FLAGS, operatorsClient } from './operators-client.ts';
import { columns } from './text.ts';

interface CacheFigures {
  readonly caching: 'on' | 'off';
  readonly position: string;
  readonly hears_log: boolean;
  readonly processes: number;
  readonly entries: number;
  readonly bytes: number;
  readonly evictions: number;
  readonly hits_l1: number;
  readonly hits_l2: number;
  readonly misses: number;
  readonly hit_ratio: number;
  readonly loads: number;
  readonly invalidated: number;
  readonly waiting_for_log: number;
}

interface ServiceFigures {
  readonly total_invalidations: number;
  readonly errors: number;
  readonly audit_writes: number;
  readonly latency_p50_ms: number;
  readonly latency_p99_ms: number;
}

export const stats: Command = {
  name: 'stats',
  summary: 'show how a node and its cache are doing',
  flags: [...OPERATORS_FLAGS, JSON_FLAG],
  examples: ['freshet stats', 'freshet stats --json | jq .cache.hit_ratio'],
  async run(values, surroundings) {
    const client = operatorsClient(values, surroundings);
    const [cache, invalidations, node] = await Promise.all([
      client.request<CacheFigures>('GET', '/admin/cache/stats'),
      client.request<ServiceFigures>('GET', '/invalidate/metrics'),
      client.request<NodeStats>('GET', '/stats'),
    ]);
    surroundings.print(values.has('json')
      ? asJson({ cache, invalidations, node })
      : textOf({ cache, invalidations, node }));
    return EXIT.done;
  },
};

function textOf({ cache, invalidations, node }: {
  cache: CacheFigures; invalidations: ServiceFigures; node: NodeStats;
}): string {
  const { waiting_for_log: count } = cache;
  const waiting = count === 0 ? '' : `, ${whole(count)} invalidations wait for it`;
  return columns([
    ['node', `version ${node.version}, up ${duration(node.uptimeSeconds)}, ` +
      `${processes(cache.processes)}, ${megabytes(node.memoryBytes)} in the one that answered`],
    ['caching', cache.caching],
    ['log', `${cache.hears_log ? 'heard' : 'NOT HEARD'}, read to ${cache.position}${waiting}`],
    ['hits', `${(100 * cache.hit_ratio).toFixed(1)} %: ${whole(cache.hits_l1)} in memory, ` +
      `${whole(cache.hits_l2)} in Redis, ${whole(cache.misses)} misses`],
    ['entries', `${whole(cache.entries)}, ${megabytes(cache.bytes)}, ` +
      `${whole(cache.evictions)} evicted`],
    ['origins', `${whole(cache.loads)} reads, ` +
      `${whole(cache.invalidated)} entries were found invalidated`],
    ['invalidations', `${whole(invalidations.total_invalidations)} asked by HTTP, ` +
      `${whole(invalidations.errors)} errors, p50 ${invalidations.latency_p50_ms.toFixed(1)} ms, ` +
      `p99 ${invalidations.latency_p99_ms.toFixed(1)} ms`],
    ['audit', `${whole(invalidations.audit_writes)} written by this process`],
  ]);
}

function whole(count: number): string {
  return count.toLocaleString('en-US');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

function processes(count: number): string {
  return count === 1 ? '1 process' : `${count} processes`;
}

function duration(seconds: number): string {
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(seconds / unit));
  if (days) return `${days} d ${(hours ?? 0) % 24} h`;
  if (hours) return `${hours} h ${(minutes ?? 0) % 60} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
