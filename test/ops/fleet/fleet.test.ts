import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import {
  readAnnouncement, writeAnnouncement, type Announcement,
} from '../../../src/ops/fleet/announcement.ts';
import { Fleet } from '../../../src/ops/fleet/fleet.ts';
import { NoticeBoard, type NoticeBoardOptions } from '../../../src/ops/fleet/notice-board.ts';
import type { Colleagues } from '../../../src/ops/workers/colleagues.ts';
import { startRedis, type RedisServer } from '../../support/redis.ts';
import { until } from '../../support/until.ts';

const TOLD: Announcement = {
  host: 'a', version: '1', position: '1000-0', hears: true, lagSeconds: 0.2, caching: 'on',
  workers: 2, uptimeSeconds: 7,
};

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const fleets: Fleet[] = [];
afterEach(async () => {
  for (const fleet of fleets.splice(0)) await fleet.close();
});

function boardOf(options: Partial<NoticeBoardOptions> = {}): NoticeBoard {
  return new NoticeBoard({
    redis: redis.url, clock: systemClock, random: systemRandom, prefix: 'p:', ...options,
  });
}

async function open(
  host: string,
  { board = boardOf(), colleagues, isSpeaker = true }: {
    board?: NoticeBoard | undefined; colleagues?: Colleagues; isSpeaker?: boolean;
  } = {},
): Promise<Fleet> {
  const fleet = new Fleet({
    board, clock: systemClock, colleagues, tellEveryMs: 20,
    own: async () => ({ told: { ...TOLD, host }, isSpeaker }),
  });
  fleets.push(fleet);
  await fleet.start();
  return fleet;
}

const hostsOf = async (fleet: Fleet): Promise<readonly string[]> =>
  (await fleet.nodes()).nodes.map(({ told }) => told.host);

/** Two processes that ask each other. */
function twoColleagues(): readonly [Colleagues, Colleagues] {
  const answers = [0, 1].map(() => new Map<string, (body: unknown) => unknown>());
  const [first, second] = [0, 1].map((own): Colleagues => ({
    place: own + 1,
    tell: (subject, answer) => void answers[own]?.set(subject, answer),
    ask: async (subject, body) => [await answers[1 - own]?.get(subject)?.(body) ?? null],
  }));
  return [first as Colleagues, second as Colleagues];
}

describe('a fleet', () => {
  it('is known to each node, itself first, until one leaves', async () => {
    const [b, a] = [await open('b'), await open('a')];
    await until(async () => (await hostsOf(b)).join() === 'b,a', { what: 'b knows of a' });
    expect(await a.nodes()).toMatchObject({
      nodes: [
        { isSelf: true, ageMs: 0, told: { host: 'a' } },
        { isSelf: false, told: { ...TOLD, host: 'b' } },
      ],
      isComplete: true,
    });
    await b.close();
    expect(await hostsOf(a)).toEqual(['a']);
  });

  it('has one node for a machine, told of by one of its processes', async () => {
    const [one, other] = twoColleagues();
    const first = await open('machine', { colleagues: one });
    const second = await open('machine', { colleagues: other, isSpeaker: false });
    const watcher = await open('watcher');
    await until(async () => (await hostsOf(watcher)).length === 2, { what: 'it is told of' });
    expect(await hostsOf(second)).toEqual(['machine', 'watcher']);
    expect(await hostsOf(first)).toEqual(['machine', 'watcher']);
  });

  it('is without one that has told nothing for a while', async () => {
    const gone = boardOf({ keptMs: 60 });
    expect(await gone.tell('of-one', TOLD)).toBe(true);
    await until(async () => (await gone.read())?.length === 0, { what: 'it is taken down' });
    await gone.close();
  });

  it('is told of a node again after a round that failed', async () => {
    let rounds = 0;
    const fleet = new Fleet({
      board: boardOf(), clock: systemClock, colleagues: undefined, tellEveryMs: 20,
      own: async () => {
        rounds += 1;
        if (rounds === 1) throw new Error('a colleague told nonsense');
        return { told: { ...TOLD, host: 'again' }, isSpeaker: true };
      },
    });
    fleets.push(fleet);
    await fleet.start();
    const watcher = await open('watcher');
    await until(async () => (await hostsOf(watcher)).includes('again'), { what: 'it is told of' });
  });

  it('is the node itself where Redis is away, or there is none', async () => {
    const board = boardOf({ redis: 'redis://127.0.0.1:9', timeoutMs: 30 });
    expect(await (await open('a', { board })).nodes()).toMatchObject({
      nodes: [{ isSelf: true }], isComplete: false,
    });
    const alone = new Fleet({
      board: undefined, clock: systemClock, colleagues: undefined,
      own: async () => ({ told: TOLD, isSpeaker: true }),
    });
    expect(await alone.nodes()).toMatchObject({ nodes: [{ isSelf: true }], isComplete: true });
    await alone.close();
  });
});

describe('an announcement', () => {
  it('is read as it was written, and by older nodes with what newer ones add', () => {
    expect(readAnnouncement(writeAnnouncement(TOLD))).toEqual(TOLD);
    const newer = { ...JSON.parse(writeAnnouncement(TOLD)) as object, another: 1 };
    expect(readAnnouncement(JSON.stringify(newer))).toEqual(TOLD);
    expect(readAnnouncement(writeAnnouncement({ ...TOLD, host: 'h'.repeat(999) }))?.host)
      .toHaveLength(200);
  });

  it.each(['', '{', '[]', '{"format":2}', '{"format":1,"host":7}'])('is not %s', (json) => {
    expect(readAnnouncement(json)).toBeUndefined();
  });
});
