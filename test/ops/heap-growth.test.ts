import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { NEW_SPACE_ARGUMENT, withBoundNewSpace } from '../../src/ops/heap-growth.ts';

const file = fileURLToPath(new URL('heap-growth-process.ts', import.meta.url));

async function grown(how: 'bound' | 'free'): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [file, how]);
  return (JSON.parse(stdout) as { oldBytesMax: number }).oldBytesMax;
}

it('lets less of what is no longer alive lie in the heap', async () => {
  const [bound, free] = await Promise.all([grown('bound'), grown('free')]);
  expect(bound).toBeLessThan(0.9 * free);
});

it('bounds the space for new objects of a process that is started, unless somebody has', () => {
  const own = NEW_SPACE_ARGUMENT;
  expect(withBoundNewSpace(['--inspect'])).toEqual(['--inspect', own]);
  expect(withBoundNewSpace([], '--max-old-space-size=512')).toEqual([own]);
  expect(withBoundNewSpace(['--max-semi-space-size=64'])).toEqual(['--max-semi-space-size=64']);
  expect(withBoundNewSpace([], '--semi-space-growth-factor=1')).toEqual([]);
});

it('is the same space in the image, for the one process there', () => {
  const image = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
  expect(image).toContain(`\nENV NODE_OPTIONS=${NEW_SPACE_ARGUMENT}\n`);
});
