/**
 * How long patterns that are meant to hurt hold the event loop: 10,000 of them are read, remembered
 * and asked of an entry with 50 tags, and a cache of 20,000 entries is surveyed for each of a few.
 * Each step by itself is what nothing can interrupt. It is made once, and the slowest of all counts,
 * without the time in which the machine let others run; in brackets with it.
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

/** Of what was measured, the longest so far. */
interface Longest {
  /** Without the time in which this thread was ready to run and had no processor. */
  ownMs: number;
  /** With it. */
  fullMs: number;
}

const none = (): Longest => ({ ownMs: 0, fullMs: 0 });
const longest = { read: none(), remembered: none(), checked: none(), turn: none() };
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
function measure(step: Longest): () => void {
  const waitedAt = waitedMs();
  const beganAt = performance.now();
  return () => {
    const fullMs = performance.now() - beganAt;
    step.fullMs = Math.max(step.fullMs, fullMs);
    step.ownMs = Math.max(step.ownMs, fullMs - (waitedMs() - waitedAt));
  };
}

function timed<T>(step: keyof typeof longest, act: () => T): T {
  const end = measure(longest[step]);
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
  let end = measure(longest.turn);
  const watch = (): void => {
    end();
    end = measure(longest.turn);
    if (!isOver) setImmediate(watch);
  };
  setImmediate(watch);
  for (const text of HOSTILE) {
    const purge = read(text(7));
    await new Promise((resolve) => setImmediate(resolve));
    if (purge !== undefined) await surveyor.survey([purge]);
  }
  isOver = true;
}

// What is compiled by the engine on its first use is no property of a pattern.
for (let n = 0; n < 500; n += 1) one(n);
await surveyAll();
refused = 0;
for (const step of Object.values(longest)) Object.assign(step, none());
for (let n = 500; n < COUNT + 500; n += 1) one(n);
await surveyAll();
process.stdout.write(`${COUNT} patterns, ${refused} refused; longest, in ms:\n`);
for (const [step, { ownMs, fullMs }] of Object.entries(longest)) {
  const verdict = ownMs <= LIMIT_MS ? '' : `  above ${LIMIT_MS} ms`;
  process.stdout.write(
    `  ${step.padEnd(12)}${ownMs.toFixed(2)} (${fullMs.toFixed(2)})${verdict}\n`);
}
