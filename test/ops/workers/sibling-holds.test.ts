import { describe, expect, it } from 'vitest';
import { InvalidationNode } from '../../../src/invalidation/node.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import { MessageMaker } from '../../../src/invalidation/message-maker.ts';
import { ORIGIN } from '../../../src/invalidation/position.ts';
import { entityTag } from '../../../src/invalidation/tag.ts';
import { Line } from '../../../src/ops/workers/line.ts';
import { SiblingHolds } from '../../../src/ops/workers/sibling-holds.ts';
import { Switchboard } from '../../../src/ops/workers/switchboard.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const USER = entityTag('User', '1');

/** Two workers of one node, whose logs are cut off from each other: only the line connects them. */
function pair() {
  const clock = new ManualClock();
  const switchboard = new Switchboard();
  let id = 0;
  const maker = new MessageMaker({
    sourceService: 'test', clock, newId: () => `m${(id += 1)}`,
  });
  const worker = (name: number): InvalidationNode => {
    const line = new Line({ clock, send: (message) => switchboard.take(name, message) });
    switchboard.join(name, (message) => line.take(message));
    const log = new MemoryLog({ clock });
    return new InvalidationNode({ clock, log, siblings: new SiblingHolds(line) });
  };
  return { switchboard, maker, one: worker(1), other: worker(2) };
}

const later = (node: InvalidationNode) => node.horizon.position;

describe('what a worker invalidates', () => {
  it('is applied by the others when it answers, whatever they have followed', async () => {
    const { one, other, maker } = pair();
    const stamp = later(other);
    await one.invalidate(maker.updated('User', '1'));
    expect(other.horizon.invalidatedSince(stamp, [USER])).toBe(true);
    await Promise.all([one.close(), other.close()]);
  });

  it('leaves alone what it does not touch', async () => {
    const { one, other, maker } = pair();
    await one.invalidate(maker.updated('User', '2'));
    expect(other.horizon.invalidatedSince(ORIGIN, [USER])).toBe(false);
    await Promise.all([one.close(), other.close()]);
  });

  it('counts as invalidated on the others until it has its place, or its worker ends', async () => {
    const { one, other, maker, switchboard } = pair();
    const line = new Line({ clock: new ManualClock(), send: (message) =>
      switchboard.take(3, message) });
    switchboard.join(3, (message) => line.take(message));
    const third = new SiblingHolds(line);
    await third.hold(maker.updated('User', '1'));
    const beyond = '9'.repeat(later(other).length) as typeof stamp;
    const stamp = later(other);
    expect(other.horizon.invalidatedSince(beyond, [USER])).toBe(true);
    switchboard.leave(3);
    expect(other.horizon.invalidatedSince(beyond, [USER])).toBe(false);
    expect(other.horizon.invalidatedSince(stamp, [USER])).toBe(true);
    await Promise.all([one.close(), other.close()]);
  });
});
