import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

it('the outbox for PostgreSQL loads no client of PostgreSQL', async () => {
  const index = new URL('../../../src/invalidation/postgres/index.ts', import.meta.url).href;
  const script = `
    import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });
    await import(${JSON.stringify(index)});
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  const loaded = stdout.trim().split('\n');
  expect(loaded).toContain(index);
  expect(loaded.filter((url) => /\/node_modules\/(pg|pg-.*|graphql.*)\//.test(url))).toEqual([]);
});
