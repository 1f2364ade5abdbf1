import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { documentMetrics } from './metrics-page.ts';

const PAGE = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url));

it('docs/metrics.md has every metric', async () => {
  await expect(documentMetrics()).toMatchFileSnapshot(PAGE);
});
