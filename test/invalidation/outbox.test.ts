import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { fault } from '../../src/invalidation/errors.ts';
import { Horizon } from '../../src/invalidation/horizon.ts';
import { KeyMap } from '../../src/invalidation/key-map.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import type { Identified, Log } from '../../src/invalidation/log.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import { Outbox, type OutboxOptions } from '../../src/invalidation/outbox.ts';
import { successor } from '../../src/invalidation/position.ts';
import { purgesOf } from '../../src/invalidation/purges-of.ts';
import { Widening } from '../../src/invalidation/widening.ts';
import { fenceMessage } from '../../src/invalidation/fence.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { FaultyLog } from './faulty-log.ts';
import { someMessage, TestFollower } from './log-contract.ts';

function make(options: Partial<OutboxOptions> = {}) {
  const clock = new ManualClock();
  const log = new FaultyLog(new MemoryLog({ clock }));
  const maker = new MessageMaker({ sourceService: 'test', clock, newId: () => randomUUID() });
  const outbox = new Outbox({ log, maker, clock, random: seededRandom(1), ...options });
  return { clock, log, maker, outbox };
}

/** What the log holds, in order. */
async function contents(log: FaultyLog): Promise<InvalidationMessage[]> {
  const follower = new TestFollower(log);
  const messages: InvalidationMessage[] = [];
  for (;;) {
    const event = await follower.next();
    if (event?.kind === 'records') messages.push(...event.records.map(({ message }) => message));
    const isEnd = event?.kind === 'records' ? event.caughtUp : event?.kind === 'heartbeat';
    if (isEnd) break;
  }
  follower.abort();
  return messages;
}

