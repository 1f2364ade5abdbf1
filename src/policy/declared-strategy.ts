/**
 * What `@cacheStrategy` or the configuration declares at one coordinate, and how two declarations
 * become one. The members of both are listed here once, with what they may be.
 */

export interface DeclaredStrategy {
  readonly slidingSeconds?: number | undefined;
  readonly jitter?: number | undefined;
  readonly earlyExpiry?: number | undefined;
  readonly staleIfErrorSeconds?: number | undefined;
  readonly refreshHits?: number | undefined;
  readonly settleMs?: number | undefined;
  readonly negativeTtlSeconds?: number | undefined;
  readonly lockMs?: number | undefined;
}

/** What a number may be. */
export interface NumberRange {
  /** Begins a sentence on what was required: `whole seconds, 0 or more, were`. */
  readonly required: string;
  readonly whole: boolean;
  readonly max: number;
}

export interface StrategyMember {
  /** In the configuration. */
  readonly name: keyof DeclaredStrategy;
  /** Of the directive. */
  readonly argument: string;
  readonly range: NumberRange;
  /** Of two declarations. */
  readonly strictest: (a: number, b: number) => number;
}

export const SECONDS: NumberRange = {
  required: 'whole seconds, 0 or more, were', whole: true, max: Number.MAX_SAFE_INTEGER,
};

/** Half of a TTL may be taken off; more would be another TTL. */
export const JITTER_MAX = 0.5;
export const EARLY_EXPIRY_MAX = 100;
export const REFRESH_HITS_MAX = 1_000_000;
export const SETTLE_MS_MAX = 60_000;
export const LOCK_MS_MAX = 30_000;

export const STRATEGY_MEMBERS: readonly StrategyMember[] = [
  { name: 'slidingSeconds', argument: 'sliding', range: SECONDS, strictest: Math.min },
  { name: 'jitter', argument: 'jitter', range: upTo(JITTER_MAX), strictest: Math.max },
  {
    name: 'earlyExpiry', argument: 'earlyExpiry',
    range: upTo(EARLY_EXPIRY_MAX), strictest: Math.max,
  },
  { name: 'staleIfErrorSeconds', argument: 'staleIfError', range: SECONDS, strictest: Math.min },
  {
    name: 'refreshHits', argument: 'refresh',
    range: wholeUpTo(REFRESH_HITS_MAX), strictest: Math.min,
  },
  { name: 'settleMs', argument: 'settle', range: wholeUpTo(SETTLE_MS_MAX), strictest: Math.max },
  { name: 'negativeTtlSeconds', argument: 'negative', range: SECONDS, strictest: Math.min },
  { name: 'lockMs', argument: 'lock', range: wholeUpTo(LOCK_MS_MAX), strictest: Math.max },
];

function upTo(max: number): NumberRange {
  return { required: `a number from 0 to ${max} was`, whole: false, max };
}

function wholeUpTo(max: number): NumberRange {
  return { required: `a whole number from 0 to ${max} was`, whole: true, max };
}

/** What was required and what was got; `undefined` where nothing is wrong. */
export function numberProblem(value: unknown, { required, whole, max }: NumberRange) {
  const isNumber = typeof value === 'number' && value >= 0 && value <= max;
  const isRight = isNumber && (!whole || Number.isSafeInteger(value));
  return isRight ? undefined : `${required} required, got ${String(value)}.`;
}

/** What only one of the two declares, holds. */
export function strictestStrategy(
  a: DeclaredStrategy | undefined,
  b: DeclaredStrategy | undefined,
): DeclaredStrategy | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return strategyOf(({ name, strictest }) => {
    const [own, other] = [a[name], b[name]];
    return own === undefined || other === undefined ? own ?? other : strictest(own, other);
  });
}

/** `own`, and where it says nothing `otherwise`. */
export function orStrategy(
  own: DeclaredStrategy | undefined,
  otherwise: DeclaredStrategy | undefined,
): DeclaredStrategy | undefined {
  if (own === undefined || otherwise === undefined) return own ?? otherwise;
  return strategyOf(({ name }) => own[name] ?? otherwise[name]);
}

/** `value` of each member that has one; `undefined` where none has. */
export function strategyOf(
  value: (member: StrategyMember) => number | undefined,
): DeclaredStrategy | undefined {
  const declared: Partial<Record<keyof DeclaredStrategy, number>> = {};
  let isEmpty = true;
  for (const member of STRATEGY_MEMBERS) {
    const one = value(member);
    if (one === undefined) continue;
    declared[member.name] = one;
    isEmpty = false;
  }
  return isEmpty ? undefined : declared;
}
