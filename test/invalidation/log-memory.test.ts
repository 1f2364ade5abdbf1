import { describe, expect, it } from 'vitest';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { positionOf } from '../../src/invalidation/position.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { logContract, someMessage, TestFollower } from './log-contract.ts';

describe('the log in memory keeps the contract', () => {
  logContract(() => new MemoryLog({ heartbeatMs: 5 }));
});

describe('the log in memory', () => {
  it('begins at the time of its creation', async () => {
    const clock = new ManualClock(1_772_366_400_000);
    const log = new MemoryLog({ clock });
    expect(await new TestFollower(log).next()).toEqual({
      kind: 'gap', end: positionOf(1_772_366_400_000, 0),
    });
    expect(await log.append(someMessage())).toBe(positionOf(1_772_366_400_000, 1));
    clock.shiftWall(-1_000_000);
    expect(await log.append(someMessage())).toBe(positionOf(1_772_366_400_000, 2));
  });

  it('tells by the position when a message was appended', async () => {
    const clock = new ManualClock(1_772_366_400_000);
    const log = new MemoryLog({ clock });
    clock.advance(90_000.7);
    expect(await log.append(someMessage())).toBe(positionOf(1_772_366_490_000, 0));
    expect(await log.append(someMessage())).toBe(positionOf(1_772_366_490_000, 1));
    clock.advance(1);
    expect(await log.append(someMessage())).toBe(positionOf(1_772_366_490_001, 0));
  });

  it('tells an idle follower once in each heartbeat that it is alive', async () => {
    const clock = new ManualClock();
    const log = new MemoryLog({ clock, heartbeatMs: 250 });
    const follower = new TestFollower(log);
    await follower.next();
    expect(await follower.next()).toEqual({ kind: 'heartbeat' });
    let heartbeats = 0;
    const listening = (async () => {
      while (await follower.next() !== undefined) heartbeats += 1;
    })();
    for (let round = 0; round < 10; round += 1) await clock.advanceAsync(100);
    expect(heartbeats).toBe(4);
    follower.abort();
    await listening;
    expect(clock.pending).toBe(0);
  });

  it('leaves no timer behind when it is closed', async () => {
    const clock = new ManualClock();
    const log = new MemoryLog({ clock });
    const follower = new TestFollower(log, await log.append(someMessage()));
    await follower.next();
    const next = follower.next();
    await clock.advanceAsync(1);
    expect(clock.pending).toBe(1);
    await log.close();
    expect(await next).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  it('knows an equal message for a minute', async () => {
    const clock = new ManualClock();
    const log = new MemoryLog({ clock });
    const message = someMessage();
    const first = await log.append(message);
    clock.advance(59_999);
    expect(await log.append(message)).toBe(first);
    clock.advance(1);
    expect(await log.append(message) > first).toBe(true);
  });

  it('is bounded, and tells a follower that is too far behind of a gap', async () => {
    const log = new MemoryLog({ recordsMax: 10 });
    const positions = [];
    for (let round = 0; round < 100; round += 1) positions.push(await log.append(someMessage()));
    const follower = new TestFollower(log, positions[0]);
    const gap = await follower.next();
    const kept = positions.slice(-10);
    expect(gap).toEqual({ kind: 'gap', end: positions.at(-11) });
    const { records } = await follower.records(10);
    expect(records.map(({ position }) => position)).toEqual(kept);
  });

  it('tells a follower of a gap that it fell behind while it was reading', async () => {
    const log = new MemoryLog({ recordsMax: 10 });
    const follower = new TestFollower(log, await log.append(someMessage()));
    expect(await follower.next()).toEqual({ kind: 'heartbeat' });
    for (let round = 0; round < 50; round += 1) await log.append(someMessage());
    expect(await follower.next()).toMatchObject({ kind: 'gap' });
    expect(await follower.next()).toMatchObject({ kind: 'records', caughtUp: true });
  });

  it('tells a long past in parts', async () => {
    const log = new MemoryLog();
    const first = await log.append(someMessage());
    for (let round = 0; round < 2_500; round += 1) await log.append(someMessage());
    const follower = new TestFollower(log, first);
    const parts = [await follower.next(), await follower.next(), await follower.next()];
    expect(parts).toMatchObject([{ caughtUp: false }, { caughtUp: false }, { caughtUp: true }]);
  });
});