describe('the outbox', () => {
  it('appends at once where the log can be reached', async () => {
    const { outbox, log } = make();
    expect(await outbox.append(someMessage())).toBeDefined();
    expect(await outbox.append(someMessage(), { announce: false })).toBeDefined();
    expect(log.announced).toEqual([true, false]);
    expect(outbox.kept).toBe(0);
  });

  it('keeps what cannot be appended, and appends it in order when it can', async () => {
    const { outbox, log, clock } = make();
    log.isDown = true;
    const messages = Array.from({ length: 50 }, () => someMessage());
    const results = messages.map((message, at) => outbox.append(message, { announce: at !== 7 }));
    await clock.advanceAsync(1_000);
    expect(await Promise.all(results)).toEqual(messages.map(() => undefined));
    expect(outbox.kept).toBe(50);
    log.isDown = false;
    await clock.advanceAsync(1_000);
    expect(outbox.kept).toBe(0);
    expect(await contents(log)).toEqual(messages);
    expect(log.announced).toEqual(messages.map((_, at) => at !== 7));
    expect(clock.pending).toBe(0);
  });

  it('is patient with what nobody waits for, and with what it keeps', async () => {
    const { outbox, log, clock } = make();
    await outbox.append(someMessage());
    await outbox.append(someMessage(), { isPatient: true });
    log.isDown = true;
    expect(await outbox.append(someMessage())).toBeUndefined();
    // Nobody waits for it, and so it needs no bound.
    expect(await outbox.append(someMessage(), { isPatient: true })).toBeUndefined();
    log.isDown = false;
    await clock.advanceAsync(1_000);
    expect(log.patient).toEqual([false, true, true, true]);
    expect(outbox.kept).toBe(0);
  });

  it('appends what is kept as fast as it can be taken, and all of it in order', async () => {
    const { outbox, log, clock } = make({ recordsMax: 50_000 });
    log.isDown = true;
    const messages = Array.from({ length: 12_000 }, () => someMessage());
    for (const message of messages) void outbox.append(message, { isPatient: true });
    await clock.advanceAsync(100);
    expect([outbox.kept, outbox.overflowed]).toEqual([12_000, 0]);
    log.isDown = false;
    await clock.advanceAsync(1_000);
    expect(outbox.kept).toBe(0);
    const told = (await contents(log)).map(({ message_id }) => message_id);
    expect(told).toEqual(messages.map(({ message_id }) => message_id));
  });

  describe('takes many at once', () => {
    const many = (count: number): Identified[] => Array.from({ length: count }, () => {
      const message = someMessage();
      return { message, identity: message.message_id };
    });
    const idsOf = (all: readonly Identified[]) => all.map(({ message }) => message.message_id);

    /** A log that takes many at once as well, or none of them. */
    function makeMany(options: Partial<OutboxOptions> = {}) {
      const made = make(options);
      const calls: number[] = [];
      const log: Log = {
        append: (message, appending) => made.log.append(message, appending),
        appendAll: (all) => {
          calls.push(all.length);
          return Promise.all(all.map(({ message, identity }) =>
            made.log.append(message, { identity, announce: false })));
        },
        follow: (following) => made.log.follow(following),
        close: () => made.log.close(),
      };
      const { clock, maker } = made;
      const outbox = new Outbox({ log, maker, clock, random: seededRandom(1), ...options });
      const settled: [number, boolean][] = [];
      const append = (all: readonly Identified[]): void =>
        outbox.appendAll(all, (at, position) => settled.push([at, position !== undefined]));
      return { ...made, outbox, calls, settled, append };
    }

    it('and says of each what has become of it', async () => {
      const { append, clock, calls, settled, log } = makeMany();
      append(many(3));
      await clock.advanceAsync(1);
      expect(calls).toEqual([3]);
      expect(settled).toEqual([[0, true], [1, true], [2, true]]);
      expect(log.announced).toEqual([false, false, false]);
    });

    it('and keeps them in their order while the log is away', async () => {
      const { append, clock, calls, settled, log, outbox } = makeMany({ recordsMax: 6 });
      log.isDown = true;
      const [first, second] = [many(3), many(4)];
      append(first);
      await clock.advanceAsync(1);
      append(second);
      expect([outbox.kept, outbox.overflowed]).toEqual([7, 1]);
      expect(settled).toEqual([[3, false]]);
      log.isDown = false;
      await clock.advanceAsync(2_000);
      expect(outbox.kept).toBe(0);
      expect(calls).toEqual([3, 5]);
      const told = await contents(log);
      expect(told.slice(0, 6).map(({ message_id }) => message_id))
        .toEqual([...idsOf(first), ...idsOf(second).slice(0, 3)]);
      expect(told[6]?.pattern).toBe('user:*');
      expect(settled).toHaveLength(7);
    });

    it('and lets one that is refused stand in the way of no other', async () => {
      const { append, clock, settled, log } = makeMany();
      const refused = { message: someMessage({ entity_id: null }), identity: 'refused' };
      const [before, after] = [many(1), many(1)];
      append([...before, refused, ...after]);
      await clock.advanceAsync(1);
      expect(settled.toSorted(([a], [b]) => a - b)).toEqual([[0, true], [1, false], [2, true]]);
      expect((await contents(log)).map(({ message_id }) => message_id).toSorted())
        .toEqual(idsOf([...before, ...after]).toSorted());
    });

    it('and none once it is closed', async () => {
      const { append, clock, settled, outbox } = makeMany();
      await outbox.close();
      append(many(2));
      await clock.advanceAsync(1);
      expect(settled).toEqual([[0, false], [1, false]]);
    });
  });

  it('gives the position to those behind, if it comes in time', async () => {
    const { outbox, log, clock } = make({ waitMs: 10_000 });
    log.isDown = true;
    expect(await outbox.append(someMessage())).toBeUndefined();
    const behind = outbox.append(someMessage());
    log.isDown = false;
    await clock.advanceAsync(1_000);
    expect(await behind).toBeDefined();
  });

  it('tries at least every half second however long the log is away', async () => {
    const { outbox, log, clock } = make();
    log.isDown = true;
    await outbox.append(someMessage());
    await clock.advanceAsync(60_000);
    const asked = log.asked.length;
    await clock.advanceAsync(10_000);
    expect(log.asked.length - asked).toBeGreaterThanOrEqual(20);
    expect(log.asked.length - asked).toBeLessThanOrEqual(60);
  });

  it('widens what does not fit to the whole type, and never says nothing', async () => {
    const { outbox, log, clock } = make({ recordsMax: 2 });
    log.isDown = true;
    const kept = [someMessage(), someMessage()];
    const widened = [
      someMessage({ entity_type: 'Post' }), someMessage({ entity_type: { Custom: 'Session' } }),
      someMessage({ entity_type: 'Post' }),
    ];
    for (const message of [...kept, ...widened]) {
      const appended = outbox.append(message);
      await clock.advanceAsync(300);
      expect(await appended).toBeUndefined();
    }
    expect(outbox.kept).toBe(4);
    expect(outbox.overflowed).toBe(3);
    log.isDown = false;
    await clock.advanceAsync(2_000);
    const messages = await contents(log);
    expect(messages.slice(0, 2)).toEqual(kept);
    expect(messages.slice(2).map(({ pattern }) => pattern)).toEqual(['post:*', 'session:*']);
    expect(messages.slice(2).map(({ metadata }) => metadata?.cascade)).toEqual([
      ['post'], ['session'],
    ]);
    expect(outbox.kept).toBe(0);
  });

  it('widens what would take more memory than it may', async () => {
    const { outbox, log, clock } = make({ bytesMax: 2_000 });
    log.isDown = true;
    const large = someMessage({ metadata: { note: 'x'.repeat(1_500) } });
    const results = [large, someMessage(), large, someMessage({ entity_type: 'Post' })]
      .map((message) => outbox.append(message));
    await clock.advanceAsync(300);
    await Promise.all(results);
    expect(outbox.overflowed).toBe(2);
    log.isDown = false;
    await clock.advanceAsync(2_000);
    expect((await contents(log)).map(({ pattern }) => pattern)).toEqual([
      null, null, 'user:*', 'post:*',
    ]);
    const more = outbox.append(someMessage({ metadata: { note: 'x'.repeat(1_500) } }));
    expect(await more).toBeDefined();
  });

  it('lets no more calls wait for the log at once than it may', async () => {
    const { outbox, log, clock } = make({ recordsMax: 100 });
    const held = Promise.withResolvers<never>();
    held.promise.catch(() => undefined);
    const append = vi.spyOn(log, 'append').mockReturnValue(held.promise);
    const results = Array.from({ length: 10_500 }, () => outbox.append(someMessage()));
    expect(append).toHaveBeenCalledTimes(10_000);
    expect(outbox.kept).toBe(101);
    append.mockRestore();
    held.reject(fault('LOG_UNAVAILABLE', { reason: 'a test' }));
    await clock.advanceAsync(1_000);
    await Promise.all(results);
    expect((await contents(log)).length).toBeGreaterThanOrEqual(101);
    expect(outbox.kept).toBe(0);
  });

  it('refuses what nobody could read, and keeps nothing of it', async () => {
    const { outbox } = make();
    const message = someMessage({ entity_id: null });
    await expect(outbox.append(message)).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    expect(outbox.kept).toBe(0);
  });

  it('does not let one that the log refuses stand in the way of those behind it', async () => {
    const { outbox, log, clock } = make();
    log.isDown = true;
    const last = someMessage();
    const results = [someMessage(), someMessage({ entity_id: null }), last]
      .map((message) => outbox.append(message));
    await clock.advanceAsync(300);
    await Promise.all(results);
    log.isDown = false;
    await clock.advanceAsync(2_000);
    const messages = await contents(log);
    expect(messages).toContainEqual(last);
    expect(messages.at(-1)?.pattern).toBe('user:*');
    expect(outbox.kept).toBe(0);
  });

  it('says of each message once what has become of it', async () => {
    const { outbox, log, clock } = make({ recordsMax: 2 });
    const settled: [string, boolean][] = [];
    const append = (name: string, fields: Partial<InvalidationMessage> = {}) =>
      outbox.append(someMessage(fields), {
        onSettled: (position) => settled.push([name, position !== undefined]),
      });
    await append('at once');
    await expect(append('unreadable', { entity_id: null })).rejects.toThrow();
    log.isDown = true;
    const kept = [append('kept'), append('behind'), append('too many')];
    await clock.advanceAsync(300);
    await Promise.all(kept);
    expect(settled).toEqual([['at once', true], ['unreadable', false], ['too many', false]]);
    log.isDown = false;
    await clock.advanceAsync(1_000);
    expect(settled.slice(3)).toEqual([['kept', true], ['behind', true]]);
    await outbox.close();
    await expect(append('closed')).rejects.toThrow();
    expect(settled.at(-1)).toEqual(['closed', false]);
  });

  it('appends what it keeps when it is closed, within a bound', async () => {
    const { outbox, log, clock } = make();
    log.isDown = true;
    const appended = outbox.append(someMessage());
    await clock.advanceAsync(300);
    await appended;
    const closed = outbox.close(2_000);
    await expect(outbox.append(someMessage())).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    log.isDown = false;
    await clock.advanceAsync(1_000);
    expect(await closed).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('says how many it could not append when it is closed', async () => {
    const { outbox, log, clock } = make();
    log.isDown = true;
    const appended = [outbox.append(someMessage()), outbox.append(someMessage())];
    await clock.advanceAsync(300);
    await Promise.all(appended);
    const closed = outbox.close(1_000);
    await clock.advanceAsync(1_000);
    expect(await closed).toBe(2);
    await clock.advanceAsync(1_000);
    expect(clock.pending).toBe(0);
  });
});

const BATCH = { action: 'Batch', entity_id: null } as const;
const PATTERN = { action: 'Pattern', entity_id: null } as const;
const CREATED = { created: true };

describe('widening', () => {
  it('of keys and patterns is all that begins as they do', () => {
    const widening = new Widening(make().maker);
    widening.add(someMessage({ ...BATCH, entity_ids: ['v2:post:9', 'User:1', 'v2:user:3'] }));
    widening.add(someMessage({ ...PATTERN, pattern: 'feed:1:*' }));
    expect(widening.take().map(({ message }) => message.pattern)).toEqual([
      'v2:*', 'User:*', 'feed:*',
    ]);
  });

  it('purges whatever would have been purged, also where keys are mapped', () => {
    const maps = [
      {}, { 'v2:post:{id}': 'post:{id}' }, { '{shop}:user:{id}': 'user:{id}' },
      { 'user:profile:{id}': 'user:{id}', 'user:{id}': 'account:{id}' },
    ].map((templates) => new KeyMap(templates));
    const texts = [
      'v2:post:9', 'User:profile:4', 'user:profile:4', 'a:user:7', 'user:gid://shop/User/1',
      'user:a%20b:c', 'user:', 'user:a b',
    ];
    const messages = [
      ...texts.map((text) => someMessage({ ...BATCH, entity_ids: [text] })),
      ...texts.map((pattern) => someMessage({ ...PATTERN, pattern })),
      ...texts.map((text) => someMessage({ entity_type: { Custom: text } })),
    ];
    for (const message of messages) {
      const widening = new Widening(make().maker);
      widening.add(message);
      const widened = widening.take().map(({ message: wider }) => wider);
      for (const keyMap of maps) {
        const wide = new Horizon();
        const stamp = wide.position;
        const purges = widened.flatMap((each) => purgesOf(each, keyMap));
        wide.advance(successor(stamp), purges);
        const missed = purgesOf(message, keyMap).filter((purge) =>
          purge.kind === 'tag' && !wide.invalidatedSince(stamp, [purge.tag]));
        expect(missed).toEqual([]);
      }
    }
  });

  it('covers the types that are told, though the message cannot tell them', () => {
    const widening = new Widening(make().maker);
    const message = someMessage({ ...BATCH, entity_ids: ['user:1'], metadata: CREATED });
    widening.add(message, ['user']);
    expect(widening.take().map(({ message: { pattern, metadata } }) => [pattern, metadata]))
      .toEqual([['user:*', { reason: 'the outbox overflowed', cascade: ['user'] }]]);
  });
  it.each<[string, Partial<InvalidationMessage>]>([
    ['a batch of keys without a type', { ...BATCH, entity_ids: ['user:1', 'v2/post/9'] }],
    ['a batch of what was created', { ...BATCH, entity_ids: ['v2:post:9'], metadata: CREATED }],
    ['a pattern that begins with a star', { ...PATTERN, pattern: '*:posts' }],
    ['a regular expression', { ...PATTERN, pattern: '/user:1/' }],
    ['an entity with a cascade', { metadata: { cascade: ['feed:1:*'] } }],
  ])('of %s, which may belong to any type, is everything', (_name, fields) => {
    const widening = new Widening(make().maker);
    widening.add(someMessage(fields));
    widening.add(someMessage());
    expect(widening.take().map(({ message }) => message.pattern)).toEqual(['*']);
    expect(widening.take()).toEqual([]);
  });

  it('of more types than are remembered is everything', () => {
    const widening = new Widening(make().maker);
    for (let type = 0; type < 100; type += 1) {
      widening.add(someMessage({ entity_type: { Custom: `type${type}` } }));
    }
    expect(widening.size).toBe(1);
    expect(widening.take().map(({ message }) => message.pattern)).toEqual(['*']);
  });

  it('is told before what it stands for is settled, and has its place later', async () => {
    const told: string[] = [];
    const { outbox, log, clock } = make({
      recordsMax: 1,
      onWidened: ({ pattern }) => {
        told.push(`widened to ${pattern}`);
        return (position) => {
          told.push(`${pattern} has ${position === undefined ? 'no' : 'its'} place`);
        };
      },
    });
    log.isDown = true;
    for (const name of ['first', 'second', 'third']) {
      void outbox.append(someMessage(), { onSettled: () => told.push(`${name} is settled`) });
    }
    void outbox.append(someMessage({ metadata: { cascade: ['feed:1'] } }));
    await clock.advanceAsync(500);
    const widened = ['widened to user:*', 'second is settled', 'third is settled', 'widened to *'];
    expect(told).toEqual(widened);
    log.isDown = false;
    await clock.advanceAsync(2_000);
    const placed = ['first is settled', '* has its place', 'user:* has its place'];
    expect(told).toEqual([...widened, ...placed]);
  });

  it('of a fence is nothing', () => {
    const { maker, clock } = make();
    const widening = new Widening(maker);
    widening.add(fenceMessage(clock));
    expect(widening.take()).toEqual([]);
  });
});
