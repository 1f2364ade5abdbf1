import { describe, expect, it } from 'vitest';
import { Follower, type FollowerOptions } from '../../src/invalidation/follower.ts';
import { Horizon } from '../../src/invalidation/horizon.ts';
import type { Log, LogEvent } from '../../src/invalidation/log.ts';
import { ORIGIN, positionOf, type Position } from '../../src/invalidation/position.ts';
import { purgesOf } from '../../src/invalidation/purges-of.ts';
import { entityTag } from '../../src/invalidation/tag.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { someMessage } from './log-contract.ts';

/** A log that tells what a test lets it tell. */
class ScriptedLog implements Log {
  readonly #events: LogEvent[] = [];
  #wake: () => void = () => undefined;

  tell(event: LogEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  append(): Promise<Position> {
    return Promise.reject(new Error('nothing is appended here'));
  }

  async *follow({ signal }: { signal: AbortSignal }): AsyncGenerator<LogEvent> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal.aborted) {
      const event = this.#events.shift();
      if (event !== undefined) yield event;
      else await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function make(options: Partial<FollowerOptions> = {}) {
  const clock = new ManualClock();
  const log = new ScriptedLog();
  const horizon = new Horizon();
  const follower = new Follower({
    log, horizon, clock, purgesOf, hearingTimeoutMs: 1_000, settleMs: 1_000, ...options,
  });
  follower.start();
  const tell = async (event: LogEvent): Promise<void> => {
    log.tell(event);
    await clock.advanceAsync(0);
  };
  /** A heartbeat every 250 ms, for `ms`. */
  const beat = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      await clock.advanceAsync(250);
      await tell({ kind: 'heartbeat' });
    }
  };
  const hears = (): boolean => follower.hears(clock.now());
  return { clock, log, horizon, follower, tell, beat, hears };
}

const at = (sequence: number): Position => positionOf(1_000, sequence);
const lost: LogEvent = { kind: 'lost', error: new Error('a test') };
const records = (caughtUp: boolean, ...sequences: number[]): LogEvent => ({
  kind: 'records', caughtUp,
  records: sequences.map((sequence) => ({
    position: at(sequence), message: someMessage({ entity_id: `${sequence}` }),
  })),
});

describe('a follower', () => {
  it('applies records in order before it tells of them', async () => {
    const { follower, horizon, tell } = make();
    const positions: Position[] = [];
    follower.onRecords(() => positions.push(horizon.position));
    await tell(records(false, 1, 2));
    await tell(records(true, 3));
    expect(positions).toEqual([at(2), at(3)]);
    expect(horizon.invalidatedSince(at(1), [entityTag('User', '2')])).toBe(true);
    expect(horizon.invalidatedSince(at(2), [entityTag('User', '2')])).toBe(false);
  });

  it('lets the horizon forget at a gap, and says so', async () => {
    const { follower, horizon, tell } = make();
    const ends: Position[] = [];
    follower.onGap((end) => ends.push(end));
    await tell(records(true, 1));
    await tell({ kind: 'gap', end: at(9) });
    expect(ends).toEqual([at(9)]);
    expect(horizon.position).toBe(at(9));
    expect(horizon.invalidatedSince(at(1), [])).toBe(true);
  });

  it('does not stop for a listener that throws, nor for another listener', async () => {
    const { follower, tell } = make();
    let told = 0;
    follower.onRecords(() => {
      throw new Error('a test');
    });
    const end = follower.onRecords(() => {
      told += 1;
    });
    await tell(records(true, 1));
    await tell(records(true, 2));
    end();
    await tell(records(true, 3));
    expect(told).toBe(2);
    expect(follower.counts).toMatchObject({ errors: 3, records: 3 });
  });

  it('marks all that were appended in one step at the end of that', async () => {
    const { follower, horizon, tell } = make();
    const positions: Position[] = [];
    follower.onRecords((applied) => positions.push(...applied.map(({ position }) => position)));
    const [one, two, three] = [1, 2, 3].map((n) => ({
      position: at(n), message: someMessage({ entity_id: `${n}` }),
      ...(n < 3 && { batchEnd: at(2) }),
    }));
    await tell({ kind: 'records', caughtUp: true, records: [one!, two!, three!] });
    expect(positions).toEqual([at(1), at(2), at(3)]);
    expect(horizon.position).toBe(at(3));
    const touched = (since: Position, id: string): boolean =>
      horizon.invalidatedSince(since, [entityTag('User', id)]);
    expect([touched(at(1), '1'), touched(at(2), '1')]).toEqual([true, false]);
    expect([touched(at(1), '2'), touched(at(2), '2')]).toEqual([true, false]);
    expect([touched(at(2), '3'), touched(at(3), '3')]).toEqual([true, false]);
    // Read again, as after a reconnection, they change nothing.
    await tell({ kind: 'records', caughtUp: true, records: [one!, two!] });
    expect(horizon.position).toBe(at(3));
  });

  it('stands before a batch until all of it is applied, in several turns', async () => {
    const stoodAt: Position[] = [];
    const seen: { horizon?: Horizon } = {};
    const { follower, horizon, clock, log } = make({
      purgesOf: (message) => {
        stoodAt.push(seen.horizon!.position);
        return purgesOf(message);
      },
    });
    seen.horizon = horizon;
    const keys = Array.from({ length: 3_000 }, (_, id) => `post:${id}`);
    const part = (sequence: number) => ({
      position: at(sequence), batchEnd: at(3),
      message: someMessage({ action: 'Batch', entity_id: null, entity_ids: keys }),
    });
    log.tell({ kind: 'records', records: [part(1), part(2), part(3)], caughtUp: true });
    const reached = follower.reached(at(2), 1_000);
    for (let turn = 0; turn < 10; turn += 1) await clock.advanceAsync(1);
    expect(stoodAt).toEqual([ORIGIN, ORIGIN, ORIGIN]);
    expect(await reached).toBe(true);
    expect(horizon.position).toBe(at(3));
  });

  it('applies a long batch in slices, and all of it', async () => {
    const { follower, horizon, clock, log } = make();
    const keys = Array.from({ length: 3_000 }, (_, id) => `post:${id}`);
    const batch = (sequence: number) => ({
      position: at(sequence),
      message: someMessage({ action: 'Batch', entity_id: null, entity_ids: keys }),
    });
    log.tell({ kind: 'records', records: [batch(1), batch(2), batch(3)], caughtUp: true });
    await clock.advanceAsync(0);
    await clock.advanceAsync(1);
    expect(horizon.position).toBe(at(3));
    expect(follower.counts.records).toBe(3);
  });

  it('ends when it is closed, and leaves no timer', async () => {
    const { follower, clock, beat, hears } = make();
    await beat(2_000);
    const reached = follower.reached(at(5), 10_000);
    await follower.close();
    expect(await reached).toBe(false);
    expect(await follower.reached(at(5), 10_000)).toBe(false);
    expect(hears()).toBe(false);
    expect(clock.pending).toBe(0);
  });
});

