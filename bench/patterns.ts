/**
 * How long patterns that are meant to hurt hold the event loop: 10,000 of them are read, remembered
 * and asked of an entry with 50 tags, and a cache of 20,000 entries is surveyed for each of a few.
 * Each step by itself is what nothing can interrupt; measured is the time on the processor, so that
 * it does not matter what else the machine does. Kernels count it in ticks of up to 4 ms.
 */
import { systemClock } from '../src/invalidation/clock.ts';
import { Horizon } from '../src/invalidation/horizon.ts';
import { readPattern } from '../src/invalidation/pattern.ts';
import { ORIGIN, positionOf } from '../src/invalidation/position.ts';
import type { Purge } from '../src/invalidation/purge.ts';
import { entityTag } from '../src/invalidation/tag.ts';
import { Surveyor } from '../src/gateway/survey.ts';
import { entryOf } from '../test/cache/samples.ts';

const COUNT = 10_000;
const LIMIT_MS = 5;

/** Each with a number in it, so that no two are the same. */
const HOSTILE: readonly ((n: number) => string)[] = [
  (n) => `/(((a+)+)+)+$${n}/`,
  (n) => `/(a|aa|aaa|.){1,9}${n}$/`,
  (n) => `/(\\pL{1,3}){1,12}${n}$/`,
  (n) => `/((a?){9}){9}${n}/`,
  (n) => `/(?i)(${'ab|'.repeat(40)}${n})+$/`,
  (n) => `/(?i)[a-\\x{10ffff}]${n}/`,
  (n) => `/(((${n}{9}){9}){9})/`,
  (n) => `/${'('.repeat(100)}${n}${')'.repeat(100)}/`,
  (n) => `${'*a'.repeat(15)}${n}`,
  (n) => `${'x'.repeat(10_240)}${n}*`,
  (n) => `/${'a?'.repeat(5_120)}${n}/`,
];

const longest = { read: 0, remembered: 0, checked: 0, turn: 0 };
const tags = Array.from({ length: 50 }, (_, n) => entityTag('user', `${'a'.repeat(36)}${n}`));
const horizon = new Horizon();
let refused = 0;

function timed<T>(step: keyof typeof longest, act: () => T): T {
  const beganAt = processorMs();
  try {
    return act();
  } finally {
    longest[step] = Math.max(longest[step], processorMs() - beganAt);
  }
}

/** Of this thread alone. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function read(text: string): Purge | undefined {
  try {
    return readPattern(text);
  } catch {
    refused += 1;
    return undefined;
  }
}

function one(n: number): void {
  const text = (HOSTILE[n % HOSTILE.length] as (typeof HOSTILE)[number])(n);
  const purge = timed('read', () => read(text));
  if (purge === undefined) return;
  timed('remembered', () => horizon.advance(positionOf(1, n + 1), [purge]));
  timed('checked', () => horizon.invalidatedSince(positionOf(1, Math.max(0, n - 50)), tags));
}

/** The longest time for which a task that is always due had to wait. */
async function surveyAll(): Promise<void> {
  const entries = Array.from({ length: 20_000 }, (_, n) =>
    entryOf('x', { tags: [`user:${'a'.repeat(36)}${n}`, `post:${n}`], stamp: ORIGIN }));
  const surveyor = new Surveyor({ entries: () => entries.values(), clock: systemClock });
  let isOver = false;
  let lastAt = processorMs();
  const watch = (): void => {
    const now = processorMs();
    longest.turn = Math.max(longest.turn, now - lastAt);
    lastAt = now;
    if (!isOver) setImmediate(watch);
  };
  watch();
  for (const text of HOSTILE) {
    const purge = read(text(7));
    await new Promise((resolve) => setImmediate(resolve));
    if (purge !== undefined) await surveyor.survey([purge]);
  }
  isOver = true;
}

// What is compiled by the engine on its first use is no property of a pattern.
for (let n = 0; n < 500; n += 1) one(n);
refused = 0;
Object.assign(longest, { read: 0, remembered: 0, checked: 0 });
for (let n = 500; n < COUNT + 500; n += 1) one(n);
process.stdout.write(`${COUNT} patterns, ${refused} refused; longest, in ms:\n`);
await surveyAll();
for (const [step, ms] of Object.entries(longest)) {
  const verdict = ms <= LIMIT_MS ? '' : `  above ${LIMIT_MS} ms`;
  process.stdout.write(`  ${step.padEnd(12)}${ms.toFixed(2)}${verdict}\n`);
}
