import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { documentErrors } from './errors-page.ts';

const PAGE = fileURLToPath(new URL('../../docs/errors.md', import.meta.url));

it('docs/errors.md has every code, its status and what to do', async () => {
  await expect(documentErrors()).toMatchFileSnapshot(PAGE);
});
