/**
 * How long what was loaded may be kept and stretched: as planned, and no longer than what it was
 * made of, nor than the caller whom it is for.
 */
import type { Fill } from '../../cache/fill.ts';
import type { Use } from '../../cache/load.ts';
import type { Millis } from '../../invalidation/clock.ts';
import type { OperationPlan } from '../../policy/plan.ts';
import type { Exchange, Parts } from './exchange.ts';
import type { Audience } from './scope.ts';

/** Of a plan, or of what is planned for a type. */
export type Terms = Pick<OperationPlan, 'ttlMs' | 'strategy'>;

/** Until when, from now on, what it was made of holds at most: its TTL, and each window with it. */
export interface Bounds {
  readonly ttlMs: Millis;
  readonly revalidateMs: Millis;
  readonly errorMs: Millis;
  readonly slideMs: Millis;
}

type Lifetime = Pick<Fill,
  'ttlMs' | 'slidingMs' | 'staleWhileRevalidateMs' | 'staleIfErrorMs' | 'jitter' | 'settleMs'>;

/** Bound by nothing but who it is for. */
export function boundsOf({ ttlMsMax: ms }: Audience): Bounds {
  return { ttlMs: ms, revalidateMs: ms, errorMs: ms, slideMs: ms };
}

export function leastOf(a: Bounds, b: Bounds): Bounds {
  return {
    ttlMs: Math.min(a.ttlMs, b.ttlMs),
    revalidateMs: Math.min(a.revalidateMs, b.revalidateMs),
    errorMs: Math.min(a.errorMs, b.errorMs),
    slideMs: Math.min(a.slideMs, b.slideMs),
  };
}

/** `sinceReadMs`: how long ago the oldest of it was read, which is what a TTL slides from. */
export function lifetimeWithin(
  { ttlMs: plannedMs, strategy }: Terms,
  bounds: Bounds,
  sinceReadMs: Millis = 0,
): Lifetime {
  const ttlMs = Math.max(0, Math.min(plannedMs, bounds.ttlMs));
  const beyond = (windowMs: Millis, boundMs: Millis): Millis =>
    Math.max(0, Math.min(plannedMs + windowMs, boundMs) - ttlMs);
  return {
    ttlMs,
    slidingMs: Math.max(0, Math.min(strategy.slidingMs, bounds.slideMs + sinceReadMs)),
    staleWhileRevalidateMs: beyond(strategy.staleWhileRevalidateMs, bounds.revalidateMs),
    staleIfErrorMs: beyond(strategy.staleIfErrorMs, bounds.errorMs),
    // What ends with a part of it was shortened along with that one.
    jitter: bounds.ttlMs < plannedMs ? 0 : strategy.jitter,
    settleMs: strategy.settleMs,
  };
}

/**
 * Of a whole that is made of parts: no longer than the first of them, nor than who it is for; and
 * it is as old as the oldest of them, so that parts which were read too long ago to be served by a
 * node that does not hear the log are not served again as a new whole. `beganAt`: when its load
 * began, before any part was told of: what a part had left is counted from then, which is rather
 * too little than too much.
 */
export function lifetimeOfWhole(
  terms: Terms,
  { parts, audience, beganAt }: { parts: Parts; audience: Audience; beganAt: Millis },
): Lifetime & Pick<Fill, 'readAt' | 'settleMs'> {
  const bounds = leastOf(parts.bounds, boundsOf(audience));
  const sinceReadMs = beganAt - Math.min(parts.readAt, beganAt);
  return {
    ...lifetimeWithin(terms, bounds, sinceReadMs),
    settleMs: Math.max(terms.strategy.settleMs, parts.settleMs),
    readAt: parts.readAt,
  };
}

/** Of an answer with a null where something was asked for: nothing stretches it. */
export function negativeTerms({ ttlMs, strategy }: Terms): Terms {
  const { negativeTtlMs } = strategy;
  if (negativeTtlMs === undefined) return { ttlMs, strategy };
  return {
    ttlMs: Math.min(ttlMs, negativeTtlMs),
    strategy: { ...strategy, slidingMs: 0, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 },
  };
}

/**
 * What is about to expire is loaded along with the whole that is loaded early, or that would expire
 * as before. By chance as well, but within about a thousand times as long as it takes to load.
 */
const ALONG_WITH_THE_WHOLE = 1_000;

/**
 * What is done with what is found. What is one caller's own is not loaded again unless they ask:
 * their session may have ended, which nobody would notice but who asks.
 */
export function useOf(
  { strategy }: Terms,
  { exchange, audience }: { exchange: Exchange; audience: Audience },
): Use {
  const { earlyExpiry, refreshHits, lockMs } = strategy;
  return {
    earlyExpiry: exchange.loadsEarly ? ALONG_WITH_THE_WHOLE : earlyExpiry,
    refreshHits: audience.shared ? refreshHits : 0,
    lockMs,
  };
}
