import { describe, expect, it } from 'vitest';
import type { Sighting } from '../../../src/cache/inspector.ts';
import { keyOf } from '../../../src/cache/key.ts';
import { Endings, type EndingsOptions } from '../../../src/gateway/explaining/endings.ts';
import { systemClock } from '../../../src/invalidation/clock.ts';
import { MemoryHistory } from '../../../src/invalidation/history.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import { MessageMaker } from '../../../src/invalidation/message-maker.ts';
import type { Metadata } from '../../../src/invalidation/message.ts';
import { ORIGIN, type Position } from '../../../src/invalidation/position.ts';
import { purgesOf } from '../../../src/invalidation/purges-of.ts';
import { entryOf } from '../../cache/samples.ts';

let ids = 0;
const maker = new MessageMaker({
  sourceService: 'test', clock: systemClock, newId: () => `id-${(ids += 1)}`,
});
const purgeOf = (key: string, metadata: Metadata = {}) => maker.batch([key], metadata);

function endingsOf(log: MemoryLog | undefined, options: Partial<EndingsOptions> = {}): Endings {
  const history = log && new MemoryHistory(log);
  return new Endings({ history, purgesOf, floor: () => ORIGIN, clock: systemClock, ...options });
}

function sighting(stamp: Position, others: Partial<Sighting> = {}): Sighting {
  const entry = entryOf('v', { stamp, tags: ['user:1', 'post'] });
  return {
    key: keyOf('response:a'), tier: 'l1', entry, verdict: 'invalidated', departure: undefined,
    ...others,
  };
}

function departed(stamp: Position, reason: 'dropped' | 'evicted' | 'refused'): Partial<Sighting> {
  const { tags } = entryOf('v', { tags: ['user:1'] });
  const verdict = reason === 'refused' ? 'invalidated' as const : undefined;
  const departure = { reason, verdict, at: 10, tags, stamp, staleAt: 20 };
  return { tier: undefined, entry: undefined, verdict: undefined, departure };
}

async function endingOf(endings: Endings, one: Sighting) {
  const { endings: found, log } = await endings.of([one]);
  return { ...found.get(one.key.id), log };
}

describe('what ended an entry', () => {
  it('is the first record after its stamp that touches one of its tags', async () => {
    const log = new MemoryLog();
    await log.append(purgeOf('user:1'));
    const stamp = await log.append(purgeOf('user:2'));
    await log.append(purgeOf('user:3'));
    const by = await log.append(purgeOf('post'));
    await log.append(purgeOf('user:1'));
    expect(await endingOf(endingsOf(log), sighting(stamp))).toMatchObject({
      reason: 'invalidated', record: { position: by },
      log: { records: 2, complete: true, reachesBack: true },
    });
  });

  it('is a soft purge where its TTL ended by one', async () => {
    const log = new MemoryLog();
    const stamp = await log.append(purgeOf('user:2'));
    const by = await log.append(purgeOf('user:1', { soft: true }));
    const expired = sighting(stamp, { verdict: 'expired' });
    expect(await endingOf(endingsOf(log), expired)).toMatchObject({
      reason: 'softened', record: { position: by },
    });
  });

  it('is its TTL where no record speaks of it', async () => {
    const log = new MemoryLog();
    const stamp = await log.append(purgeOf('user:2'));
    const expired = sighting(stamp, { verdict: 'expired' });
    expect(await endingOf(endingsOf(log), expired)).toMatchObject({
      reason: 'expired', record: undefined,
    });
  });

  it('is the floor where the node has forgotten, and else what is not in the log yet', async () => {
    const log = new MemoryLog();
    const stamp = await log.append(purgeOf('user:2'));
    const later = await log.append(purgeOf('user:3'));
    const forgetful = endingsOf(log, { floor: () => later });
    expect(await endingOf(forgetful, sighting(stamp))).toMatchObject({ reason: 'forgotten' });
    expect(await endingOf(endingsOf(log), sighting(stamp))).toMatchObject({ reason: 'unlogged' });
  });

  it('is told of what has gone, as far as it is remembered', async () => {
    const log = new MemoryLog();
    const stamp = await log.append(purgeOf('user:2'));
    const by = await log.append(purgeOf('user:1'));
    const endings = endingsOf(log);
    const gone = (reason: Parameters<typeof departed>[1]) =>
      endingOf(endings, sighting(stamp, departed(stamp, reason)));
    const record = { position: by };
    expect(await gone('dropped')).toMatchObject({ reason: 'invalidated', record });
    expect(await gone('refused')).toMatchObject({
      reason: 'refused', verdict: 'invalidated', record,
    });
    expect(await gone('evicted')).toMatchObject({ reason: 'evicted', record: undefined });
    const unknown = sighting(stamp, {
      tier: undefined, entry: undefined, verdict: undefined, departure: undefined,
    });
    expect(await endingOf(endings, unknown)).toMatchObject({ reason: 'absent' });
  });

  it('is not guessed where the log does not reach back, nor read beyond its bounds', async () => {
    const log = new MemoryLog({ recordsMax: 10 });
    const stamp = await log.append(purgeOf('user:2'));
    for (let id = 10; id < 40; id += 1) await log.append(purgeOf(`user:${id}`));
    expect((await endingOf(endingsOf(log), sighting(stamp))).log)
      .toMatchObject({ complete: true, reachesBack: false });
    const bounded = endingsOf(log, { recordsMax: 3 });
    expect((await endingOf(bounded, sighting(stamp))).log)
      .toMatchObject({ records: 3, complete: false });
  });

  it('is told without the log where that cannot be read', async () => {
    const failing = {
      // oxlint-disable-next-line require-yield
      async *after() { throw new Error('away'); },
      // oxlint-disable-next-line require-yield
      async *backwards() { throw new Error('away'); },
    };
    const endings = endingsOf(undefined, { history: failing });
    expect(await endingOf(endings, sighting(ORIGIN))).toMatchObject({
      reason: 'unlogged', log: { complete: false },
    });
    expect(await endings.latest([])).toMatchObject({ records: [], log: { complete: false } });
    expect(await endingOf(endingsOf(undefined), sighting(ORIGIN))).toMatchObject({
      log: { records: 0, complete: false },
    });
  });

  it('names the latest record that touches a tag', async () => {
    const log = new MemoryLog();
    await log.append(purgeOf('user:1'));
    const by = await log.append(maker.pattern('user:*'));
    await log.append(purgeOf('user:2'));
    const [purge] = purgesOf(purgeOf('user:1'));
    const tags = purge?.kind === 'tag' ? [purge.tag] : [];
    expect(await endingsOf(log).latest(tags)).toMatchObject({ records: [{ position: by }] });
  });
});
