/**
 * What a hit costs, in L1 and in L2, next to a bare server and to other caches.
 *
 *     npm run bench:hit
 *     npm run bench:hit -- --quick --only freshet,bare --sizes 2kB,1MB --cases base,varied
 *
 * The cases: `base` (64 connections, identical headers, public) at each size; and at 2 kB `varied`
 * (headers differ between requests), `private` (100 callers, each with an answer of their own),
 * `private-varied`, `single` (one connection), `l2` (L1 holds next to nothing; each size) and
 * `l2-single`, beside which a round trip to Redis is shown.
 */
import { parseArgs } from 'node:util';
import { startRedis } from '../test/support/redis.ts';
import {
  installPeers, startFreshet, startHive, startNginx, startPeer, startSubgraph, startVarnish,
  type Contestant, type Gateway,
} from './contestants.ts';
import { keep } from './machine.ts';
import { roundTripUs } from './round-trip.ts';
import { inRounds, percent, print, type Figures } from './rounds.ts';
import { pin, requirePrograms } from './server.ts';
import { answerTo, bodyOf, idOf, SIZES, type Scope, type Size } from './workload.ts';
import type { Request } from './wrk.ts';

const CASES = ['base', 'varied', 'private', 'private-varied', 'single', 'l2', 'l2-single'] as const;
type Case = (typeof CASES)[number];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** Contestants, by the beginning of their names. The bare server always takes part. */
    only: { type: 'string', default: '' },
    sizes: { type: 'string', default: '' },
    cases: { type: 'string', default: '' },
    rounds: { type: 'string', default: '' },
    seconds: { type: 'string', default: '' },
    /** Arguments for the node that runs our gateway: `--cpu-prof --cpu-prof-dir=/tmp/profile`. */
    'node-args': { type: 'string', default: '' },
  },
});
const { quick } = values;
const only = listOf(values.only);
const sizes = listOf(values.sizes, quick ? ['2kB'] : Object.keys(SIZES)) as Size[];
const cases = listOf(values.cases, CASES) as Case[];
const rounds = Number(values.rounds || (quick ? 1 : 5));
const seconds = Number(values.seconds || (quick ? 2 : 3));
for (const size of sizes) if (!(size in SIZES)) throw new Error(`no size is called ${size}`);
for (const one of cases) if (!CASES.includes(one)) throw new Error(`no case is called ${one}`);
const nodeArgs = listOf(values['node-args'].replaceAll(' ', ','));

/** With L1 off there are as many answers in turn, so that one place in L1 never holds the next. */
const L2_IDS = 100;
const CALLERS = 100;
const VARIANTS = 256;
const CACHE = {
  defaultTtlSeconds: 3_600, rules: { 'Query.mine': { maxAgeSeconds: 3_600, scope: 'PRIVATE' } },
};

requirePrograms('wrk', 'taskset', 'redis-server');
installPeers();
const redis = await startRedis();
pin(redis.pid, 'other');
const subgraph = await startSubgraph('accounts');
const behind = await startPeer('bare behind', { file: 'bare', core: 'other' });
const results: object[] = [];

try {
  const l1 = cases.filter((one) => !one.startsWith('l2'));
  if (l1.length > 0) await measure(l1, await startL1());
  const l2 = cases.filter((one) => one.startsWith('l2'));
  if (l2.length > 0) await measure(l2, await startL2());
} finally {
  await Promise.all([subgraph.stop(), behind.stop(), redis.stop()]);
}
keep('hit', { quick, rounds, seconds, results });

async function measure(wanted: readonly Case[], contestants: readonly Contestant[]): Promise<void> {
  try {
    for (const one of wanted) {
      const everySize = one === 'base' || one === 'l2';
      for (const size of everySize ? sizes : sizes.filter((name) => name === '2kB')) {
        await measureOne(one, size, contestants);
      }
    }
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.stop()));
  }
}

async function measureOne(one: Case, size: Size, all: readonly Contestant[]): Promise<void> {
  const bytes = SIZES[size];
  const scope: Scope = one.startsWith('private') ? 'private' : 'public';
  const varied = one.endsWith('varied');
  const l2 = one.startsWith('l2');
  const connections = one.endsWith('single') ? 1 : 64;
  // A cache that knows no callers has nothing to say about private answers.
  const contestants = all.filter(({ method }) => !(method === 'GET' && scope === 'private'));
  for (const contestant of contestants) contestant.expect?.(bytes);
  const before = await tierHits(contestants);
  const figures = await inRounds(contestants, {
    rounds, seconds, connections, warmUpSeconds: quick ? 1 : 3,
    requestsOf: ({ method }) =>
      requestsFor({ method: method ?? 'POST', bytes, scope, varied, ids: l2 ? L2_IDS : 1 }),
    answerOf: () => answerTo({ id: idOf(1), bytes }),
    hitsMin: 0.99,
  });
  const title = `${one}, ${size}, ${connections} connections`;
  print(title, figures);
  if (l2) await printTiers(contestants, before);
  const roundTrip = one === 'l2-single' ? await roundTripUs(redis.port, bytes) : undefined;
  if (roundTrip !== undefined) console.log(`a round trip to Redis: p50 ${roundTrip.toFixed(0)} us`);
  results.push({ case: one, size, connections, roundTrip, figures: ratios(figures) });
}