describe('a follower hears', () => {
  it('not before it has read to the end, and has settled', async () => {
    const { hears, beat, tell } = make();
    await tell(records(false, 1));
    expect(hears()).toBe(false);
    await beat(1_000);
    expect(hears()).toBe(false);
    await beat(250);
    expect(hears()).toBe(true);
  });

  it('at once where there is nothing to settle', async () => {
    const { hears, tell } = make({ settleMs: 0 });
    await tell(records(true, 1));
    expect(hears()).toBe(true);
  });

  it('no longer when proof stays away', async () => {
    const { hears, beat, clock } = make();
    await beat(2_000);
    clock.advance(700);
    expect(hears()).toBe(true);
    clock.advance(300);
    expect(hears()).toBe(false);
  });

  it('from when the log was asked, where it says so, and not from the event before', async () => {
    const { follower, hears, beat, tell, clock } = make();
    await beat(2_000);
    clock.advance(900);
    await tell({ kind: 'heartbeat', askedAt: clock.now() - 200 });
    expect(follower.lagMs(clock.now())).toBe(200);
    clock.advance(799);
    expect(hears()).toBe(true);
    clock.advance(1);
    expect(hears()).toBe(false);
  });

  it('no longer when the log is lost, and again with the next proof if soon', async () => {
    const { hears, beat, tell } = make();
    await beat(2_000);
    await tell(lost);
    expect(hears()).toBe(false);
    await beat(250);
    expect(hears()).toBe(true);
  });

  it('after a long outage only when it has settled again', async () => {
    const { hears, beat, tell, clock } = make();
    await beat(2_000);
    await tell(lost);
    await clock.advanceAsync(1_500);
    await beat(1_000);
    expect(hears()).toBe(false);
    await beat(500);
    expect(hears()).toBe(true);
  });

  it('does not take for proof an answer that lay unread while it stood still', async () => {
    const { hears, beat, tell, clock } = make();
    await beat(2_000);
    // Stopped for 10 s; then comes what was answered before.
    clock.advance(10_000);
    await tell({ kind: 'heartbeat' });
    expect(hears()).toBe(false);
    await tell({ kind: 'heartbeat' });
    expect(hears()).toBe(false);
    await beat(1_250);
    expect(hears()).toBe(true);
  });
});

describe('a follower has reached a position', () => {
  it('at once, when it comes there, or not in time', async () => {
    const { follower, tell, clock } = make();
    await tell(records(true, 1));
    expect(await follower.reached(at(1), 1_000)).toBe(true);
    const soon = follower.reached(at(2), 1_000);
    const late = follower.reached(at(3), 1_000);
    await tell(records(true, 2));
    expect(await soon).toBe(true);
    await clock.advanceAsync(1_000);
    expect(await late).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('also where a gap has brought it there', async () => {
    const { follower, tell } = make();
    const reached = follower.reached(at(5), 1_000);
    await tell({ kind: 'gap', end: at(7) });
    expect(await reached).toBe(true);
  });

  it('not, where too many wait already', async () => {
    const { follower } = make({ waitersMax: 1 });
    const first = follower.reached(at(5), 1_000);
    expect(await follower.reached(at(5), 1_000)).toBe(false);
    await follower.close();
    expect(await first).toBe(false);
  });
});
