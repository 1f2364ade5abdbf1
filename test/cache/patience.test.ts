import { describe, expect, it } from 'vitest';
import { Patience } from '../../src/cache/patience.ts';
import { pause } from '../../src/invalidation/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';

function world() {
  const clock = new ManualClock();
  const patience = new Patience(clock, 50);
  /** What answers after so long, of what the store may take. */
  const ask = (afterMs: number): Promise<string | undefined> =>
    patience.wait(() => pause(clock, afterMs).then(() => `after ${afterMs}`));
  return { clock, patience, ask };
}

describe('the patience of a request', () => {
  it('lets it wait for one read as long as the store does', async () => {
    const { clock, patience, ask } = world();
    const answer = ask(50);
    await clock.advanceAsync(50);
    expect(await answer).toBe('after 50');
    expect(patience.isOver).toBe(true);
  });

  it('gives a later read what the earlier ones have left', async () => {
    const { clock, patience, ask } = world();
    const first = ask(20);
    await clock.advanceAsync(20);
    expect(await first).toBe('after 20');
    await clock.advanceAsync(1_000);
    const second = ask(29);
    await clock.advanceAsync(29);
    expect(await second).toBe('after 29');
    expect(patience.isOver, 'a millisecond is left').toBe(false);
    const third = ask(10);
    await clock.advanceAsync(1);
    expect(await third).toBeUndefined();
    let asked = false;
    expect(await patience.wait(async () => {
      asked = true;
    })).toBeUndefined();
    expect(asked).toBe(false);
  });

  it('counts once what several reads wait together', async () => {
    const { clock, patience, ask } = world();
    const all = Promise.all([ask(10), ask(20), ask(30)]);
    await clock.advanceAsync(30);
    expect(await all).toEqual(['after 10', 'after 20', 'after 30']);
    const last = ask(19);
    await clock.advanceAsync(19);
    expect(await last).toBe('after 19');
    expect(patience.isOver).toBe(false);
  });

  it('ends for a read that begins while another waits', async () => {
    const { clock, patience, ask } = world();
    const first = ask(50);
    await clock.advanceAsync(40);
    const second = ask(30);
    await clock.advanceAsync(10);
    expect([await first, await second]).toEqual(['after 50', undefined]);
    expect(patience.isOver).toBe(true);
  });

  it('passes on what fails, and leaves no timer behind', async () => {
    const { clock, patience, ask } = world();
    const first = ask(1);
    await clock.advanceAsync(1);
    await first;
    const failed = patience.wait(() => Promise.reject(new Error('ours')));
    await expect(failed).rejects.toThrow('ours');
    expect(clock.pending).toBe(0);
  });
});
