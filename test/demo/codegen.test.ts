import { readFile } from 'node:fs/promises';
import { generate } from '@graphql-codegen/cli';
import { expect, test } from 'vitest';
import config from '../../codegen.ts';

test('the generated types of the sample services are those of their SDL', async () => {
  const files = (await generate({ ...config, silent: true }, false)) as GeneratedFile[];
  expect(files.length).toBeGreaterThan(0);
  for (const { filename, content } of files) {
    const written = await readFile(filename, 'utf8').catch(() => '');
    expect(written, `${filename} is out of date: npm run codegen`).toBe(content);
  }
});

interface GeneratedFile {
  filename: string;
  content: string;
}
