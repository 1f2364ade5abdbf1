/** The page of a recipe against the recipe: what it shows is there, what it runs does so. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { Recipe } from './recipe.ts';

const run = promisify(execFile);

/** The schema and the code that the page shows are parts of the example as it is. */
export function expectShown(name: string): void {
  const folder = `examples/recipes/${name}/`;
  const shown = blocksOf(name).filter(({ title }) => title.startsWith(folder));
  const files = new Set(shown.map(({ title }) => title.slice(folder.length)));
  expect(files).toEqual(new Set(['schema.graphql', 'service.ts']));
  for (const { title, text } of shown) {
    expect(readFileSync(new URL(`../../${title}`, import.meta.url), 'utf8')).toContain(text);
  }
}

/**
 * The page asks twice, and then has a hit; it changes something in the service, and asks again: a
 * miss with what has changed. Its commands are run as they are, but for the ports.
 */
export async function expectCommands(name: string, recipe: Recipe): Promise<void> {
  const { nodes: [node], service } = recipe;
  const [ask = '', change = '', ...others] = blocksOf(name)
    .filter(({ text }) => text.startsWith('curl'))
    .map(({ text }) => text
      .replaceAll('http://127.0.0.1:4000/graphql', node.url)
      .replaceAll('http://127.0.0.1:4101/graphql', service.url));
  expect(others).toEqual([]);
  const shell = async (command: string): Promise<string> =>
    (await run('sh', ['-c', command], { timeout: 10_000 })).stdout;
  const dataOf = (answer: string): string => /^\{"data".*/m.exec(answer)?.[0] ?? '';
  const [first, hit] = [await shell(ask), await shell(ask)];
  expect(hit).toMatch(/^cache-status: .*hit/im);
  expect(dataOf(first)).not.toBe('');
  expect(dataOf(hit)).toBe(dataOf(first));
  expect(await shell(change)).not.toContain('"errors"');
  await expect.poll(() => shell(ask)).toMatch(/fwd=miss/);
  expect(dataOf(await shell(ask))).not.toBe(dataOf(hit));
}

function blocksOf(name: string) {
  const page = readFileSync(new URL(`../../docs/recipes/${name}.md`, import.meta.url), 'utf8');
  return [...page.matchAll(/^```\w+(?: title="(.+)")?\n([\s\S]*?)^```$/gm)]
    .map(([, title = '', text = '']) => ({ title, text }));
}
