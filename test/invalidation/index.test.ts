import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

describe('freshet-gateway/invalidation', () => {
  it('loads no GraphQL package', async () => {
    const index = new URL('../../src/invalidation/index.ts', import.meta.url).href;
    const script = `
      import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });
      await import(${JSON.stringify(index)});
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
    const loaded = stdout.trim().split('\n');
    expect(loaded).toContain(index);
    const packages = loaded.flatMap((url) => url.split('/node_modules/').slice(1));
    expect(packages.filter((path) => /graphql|envelop|yoga/i.test(path))).toEqual([]);
    expect(packages.some((path) => path.startsWith('re2js/'))).toBe(true);
    const ours = loaded.filter((url) => /\/src\//.test(url) && !url.includes('node_modules'));
    expect(ours.filter((url) => !url.includes('/src/invalidation/'))).toEqual([]);
  });
});
