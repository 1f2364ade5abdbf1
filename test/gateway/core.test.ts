import { expect, it } from 'vitest';
import { Core } from '../../src/gateway/core.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import type { Log } from '../../src/invalidation/log.ts';
import { InvalidationNode } from '../../src/invalidation/node.ts';
import { positionOf } from '../../src/invalidation/position.ts';
import { entityTag } from '../../src/invalidation/tag.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** Appends after `appendMs`, and lets nobody read of it. */
function coreOn(appendMs: number) {
  const clock = new ManualClock();
  const log = new MemoryLog({ clock });
  const slow: Log = {
    append: () => new Promise((resolve) => {
      clock.after(appendMs, () => resolve(positionOf(clock.wall() + 1_000_000, 0)));
    }),
    follow: (options) => log.follow(options),
    close: () => log.close(),
  };
  const random = seededRandom('core');
  const core = new Core({
    node: new InvalidationNode({ log: slow, clock, random, settleMs: 0 }),
    clock, random, redis: undefined, appendTimeoutMs: 250, maxStalenessMs: 5_000,
    l1: { bytesMax: 2 ** 20, entriesMax: 10 }, source: 'freshet',
  });
  return { clock, core };
}

it.each([[0, 100], [120, 220], [200, 250], [240, 250]])(
  'keeps a mutation whose append takes %d ms until %d ms where it cannot read of that',
  async (appendMs, untilMs) => {
    const { clock, core } = coreOn(appendMs);
    let endedAt: number | undefined;
    const invalidated = core.invalidate([{ kind: 'tag', tag: entityTag('User', '1') }], 'mutation');
    void invalidated.then(() => (endedAt = clock.now()));
    for (let ms = 0; ms < 400; ms += 10) await clock.advanceAsync(10);
    expect(endedAt).toBe(untilMs);
    await core.close();
  },
);
