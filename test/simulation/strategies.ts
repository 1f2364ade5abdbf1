/**
 * What is declared of each kind of thing that clients ask for, and how far the origin can be
 * trusted: a part of the plan of a seed. Each seed leaves some strategies out altogether.
 */
import type { Terms } from '../../src/gateway/caching/lifetime.ts';
import type { Millis, Random } from '../../src/invalidation/clock.ts';
import { NO_STRATEGY, type Strategy } from '../../src/policy/strategy.ts';
import { pick, seededRandom } from '../support/seeded-random.ts';

/** `page` and `card` are made of others. */
export const KINDS = ['user', 'post', 'feed', 'list', 'me', 'page', 'card'] as const;
export type Kind = typeof KINDS[number];

/** Some reads see what was true a while ago. */
export interface Replica {
  /** How the caches are kept from it: each has its own promise. */
  readonly guard: 'versions' | 'settle';
  readonly lagMsMax: Millis;
  /** Of all reads, those that it answers. */
  readonly share: number;
}

export interface Strategies {
  readonly terms: Readonly<Record<Kind, Terms>>;
  /** Of all purges, those that are soft. */
  readonly softShare: number;
  readonly replica: Replica | undefined;
  /** Entities that a mutation's answer shows are kept. */
  readonly writesThrough: boolean;
}

/** Nothing but a TTL, and an origin that tells the truth. */
export function plainStrategies(ttlMs: Millis): Strategies {
  const terms = (): Terms => ({ ttlMs, strategy: NO_STRATEGY });
  return { terms: allKinds(terms), softShare: 0, replica: undefined, writesThrough: false };
}

export function strategiesOf(seed: string, ttlMsMax: Millis): Strategies {
  const random = seededRandom(`${seed}/strategies`);
  const replica = random() < 0.5 ? undefined : {
    guard: pick(random, ['versions', 'settle'] as const),
    lagMsMax: pick(random, [50, 300, 800]),
    share: pick(random, [0.3, 1]),
  };
  const some = someStrategies(random, { ttlMsMax, replica });
  const single = allKinds((): Terms => ({
    ttlMs: Math.ceil(ttlMsMax * (0.2 + 0.8 * random())),
    strategy: without(some, random),
  }));
  const strictest = (...kinds: readonly Kind[]): Terms => strictestOf(kinds.map((kind) =>
    single[kind]));
  return {
    terms: {
      ...single,
      page: strictest('page', 'user', 'post'),
      card: strictest('card', 'user', 'feed'),
    },
    softShare: pick(random, [0, 0.3, 0.8]),
    replica,
    writesThrough: random() < 0.6,
  };
}

/** No entry is of use to anybody for longer after it was read. */
export function lifeMsMax({ terms }: Strategies): Millis {
  return Math.max(...Object.values(terms).map(({ ttlMs, strategy }) => {
    const { slidingMs, staleWhileRevalidateMs, staleIfErrorMs } = strategy;
    return Math.max(ttlMs, slidingMs) + Math.max(staleWhileRevalidateMs, staleIfErrorMs);
  }));
}

function someStrategies(
  random: Random,
  { ttlMsMax, replica }: { ttlMsMax: Millis; replica: Replica | undefined },
): Strategy {
  const either = <T>(off: T, on: readonly T[]): T => (random() < 0.4 ? off : pick(random, on));
  const lagMs = replica?.guard === 'settle' ? replica.lagMsMax : 0;
  return {
    slidingMs: either(0, [ttlMsMax, 3 * ttlMsMax]),
    jitter: either(0, [0.1, 0.5]),
    earlyExpiry: either(0, [1, 20]),
    staleWhileRevalidateMs: either(0, [100, 1_000, 5_000]),
    staleIfErrorMs: either(0, [500, 5_000]),
    refreshHits: either(0, [1, 3]),
    settleMs: lagMs > 0 ? lagMs : random() < 0.9 ? 0 : 200,
    negativeTtlMs: either<number | undefined>(undefined, [0, 100]),
    lockMs: either(0, [100, 400, 1_500]),
  };
}

/** Some of it, with all that a lagging replica needs. */
function without(all: Strategy, random: Random): Strategy {
  const entries = Object.entries(all).map(([name, value]) => {
    const isOff = random() < 0.25 && name !== 'settleMs';
    return [name, isOff ? NO_STRATEGY[name as keyof Strategy] : value] as const;
  });
  return Object.fromEntries(entries) as unknown as Strategy;
}

/** As of an operation that touches them all: see docs/strategies.md. */
function strictestOf(all: readonly Terms[]): Terms {
  const least = (of: (terms: Terms) => number): number => Math.min(...all.map(of));
  const greatest = (of: (strategy: Strategy) => number): number =>
    Math.max(...all.map(({ strategy }) => of(strategy)));
  const ttlMs = least((terms) => terms.ttlMs);
  const window = (of: (strategy: Strategy) => number): number =>
    Math.min(least(({ strategy }) => of(strategy)), least((terms) =>
      terms.ttlMs + of(terms.strategy)) - ttlMs);
  const refreshes = all.map(({ strategy }) => strategy.refreshHits).filter((hits) => hits > 0);
  const negatives = all.flatMap(({ strategy }) => strategy.negativeTtlMs ?? []);
  return {
    ttlMs,
    strategy: {
      slidingMs: least(({ strategy }) => strategy.slidingMs),
      jitter: greatest(({ jitter }) => jitter),
      earlyExpiry: greatest(({ earlyExpiry }) => earlyExpiry),
      staleWhileRevalidateMs: window((strategy) => strategy.staleWhileRevalidateMs),
      staleIfErrorMs: window((strategy) => strategy.staleIfErrorMs),
      refreshHits: refreshes.length === 0 ? 0 : Math.min(...refreshes),
      settleMs: greatest(({ settleMs }) => settleMs),
      negativeTtlMs: negatives.length === 0 ? undefined : Math.min(...negatives),
      lockMs: greatest(({ lockMs }) => lockMs),
    },
  };
}

function allKinds(make: () => Terms): Record<Kind, Terms> {
  return Object.fromEntries(KINDS.map((kind) => [kind, make()])) as Record<Kind, Terms>;
}
