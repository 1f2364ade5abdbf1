import { expect, it } from 'vitest';
import { resolveConfig } from '../../../src/gateway/config/config.ts';
import { ORIGIN } from '../../../src/invalidation/position.ts';
import { lagReader } from '../../../src/ops/metrics/lag.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { freePort } from '../../support/process.ts';

it('gives up on a log that is silent before colleagues give up on this process', async () => {
  const clock = new ManualClock();
  const redis = `redis://127.0.0.1:${await freePort()}`;
  const config = resolveConfig({ supergraph: 'unused', redis, workers: 1 });
  const reader = lagReader(config, { clock, random: () => 0.5, isLogOwn: false });
  try {
    const lag = reader.lagOf(ORIGIN);
    await clock.advanceAsync(600);
    expect(await lag).toBeUndefined();
  } finally {
    reader.close();
  }
});
