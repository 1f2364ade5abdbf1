import { describe, expect, it } from 'vitest';
import { fault } from '../../../src/invalidation/errors.ts';
import { SourceLoop } from '../../../src/ops/sources/source-loop.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function loopThat(work: (loop: SourceLoop, attempt: number) => Promise<void> | void) {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const startedAt: number[] = [];
  const loop: SourceLoop = new SourceLoop({
    name: 'shop', clock, random: () => 1, warn: (text) => warnings.push(text),
    work: async () => {
      startedAt.push(clock.now());
      await work(loop, startedAt.length);
    },
  });
  return { clock, warnings, startedAt, loop };
}

const fails = (): Promise<never> => Promise.reject(fault('LOG_UNAVAILABLE', { reason: 'a test' }));

describe('a loop of sessions', () => {
  it('begins another one after a pause that grows to 5 s', async () => {
    const { clock, startedAt, loop } = loopThat(fails);
    loop.start();
    await clock.advanceAsync(20_000);
    const pauses = startedAt.map((at, index) => at - (startedAt[index - 1] ?? 0)).slice(1);
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    expect(loop.counts).toEqual({
      name: 'shop', isWorking: false, delivered: 0, refused: 0, failures: startedAt.length,
    });
    await loop.close();
    expect(clock.pending).toBe(0);
  });

  it('begins soon after one that delivered something', async () => {
    const { clock, startedAt, loop } = loopThat((one, attempt) => {
      one.isWorking = true;
      if (attempt > 6) one.delivered(2);
      return fails();
    });
    loop.start();
    await clock.advanceAsync(4_000);
    const pauses = startedAt.map((at, index) => at - (startedAt[index - 1] ?? 0)).slice(1);
    expect(pauses.slice(0, 8)).toEqual([50, 100, 200, 400, 800, 1_600, 50, 50]);
    expect(loop.counts.isWorking).toBe(false);
    await loop.close();
  });

  it('tells of each matter once a minute, by the name of the source', async () => {
    const { clock, warnings, loop } = loopThat((one) => {
      one.refused('MESSAGE_INVALID');
      return fails();
    });
    loop.start();
    await clock.advanceAsync(50_000);
    expect(warnings).toEqual([
      'source shop: something that cannot be read was passed over: MESSAGE_INVALID',
      'source shop: it is tried again: The log cannot be reached: a test.',
    ]);
    await clock.advanceAsync(50_000);
    expect(warnings).toHaveLength(4);
    await loop.close();
  });

  it('is closed at once between sessions, and after 5 s within one that does not end', async () => {
    const idle = loopThat(fails);
    idle.loop.start();
    await idle.clock.advanceAsync(10);
    await idle.loop.close();
    const stuck = loopThat(() => new Promise(() => undefined));
    stuck.loop.start();
    let isClosed = false;
    const closing = stuck.loop.close().then(() => (isClosed = true));
    await stuck.clock.advanceAsync(4_999);
    expect(isClosed).toBe(false);
    await stuck.clock.advanceAsync(1);
    await closing;
  });

  it('is closed without ever having begun', async () => {
    const { loop } = loopThat(fails);
    await loop.close();
    expect(loop.counts.failures).toBe(0);
  });
});
