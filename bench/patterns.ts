/**
 * How long patterns that are meant to hurt hold the event loop: 10,000 of them are read, remembered
 * and asked of an entry with 50 tags, and a cache of 20,000 entries is surveyed for each of a few.
 * Each step by itself is what nothing can interrupt, and is made once. Told is what 999 of 1,000
 * take at most, and the longest: that is a collection of garbage (`--trace-gc` shows it), which
 * comes in whichever step it comes. Without the time in which the machine let others run.
 */
import { readFileSync } from 'node:fs';
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

const taken = {
  read: [] as number[], remembered: [] as number[], checked: [] as number[], turn: [] as number[],
};
const entries = Array.from({ length: 20_000 }, (_, n) =>
  entryOf('x', { tags: [`user:${'a'.repeat(36)}${n}`, `post:${n}`], stamp: ORIGIN }));
const surveyor = new Surveyor({ entries: () => entries.values(), clock: systemClock });
const horizon = new Horizon();
let refused = 0;
let moves = 0;

/** The second number of `schedstat` (proc(5)), in ns; where the kernel does not count, 0. */
const waitedMs = (): number => {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
};

/** Begins a step; what is returned ends it. */
function measure(step: keyof typeof taken): () => void {
  const waitedAt = waitedMs();
  const beganAt = performance.now();
  return () => taken[step].push(performance.now() - beganAt - (waitedMs() - waitedAt));
}

function timed<T>(step: keyof typeof taken, act: () => T): T {
  const end = measure(step);
  const result = act();
  end();
  return result;
}

function read(text: string): Purge | undefined {
  try {
    return readPattern(text);
  } catch {
    return undefined;
  }
}

function one(n: number): void {
  const text = (HOSTILE[n % HOSTILE.length] as (typeof HOSTILE)[number])(n);
  const purge = timed('read', () => read(text));
  if (purge === undefined) {
    refused += 1;
    return;
  }
  timed('remembered', () => horizon.advance(positionOf(1, moves += 1), [purge]));
  // Others each time, since it is remembered of a tag which patterns match it: so each is asked.
  const tags = Array.from({ length: 50 }, (_, at) =>
    entityTag('user', `${'a'.repeat(36)}${n}-${at}`));
  timed('checked', () => horizon.invalidatedSince(horizon.floor, tags));
}

/** How long a task that is always due has to wait. */
async function surveyAll(): Promise<void> {
  let isOver = false;
  let end = measure('turn');
  const watched = new Promise<void>((resolve) => {
    const watch = (): void => {
      end();
      if (isOver) return resolve();
      end = measure('turn');
      setImmediate(watch);
    };
    setImmediate(watch);
  });
  for (const text of HOSTILE) {
    const purge = read(text(7));
    await new Promise((resolve) => setImmediate(resolve));
    if (purge !== undefined) await surveyor.survey([purge]);
  }
  isOver = true;
  await watched;
}

// What is compiled by the engine on its first use is no property of a pattern.
for (let n = 0; n < 500; n += 1) one(n);
await surveyAll();
refused = 0;
for (const all of Object.values(taken)) all.length = 0;
for (let n = 500; n < COUNT + 500; n += 1) one(n);
await surveyAll();
process.stdout.write(`${COUNT} patterns, ${refused} refused; 99.9 %, longest, in ms:\n`);
for (const [step, all] of Object.entries(taken)) {
  const sorted = all.toSorted((one, other) => one - other);
  const [most = 0, longest = 0] = [sorted[Math.floor(0.999 * sorted.length)], sorted.at(-1)];
  const verdict = most <= LIMIT_MS ? '' : `  above ${LIMIT_MS} ms`;
  const figures = [most, longest].map((ms) => ms.toFixed(2).padStart(8)).join('');
  process.stdout.write(`  ${step.padEnd(12)}${figures}${verdict}\n`);
}
