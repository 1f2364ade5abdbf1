import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MemoryHistory, RedisHistory, type LogHistory } from '../../src/invalidation/history.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { RedisLogArchive } from '../../src/invalidation/log-redis-archive.ts';
import { RedisLog } from '../../src/invalidation/log-redis.ts';
import type { Log } from '../../src/invalidation/log.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { formatPosition, ORIGIN, type Position } from '../../src/invalidation/position.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

let redis: RedisServer;
let count = 0;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

interface Opened {
  readonly log: Log;
  readonly history: LogHistory;
  /** Drops what is before. */
  trim(position: Position): Promise<void>;
  close(): Promise<void>;
}

function openMemory(): Opened {
  const log = new MemoryLog({ recordsMax: 20 });
  const history = new MemoryHistory(log);
  const fill = async (): Promise<void> => {
    for (let id = 0; id < 30; id += 1) await log.append(purge());
  };
  return { log, history, trim: fill, close: () => log.close() };
}

function openRedis(): Opened {
  const stream = `log-${(count += 1)}`;
  const log = new RedisLog({ redis: { url: redis.url }, channel: stream, stream });
  const archive = new RedisLogArchive({ redis: { url: redis.url }, stream });
  return {
    log,
    history: new RedisHistory(archive),
    async trim(position) {
      const client = new Redis(redis.url);
      await client.xtrim(stream, 'MINID', formatPosition(position));
      client.disconnect();
    },
    async close() {
      archive.close();
      await log.close();
    },
  };
}

let ids = 0;
const maker = new MessageMaker({
  sourceService: 'test', clock: systemClock, newId: () => `m-${(ids += 1)}`,
});
const purge = () => maker.batch([`user:${ids}`]);

async function all<T>(pieces: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const piece of pieces) list.push(piece);
  return list;
}

async function after({ history }: Opened, position: Position) {
  const stretches = await all(history.after(position));
  return {
    positions: stretches.flatMap(({ records }) => records.map((record) => record.position)),
    afterGap: stretches.some((stretch) => stretch.afterGap),
  };
}

describe.each([['in memory', openMemory], ['in Redis', openRedis]] as const)(
  'the history of a log %s',
  (_where, open) => {
    it('tells the records after a place, oldest first, and all of them newest first', async () => {
      const opened = open();
      const positions: Position[] = [];
      for (let at = 0; at < 5; at += 1) positions.push(await opened.log.append(purge()));
      const [, second] = positions;
      expect(await after(opened, second as Position))
        .toEqual({ positions: positions.slice(2), afterGap: false });
      const pieces = await all(opened.history.backwards());
      expect(pieces.flat().map(({ position }) => position)).toEqual(positions.toReversed());
      await opened.close();
    });

    it('says where records are missing, and ends where there is nothing more', async () => {
      const opened = open();
      const first = await opened.log.append(purge());
      await opened.log.append(purge());
      const third = await opened.log.append(purge());
      expect(await after(opened, third)).toEqual({ positions: [], afterGap: false });
      await opened.trim(third);
      expect((await after(opened, first)).afterGap).toBe(true);
      await opened.close();
    });

    it('has nothing to tell of an empty log', async () => {
      const opened = open();
      expect((await after(opened, ORIGIN)).positions).toEqual([]);
      await opened.close();
    });
  },
);
