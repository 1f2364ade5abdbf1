/**
 * How long patterns that are meant to hurt hold the event loop: 10,000 of them are read, remembered
 * and asked of an entry with 50 tags, and a cache of 20,000 entries is surveyed for each of a few.
 * Each step by itself is what nothing can interrupt. Each is made three times, and the quickest
 * counts, so that it does not matter what else the machine does.
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
const TIMES = 3;

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
/** Others each time: it is remembered of a tag which patterns match it. */
const tags = Array.from({ length: TIMES }, (_, time) =>
  Array.from({ length: 50 }, (__, n) => entityTag('user', `${'a'.repeat(36)}${time}${n}`)));
const entries = Array.from({ length: 20_000 }, (_, n) =>
  entryOf('x', { tags: [`user:${'a'.repeat(36)}${n}`, `post:${n}`], stamp: ORIGIN }));
const surveyor = new Surveyor({ entries: () => entries.values(), clock: systemClock });
const horizon = new Horizon();
let refused = 0;
let moves = 0;

/** What `act` returns the last time; it is to take as long each time. */
function timed<T>(step: keyof typeof longest, act: (time: number) => T): T {
  let quickest = Number.POSITIVE_INFINITY;
  let result: T;
  let times = 0;
  do {
    const beganAt = performance.now();
    result = act(times);
    quickest = Math.min(quickest, performance.now() - beganAt);
    times += 1;
  } while (times < TIMES);
  longest[step] = Math.max(longest[step], quickest);
  return result;
}

async function inTurn<T>(act: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let times = 0; times < TIMES; times += 1) results.push(await act());
  return results;
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
  // So that every pattern which is remembered is asked.
  timed('checked', (time) => horizon.invalidatedSince(horizon.floor, tags[time] ?? []));
}

/** The longest time for which a task that is always due had to wait. */
async function surveyAll(): Promise<number> {
  let longestTurn = 0;
  let isOver = false;
  let lastAt = performance.now();
  const watch = (): void => {
    const now = performance.now();
    longestTurn = Math.max(longestTurn, now - lastAt);
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
  return longestTurn;
}

// What is compiled by the engine on its first use is no property of a pattern.
for (let n = 0; n < 500; n += 1) one(n);
refused = 0;
Object.assign(longest, { read: 0, remembered: 0, checked: 0 });
for (let n = 500; n < COUNT + 500; n += 1) one(n);
process.stdout.write(`${COUNT} patterns, ${refused} refused; longest, in ms:\n`);
longest.turn = Math.min(...await inTurn(surveyAll));
for (const [step, ms] of Object.entries(longest)) {
  const verdict = ms <= LIMIT_MS ? '' : `  above ${LIMIT_MS} ms`;
  process.stdout.write(`  ${step.padEnd(12)}${ms.toFixed(2)}${verdict}\n`);
}
