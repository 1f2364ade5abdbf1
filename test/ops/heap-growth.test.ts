import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  boundNewSpace, growthPercent, markingArguments, NEW_SPACE_ARGUMENT, withBoundNewSpace,
} from '../../src/ops/heap-growth.ts';

const MIB = 2 ** 20;
const file = fileURLToPath(new URL('heap-growth-process.ts', import.meta.url));

type How = 'free' | 'growth alone' | 'bound' | 'lent';

async function grown(
  how: How,
  load: 'busy' | 'caching' | 'filling' = 'filling',
): Promise<Grown> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, how, load]);
  expect(stderr).not.toContain('unrecognized flag');
  return JSON.parse(stdout) as Grown;
}

interface Grown {
  readonly oldBytesMax: number;
  readonly collections: number;
  /** Of these, those for which all was marked at once. */
  readonly unmarked: number;
}

describe('what is no longer alive', () => {
  it('lies in the heap to a smaller part', async () => {
    const [bound, free] = await Promise.all([grown('bound'), grown('free')]);
    expect(bound.oldBytesMax).toBeLessThan(0.9 * free.oldBytesMax);
  });

  it('is not looked for before it can be much', async () => {
    const [bound, alone] = await Promise.all([
      grown('bound', 'busy'), grown('growth alone', 'busy'),
    ]);
    expect(bound.collections).toBeLessThan(0.6 * alone.collections);
    expect(bound.oldBytesMax).toBeLessThan(1.5 * alone.oldBytesMax);
  });

  it('is marked beside the program, also where half of what lives is Buffers', async () => {
    const { collections, unmarked } = await grown('bound', 'caching');
    expect(collections).toBeGreaterThan(2);
    expect(unmarked).toBeLessThan(0.3 * collections);
  });

  it('has the room that a cache does not take yet', async () => {
    const [lent, bound] = await Promise.all([grown('lent'), grown('bound')]);
    expect(lent.oldBytesMax).toBeGreaterThan(1.2 * bound.oldBytesMax);
  });
});

it.each([
  { usedBytes: 64 * MIB, bytesMax: 256 * MIB, percent: 100 },
  { usedBytes: 128 * MIB, bytesMax: 256 * MIB, percent: 50 },
  { usedBytes: 150 * MIB, bytesMax: 256 * MIB, percent: 28 },
  { usedBytes: 190 * MIB, bytesMax: 256 * MIB, percent: 16 },
  { usedBytes: 300 * MIB, bytesMax: 256 * MIB, percent: 16 },
  { usedBytes: 64 * MIB, bytesMax: 1 * MIB, percent: 16 },
])('is let grow by $percent % with $usedBytes of $bytesMax taken', ({ percent, ...memory }) => {
  expect(growthPercent(memory)).toBe(percent);
});

it.each([
  ['12.4.254.21-node.33', false],
  ['13.6.233.17-node.28', true],
  ['14.6.202.1-node.1', true],
  ['14.8.1', false],
  ['15.0.2', false],
])('asks V8 %s for what it knows and does not do by itself', (v8, isAsked) => {
  const flag = '--external-memory-accounted-in-global-limit';
  expect(markingArguments(v8).includes(flag)).toBe(isAsked);
});

it('bounds the space for new objects of a process that is started, unless somebody has', () => {
  const own = NEW_SPACE_ARGUMENT;
  expect(withBoundNewSpace(['--inspect'])).toEqual(['--inspect', own]);
  expect(withBoundNewSpace([], '--max-old-space-size=512')).toEqual([own]);
  expect(withBoundNewSpace(['--max-semi-space-size=64'])).toEqual(['--max-semi-space-size=64']);
  expect(withBoundNewSpace(['--max_semi_space_size=64'])).toEqual(['--max_semi_space_size=64']);
  expect(withBoundNewSpace([], '--semi-space-growth-factor=1')).toEqual([]);
});

it('begins a process anew for that, once', () => {
  const begun: (readonly string[])[] = [];
  const start = (execArgv: string[], env = {}): void =>
    boundNewSpace((anew) => begun.push(anew), { execArgv, env });
  start(['--inspect']);
  start(['--inspect', NEW_SPACE_ARGUMENT]);
  start([], { NODE_OPTIONS: '--max-semi-space-size=64' });
  expect(begun).toEqual([['--inspect', NEW_SPACE_ARGUMENT]]);
});
