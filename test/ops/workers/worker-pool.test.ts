import { setImmediate as macrotask } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WorkerPool, type PooledWorker } from '../../../src/ops/workers/worker-pool.ts';
import { ManualClock } from '../../support/manual-clock.ts';

interface Fake extends PooledWorker {
  readonly place: number;
  readonly listen: (where: unknown) => void;
  readonly exit: (code: number) => void;
  asked: boolean;
}

function fake(place: number): Fake {
  const ready = Promise.withResolvers<unknown>();
  const ended = Promise.withResolvers<number>();
  const worker: Fake = {
    place,
    ready: ready.promise,
    ended: ended.promise,
    end: () => {
      worker.asked = true;
    },
    listen: ready.resolve,
    exit: ended.resolve,
    asked: false,
  };
  return worker;
}

function pool(size: number) {
  const clock = new ManualClock();
  const started: Fake[] = [];
  const replaced: number[] = [];
  const made = new WorkerPool({
    size,
    clock,
    random: () => 0.5,
    start: (place) => {
      const worker = fake(place);
      started.push(worker);
      return worker;
    },
    onReplaced: (exitCode) => replaced.push(exitCode),
  });
  return { clock, started, replaced, pool: made };
}

describe('a pool of workers', () => {
  it('starts one, and the others once that one listens', async () => {
    const { pool: made, started } = pool(3);
    const opened = made.open();
    await macrotask();
    expect(started).toHaveLength(1);
    started[0]?.listen({ url: 'here' });
    expect(await opened).toEqual({ kind: 'ready', said: { url: 'here' } });
    expect(started).toHaveLength(3);
  });

  it('fails with the exit code of the first one, and starts no other', async () => {
    const { pool: made, started } = pool(3);
    const opened = made.open();
    started[0]?.exit(2);
    expect(await opened).toEqual({ kind: 'failed', exitCode: 2 });
    expect(started).toHaveLength(1);
  });

  it('replaces at once a worker that had run for long, and soon one that had not', async () => {
    const { pool: made, started, replaced, clock } = pool(1);
    const opened = made.open();
    started[0]?.listen(null);
    await opened;
    await clock.advanceAsync(60_000);
    started[0]?.exit(9);
    await macrotask();
    expect(started).toHaveLength(2);
    started[1]?.exit(1);
    await macrotask();
    expect(started).toHaveLength(2);
    await clock.advanceAsync(10_000);
    expect(started).toHaveLength(3);
    expect(replaced).toEqual([9, 1]);
  });

  it('gives who comes the place of who went', async () => {
    const { pool: made, started, clock } = pool(3);
    const opened = made.open();
    started[0]?.listen(null);
    await opened;
    await clock.advanceAsync(60_000);
    started[1]?.exit(1);
    await macrotask();
    expect(started.map(({ place }) => place)).toEqual([1, 2, 3, 2]);
  });

  it('asks all to end, waits until they have, and replaces none of them', async () => {
    const { pool: made, started, clock } = pool(2);
    const opened = made.open();
    started[0]?.listen(null);
    await opened;
    let isClosed = false;
    const closed = made.close().then(() => {
      isClosed = true;
    });
    expect(started.map(({ asked }) => asked)).toEqual([true, true]);
    started[0]?.exit(0);
    await clock.advanceAsync(10_000);
    expect(isClosed).toBe(false);
    started[1]?.exit(0);
    await closed;
    expect(started).toHaveLength(2);
  });

  it('closes while it opens', async () => {
    const { pool: made, started } = pool(2);
    const opened = made.open();
    const closed = made.close();
    started[0]?.exit(0);
    await closed;
    expect(await opened).toEqual({ kind: 'failed', exitCode: 0 });
  });
});
