import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const file = fileURLToPath(new URL('heap-growth-process.ts', import.meta.url));

async function grown(how: 'bound' | 'free'): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [file, how]);
  return (JSON.parse(stdout) as { oldBytesMax: number }).oldBytesMax;
}

it('lets less of what is no longer alive lie in the heap', async () => {
  const [bound, free] = await Promise.all([grown('bound'), grown('free')]);
  expect(bound).toBeLessThan(0.9 * free);
});
