/**
 * Gathers the strategy of an operation from all that it can touch. What lets an answer live longer
 * (a sliding TTL, a stale window) ends where the first part's ends; of the rest the strictest wins.
 */
import { strategyOf, strictestStrategy, type DeclaredStrategy } from './declared-strategy.ts';
import { least, type Rule } from './rule.ts';
import type { Strategy } from './strategy.ts';

/** Of one part, in milliseconds; `undefined` where nothing is declared. */
export interface Windows {
  /** From the read of the origin on. */
  readonly sliding: number | undefined;
  /** Past the TTL, as is the next. */
  readonly revalidate: number | undefined;
  readonly error: number | undefined;
}

type WindowName = keyof Windows;

const WINDOW_NAMES: readonly WindowName[] = ['sliding', 'revalidate', 'error'];

export interface StrategyLimits {
  readonly maxTtlMs: number;
  readonly maxStaleWhileRevalidateMs: number;
  readonly maxStaleIfErrorMs: number;
}

export class StrategySurvey {
  readonly #limits: StrategyLimits;
  /** From the read of the origin on, how long the first part lets the whole be of use. */
  readonly #usableMs = unbounded();
  /** Declared by parts that have no TTL of their own: they take that of the whole. */
  readonly #windowMs = unbounded();
  #demands: DeclaredStrategy | undefined;
  #ttlMs = Number.POSITIVE_INFINITY;

  constructor(limits: StrategyLimits) {
    this.#limits = limits;
  }

  /** The least of the TTLs; infinite where no part has one. */
  get ttlMs(): number {
    return this.#ttlMs;
  }

  /** One part. An infinite TTL: it takes what holds it. */
  bound(ttlMs: number, windows: Windows): void {
    if (!Number.isFinite(ttlMs)) {
      for (const name of WINDOW_NAMES) lower(this.#windowMs, name, windows[name]);
      return;
    }
    const partMs = Math.min(ttlMs, this.#limits.maxTtlMs);
    this.#ttlMs = Math.min(this.#ttlMs, partMs);
    for (const name of WINDOW_NAMES) {
      const ms = windows[name] ?? 0;
      lower(this.#usableMs, name, name === 'sliding' ? Math.max(partMs, ms) : partMs + ms);
    }
  }

  /** What only ever makes stricter. */
  demand(declared: DeclaredStrategy | undefined): void {
    this.#demands = strictestStrategy(this.#demands, declared);
  }

  /** Of the whole, which is kept for `ttlMs`. */
  strategy(ttlMs: number): Strategy {
    const { maxTtlMs, maxStaleWhileRevalidateMs, maxStaleIfErrorMs } = this.#limits;
    const demands = this.#demands ?? {};
    const { negativeTtlSeconds } = demands;
    const slidingMs = Math.min(this.#usableMs.sliding, this.#windowMs.sliding, maxTtlMs);
    const isBounded = Number.isFinite(this.#ttlMs);
    return {
      slidingMs: isBounded && slidingMs > ttlMs ? slidingMs : 0,
      jitter: demands.jitter ?? 0,
      earlyExpiry: demands.earlyExpiry ?? 0,
      staleWhileRevalidateMs: this.#pastMs('revalidate', maxStaleWhileRevalidateMs),
      staleIfErrorMs: this.#pastMs('error', maxStaleIfErrorMs),
      refreshHits: demands.refreshHits ?? 0,
      settleMs: demands.settleMs ?? 0,
      negativeTtlMs: negativeTtlSeconds === undefined
        ? undefined
        : Math.min(negativeTtlSeconds * 1_000, ttlMs),
      lockMs: demands.lockMs ?? 0,
    };
  }

  #pastMs(name: WindowName, maxMs: number): number {
    if (!Number.isFinite(this.#ttlMs)) return 0;
    return Math.min(this.#usableMs[name] - this.#ttlMs, this.#windowMs[name], maxMs);
  }
}

function unbounded(): Record<WindowName, number> {
  const infinite = Number.POSITIVE_INFINITY;
  return { sliding: infinite, revalidate: infinite, error: infinite };
}

function lower(ms: Record<WindowName, number>, name: WindowName, value: number | undefined): void {
  ms[name] = Math.min(ms[name], value ?? Number.POSITIVE_INFINITY);
}

export function windowsOf({ strategy, staleWhileRevalidateSeconds }: Rule): Windows {
  return {
    sliding: millis(strategy?.slidingSeconds),
    revalidate: millis(staleWhileRevalidateSeconds),
    error: millis(strategy?.staleIfErrorSeconds),
  };
}

function millis(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}

/** `own`, and where it says nothing `otherwise`. */
export function orWindows(own: Windows, otherwise: Windows): Windows {
  return {
    sliding: own.sliding ?? otherwise.sliding,
    revalidate: own.revalidate ?? otherwise.revalidate,
    error: own.error ?? otherwise.error,
  };
}

/** What holds whichever of them it is; what says nothing has none. */
export function leastWindows(all: readonly Windows[]): Windows {
  const leastOf = (name: WindowName): number => Math.min(...all.map((one) => one[name] ?? 0));
  const [sliding, revalidate] = [leastOf('sliding'), leastOf('revalidate')];
  return { sliding, revalidate, error: leastOf('error') };
}

/** The rule, with what the interface or union above it forbids; what that allows is its own. */
export function limitedBy<Limited extends Rule>(rule: Limited, above: Rule): Limited {
  const { strategy, staleWhileRevalidateSeconds: staleSeconds } = rule;
  const strictest = strictestStrategy(strategy, above.strategy);
  const aboveSliding = above.maxAgeSeconds === undefined
    ? above.strategy?.slidingSeconds
    : Math.max(above.maxAgeSeconds, above.strategy?.slidingSeconds ?? 0);
  const slidingSeconds = strategy?.slidingSeconds;
  return {
    ...rule,
    staleWhileRevalidateSeconds: staleSeconds === undefined
      ? undefined
      : least(staleSeconds, above.staleWhileRevalidateSeconds),
    strategy: strategyOf(({ name }) => {
      if (name === 'slidingSeconds') return slidingSeconds && least(slidingSeconds, aboveSliding);
      const isAllowed = name !== 'staleIfErrorSeconds' || strategy?.[name] !== undefined;
      return isAllowed ? strictest?.[name] : undefined;
    }),
  };
}