/** A few requests that have one answer each; headers that no answer depends on differ. */
function requestsFor({ method, bytes, scope, varied, ids }: {
  method: 'POST' | 'GET';
  bytes: number;
  scope: Scope;
  varied: boolean;
  ids: number;
}): readonly Request[] {
  const count = varied ? VARIANTS : Math.max(ids, scope === 'private' ? CALLERS : 1);
  return Array.from({ length: count }, (_, at) => {
    const authorization = `Bearer caller-${at % CALLERS}-${'t'.repeat(40)}`;
    const headers: (readonly [string, string])[] = [
      ...(scope === 'private' ? [['authorization', authorization] as const] : []),
      ...(varied ? variedHeaders(at, scope) : []),
    ];
    if (method === 'GET') return { method, path: `/graphql?bytes=${bytes}`, headers };
    const body = bodyOf({ id: idOf(1 + (at % ids)), bytes, scope });
    return { method, path: '/graphql', headers, body };
  });
}

/** As browsers behind a tracing proxy send them; cookies say who asks, where that matters. */
function variedHeaders(at: number, scope: Scope): readonly (readonly [string, string])[] {
  const hex = (digits: number, salt: number): string =>
    ((at + 1) * salt * 2_654_435_761).toString(16).padStart(digits, '0').slice(-digits);
  const cookies = ['theme=dark', `visit=${hex(8, 3)}`, 'language=en'];
  const turned = [...cookies.slice(at % 3), ...cookies.slice(0, at % 3)];
  const headers: (readonly [string, string])[] = [
    ['user-agent', `Mozilla/5.0 (X11; Linux x86_64) Browser/${at}.0`],
    ['traceparent', `00-${hex(16, 5)}${hex(16, 7)}-${hex(16, 11)}-01`],
    ['x-request-id', `${hex(8, 13)}-${hex(8, 17)}`],
    ['accept', 'application/graphql-response+json, application/json'],
    ...(scope === 'public' ? [['cookie', turned.join('; ')] as const] : []),
  ];
  return at % 2 === 0 ? headers : headers.reverse();
}

async function startL1(): Promise<readonly Contestant[]> {
  const config = { subgraphs: { accounts: subgraph.url }, cache: CACHE };
  const calls = (): Promise<number> => subgraph.calls();
  const subgraphs = { accounts: subgraph.url };
  return startAll([
    ['freshet', () => startFreshet({ config, nodeArgs, calls })],
    ['bare with a Map', () => startPeer('bare with a Map', { file: 'bare-map' })],
    ['nginx (GET)', () => startNginx(behind)],
    ['Varnish (GET)', () => startVarnish(behind)],
    ['mercurius', () => startPeer('mercurius-cache', { file: 'mercurius' })],
    ['Yoga, tuned', () => startPeer('Yoga, tuned', { file: 'yoga', argument: 'tuned' })],
    ['Yoga on Redis, tuned', () =>
      startPeer('Yoga on Redis, tuned', { file: 'yoga', argument: redis.url })],
    ['Yoga, as documented', () =>
      startPeer('Yoga, as documented', { file: 'yoga', argument: 'documented' })],
    ['Apollo Server', () => startPeer('Apollo Server', { file: 'apollo' })],
    ['Hive Gateway', () => startHive({ name: 'Hive Gateway', subgraphs, caching: true, calls })],
  ]);
}

async function startL2(): Promise<readonly Contestant[]> {
  const l1 = { entriesMax: 1 };
  // On a machine that is busy otherwise, Redis too is late: it is its answers that are measured.
  const config = {
    subgraphs: { accounts: subgraph.url }, cache: { ...CACHE, l1 },
    redis: { url: redis.url, readTimeoutMs: 2_000 },
  };
  return startAll([
    ['freshet', () =>
      startFreshet({ name: 'freshet, L2', config, nodeArgs, calls: () => subgraph.calls() })],
    ['bare with Redis', () =>
      startPeer('bare with Redis', { file: 'bare-redis', argument: redis.url })],
    ['Yoga on Redis, tuned', () =>
      startPeer('Yoga on Redis, tuned', { file: 'yoga', argument: redis.url })],
  ]);
}

type Starter = readonly [name: string, start: () => Promise<Contestant | undefined>];

async function startAll(starters: readonly Starter[]): Promise<readonly Contestant[]> {
  const started: Contestant[] = [await startPeer('bare')];
  for (const [name, start] of starters) {
    const wanted = only.length === 0
      || only.some((one) => name.toLowerCase().startsWith(one.toLowerCase()));
    if (!wanted) continue;
    const contestant = await start();
    if (contestant === undefined) console.log(`${name} is left out: it is not installed`);
    else started.push(contestant);
  }
  return started;
}

async function tierHits(contestants: readonly Contestant[]) {
  const hits = { l1: 0, l2: 0 };
  for (const contestant of contestants) {
    if (!('stats' in contestant)) continue;
    const { gateway } = await (contestant as Gateway).stats();
    hits.l1 += gateway.tiers.hits.l1;
    hits.l2 += gateway.tiers.hits.l2;
  }
  return hits;
}

async function printTiers(
  contestants: readonly Contestant[],
  before: { l1: number; l2: number },
): Promise<void> {
  const after = await tierHits(contestants);
  const [l1, l2] = [after.l1 - before.l1, after.l2 - before.l2];
  if (l1 + l2 > 0) console.log(`of the hits of our gateway ${percent(l2 / (l1 + l2))} were in L2`);
}

function ratios(figures: ReadonlyMap<string, Figures>): object {
  const bare = figures.get('bare')?.perSecond ?? Number.NaN;
  return Object.fromEntries([...figures].map(([name, one]) =>
    [name, { ...one, ratio: one.perSecond / bare }]));
}

function listOf(text: string, byDefault: readonly string[] = []): readonly string[] {
  const list = text.split(',').map((part) => part.trim()).filter((part) => part !== '');
  return list.length === 0 ? byDefault : list;
}
