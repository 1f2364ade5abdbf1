import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MIB = 1024 * 1024;
const file = fileURLToPath(new URL('heap-growth-process.ts', import.meta.url));

/** How large the space for new objects came to be; without `flags` nothing bounds it. */
async function grown(...flags: readonly string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...flags]);
  return (JSON.parse(stdout) as { newBytesMax: number }).newBytesMax;
}

it('bounds the space for new objects, unless it was set by who started the process', async () => {
  const [unbound, bound, set] = await Promise.all([
    grown(), grown('--enable-source-maps'), grown('--max-semi-space-size=64'),
  ]);
  expect(bound).toBeLessThan(unbound);
  expect(bound).toBeLessThanOrEqual(24 * MIB);
  expect(set).toBeGreaterThan(bound);
});
