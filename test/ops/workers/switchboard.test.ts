import { describe, expect, it } from 'vitest';
import type { ToWorker } from '../../../src/ops/workers/envelope.ts';
import { Line } from '../../../src/ops/workers/line.ts';
import { RollCall } from '../../../src/ops/workers/roll-call.ts';
import { Switchboard } from '../../../src/ops/workers/switchboard.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** Workers in one process, each with its own line to one switchboard. */
function office(names: readonly number[]) {
  const clock = new ManualClock();
  const switchboard = new Switchboard();
  const lines = new Map<number, Line>();
  const inboxes = new Map<number, ToWorker[]>();
  for (const name of names) {
    const line = new Line({ clock, send: (message) => switchboard.take(name, message) });
    lines.set(name, line);
    switchboard.join(name, (message) => {
      const inbox = inboxes.get(name);
      if (inbox === undefined) line.take(message);
      else inbox.push(message);
    });
  }
  return {
    clock,
    switchboard,
    line: (name: number) => lines.get(name) as Line,
    /** From here on the worker reads nothing of what is sent to it. */
    stop: (name: number) => void inboxes.set(name, []),
  };
}

describe('the line between workers', () => {
  it('brings the replies of all others, and none of its own', async () => {
    const { line } = office([1, 2, 3]);
    for (const name of [1, 2, 3]) line(name).answer('name', () => name);
    expect(await line(2).ask('name', null, 1_000)).toEqual([1, 3]);
  });

  it('shows who answers what was asked, and by whom', async () => {
    const { line } = office([1, 2]);
    line(2).answer('sum', (body, from) => [body, from]);
    expect(await line(1).ask('sum', { a: 1 }, 1_000)).toEqual([[{ a: 1 }, 1]]);
  });

  it('is answered at once where there is nobody else', async () => {
    expect(await office([1]).line(1).ask('name', null, 1_000)).toEqual([]);
  });

  it('waits no longer than it was told to for a worker that does not answer', async () => {
    const { line, stop, clock } = office([1, 2]);
    stop(2);
    const replies = line(1).ask('name', null, 1_000);
    clock.advance(1_000);
    expect(await replies).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('brings the replies of those who do answer, whoever else does not', async () => {
    const { line, stop, clock } = office([1, 2, 3]);
    line(3).answer('name', () => 3);
    stop(2);
    const replies = line(1).ask('name', null, 1_000);
    clock.advance(1_000);
    expect(await replies).toEqual([3]);
  });

  it('waits for nobody who has ended, and says who has', async () => {
    const { line, stop, switchboard } = office([1, 2, 3]);
    const gone: number[] = [];
    line(1).onGone((from) => gone.push(from));
    line(3).answer('name', () => 3);
    stop(2);
    const replies = line(1).ask('name', null, 1_000);
    switchboard.leave(2);
    expect(await replies).toEqual([3]);
    expect(gone).toEqual([2]);
  });

  it('tells the others, in order, and not the one who says it', () => {
    const { line } = office([1, 2, 3]);
    const heard: unknown[] = [];
    for (const name of [1, 2, 3]) {
      line(name).hear('news', (body, from) => heard.push([name, body, from]));
    }
    line(1).tell('news', 'a');
    line(1).tell('news', 'b');
    expect(heard).toEqual([[2, 'a', 1], [3, 'a', 1], [2, 'b', 1], [3, 'b', 1]]);
  });

  it('replies with nothing to what it has no answer to', async () => {
    expect(await office([1, 2]).line(1).ask('unknown', null, 1_000)).toEqual([null]);
  });
});

describe('a roll call', () => {
  it('leaves out who has nothing to tell yet: a worker that is starting', async () => {
    const { line } = office([1, 2, 3]);
    new RollCall(line(3), 3).tell('stats', () => 3);
    expect(await new RollCall(line(1), 1).ask('stats')).toEqual([3]);
  });
});
