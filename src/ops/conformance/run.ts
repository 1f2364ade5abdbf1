/**
 * Runs the checks, one after the other, against a cache that stands before the kit's origin. Each
 * check has its time, and so have all of them together; what a check leaves behind is undone.
 */
import { pause, type Clock, type Millis, type Random } from '../../invalidation/clock.ts';
import type { Adapter } from './adapter.ts';
import type { Check } from './check.ts';
import { Endpoint, valueAt } from './endpoint.ts';
import type { Origin } from './origin/origin.ts';
import { Trial } from './trial.ts';
import { Failed, NotApplicable, type Verdict } from './verdict.ts';

export interface RunOptions {
  readonly checks: readonly Check[];
  readonly origin: Origin;
  /** URLs of the nodes of the cache. */
  readonly targets: readonly string[];
  readonly adapter: Adapter;
  readonly callers: readonly [string, string];
  readonly settleMs: Millis;
  /** For one check. */
  readonly checkMs: Millis;
  /** For all of them together. */
  readonly totalMs: Millis;
  /** How long the targets may take until they answer. */
  readonly waitMs: Millis;
  readonly clock: Clock;
  readonly random: Random;
}

/** Resolves with a verdict for each check. Rejects where a target does not answer. */
export async function runChecks(options: RunOptions): Promise<readonly Verdict[]> {
  const { checks, clock, totalMs } = options;
  const endpoints = options.targets.map((url) => new Endpoint(url));
  for (const endpoint of endpoints) await answersForOrigin(endpoint, options);
  const end = clock.now() + totalMs;
  const verdicts: Verdict[] = [];
  for (const check of checks) verdicts.push(await judge(check, { ...options, endpoints, end }));
  return verdicts;
}

async function judge(
  check: Check,
  options: RunOptions & { readonly endpoints: readonly Endpoint[]; readonly end: Millis },
): Promise<Verdict> {
  const { clock, random, origin, end } = options;
  const { name, requires } = check;
  const begun = clock.now();
  const checkMs = Math.min(options.checkMs, end - begun);
  const aborter = new AbortController();
  const { signal } = aborter;
  const prefix = `${origin.run}-${name}-${Math.floor(random() * 1e9).toString(36)}`;
  const trial = new Trial({ ...options, signal, prefix });
  const tooLate = pause(clock, checkMs, signal).then(() => {
    throw new Failed(`an end within ${Math.round(checkMs)} ms was required, got none`);
  });
  // Where the check ends first, nobody waits for it any more.
  tooLate.catch(() => undefined);
  const settled = await Promise.race([check.run(trial), tooLate])
    .then(() => ({ outcome: 'pass', detail: '' }) as const, verdictOn);
  aborter.abort();
  origin.watch.reset();
  return { check: name, requires, ...settled, ms: Math.round(clock.now() - begun) };
}

function verdictOn(error: unknown): Pick<Verdict, 'outcome' | 'detail'> {
  const text = error instanceof Error ? error.message : String(error);
  const detail = text.replaceAll(/\s+/g, ' ').trim();
  return { outcome: error instanceof NotApplicable ? 'not applicable' : 'fail', detail };
}

const LOOK_AGAIN_MS = 100;
const ASK_MS_MAX = 5_000;

/** Each time by another question, so that no cache has the answer of an earlier origin. */
async function answersForOrigin(
  endpoint: Endpoint,
  { origin, clock, random, waitMs }: RunOptions,
): Promise<void> {
  const deadline = clock.now() + waitMs;
  for (;;) {
    const aborter = new AbortController();
    const cancel = clock.after(ASK_MS_MAX, () => aborter.abort());
    const seen = await endpoint.ask({
      query: 'query ($left: String!) { echo(left: $left, right: "") { run } }',
      variables: { left: `${origin.run}${random()}` },
    }, aborter.signal).catch((error: Error) => error);
    cancel();
    const run = seen instanceof Error ? undefined : valueAt(seen, 'echo.run');
    if (run === origin.run) return;
    if (clock.now() >= deadline) throw new Error(strange(endpoint, seen, run));
    await pause(clock, LOOK_AGAIN_MS);
  }
}

function strange({ url }: Endpoint, seen: { errors: readonly unknown[] } | Error, run: unknown) {
  if (seen instanceof Error) return seen.message;
  const got = typeof run === 'string' ? 'that of another' : JSON.stringify(seen.errors);
  return `${url}: the answer of the kit's origin was required, got ${got}`;
}
