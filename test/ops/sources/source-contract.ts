/** What every source promises, whatever it reads. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import type { Log } from '../../../src/invalidation/log.ts';
import type { InvalidationMessage } from '../../../src/invalidation/message.ts';
import type {
  InvalidationSource, SourceSurroundings,
} from '../../../src/ops/sources/source.ts';
import { until } from '../../support/until.ts';
import { FaultyLog } from '../../invalidation/faulty-log.ts';
import { TestFollower } from '../../invalidation/log-contract.ts';

export interface SourceWorld {
  /** The server deals messages out, so that all read at once. Default false: one does. */
  readonly isShared?: boolean;
  /** Nothing waits to be read, and users may be changed. */
  prepare(): Promise<void>;
  create(surroundings: SourceSurroundings): InvalidationSource;
  /** Users are changed for good; where that is made known, it has been. */
  change(ids: readonly string[]): Promise<void>;
  /** The server ends all sessions of sources. */
  cutOff(): Promise<void>;
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
  close(): Promise<void>;
}

/** Takes what a test opens, and closes it after the test. */
export class OpenThings {
  readonly #open: { close(): unknown }[] = [];

  add<T extends { close(): unknown }>(thing: T): T {
    this.#open.push(thing);
    return thing;
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((one) => one.close()));
  }
}

/** What the log holds and will hold, as it comes. */
export function collect(log: Log, open: OpenThings): InvalidationMessage[] {
  const messages: InvalidationMessage[] = [];
  const follower = new TestFollower(log);
  open.add({ close: () => follower.abort() });
  void (async () => {
    for (let event = await follower.next(); event; event = await follower.next()) {
      if (event.kind !== 'records') continue;
      messages.push(...event.records.map(({ message }) => message));
    }
  })();
  return messages;
}

/** The ids of users that messages name, in whichever form. */
export function usersIn(messages: readonly InvalidationMessage[]): string[] {
  return messages.flatMap(({ entity_type: type, entity_id: id, entity_ids: keys }) => [
    ...(type === 'User' && id !== null ? [id] : []),
    ...(keys ?? []).flatMap((key) => (key.startsWith('user:') ? [key.slice(5)] : [])),
  ]);
}

export function describeSource(kind: string, openWorld: () => Promise<SourceWorld>): void {
  describe(`a source that reads ${kind}`, () => {
    let world: SourceWorld;
    const open = new OpenThings();
    const warnings: string[] = [];

    beforeAll(async () => {
      world = await openWorld();
    });
    afterAll(() => world.close());
    afterEach(async () => {
      await open.closeAll();
      warnings.splice(0);
    });

    const memoryLog = () => open.add(new MemoryLog({ heartbeatMs: 10, recordsMax: 200_000 }));
    const sourceTo = (log: Pick<Log, 'append'>): InvalidationSource => {
      const source = open.add(world.create({
        name: 'shop', sink: log, clock: systemClock, random: systemRandom,
        warn: (text) => warnings.push(text),
      }));
      source.start();
      return source;
    };
    const working = async (source: InvalidationSource): Promise<void> => {
      await until(() => source.stats.isWorking, { what: 'it works' });
    };
    const areTold = async (messages: readonly InvalidationMessage[], ids: readonly string[]) => {
      const what = `the log has ${ids.join(', ')}`;
      await until(() => {
        const users = new Set(usersIn(messages));
        return ids.every((id) => users.has(id));
      }, { what });
    };

    it('tells the log what has changed, and counts it', async () => {
      await world.prepare();
      const log = memoryLog();
      const messages = collect(log, open);
      const source = sourceTo(log);
      await working(source);
      const before = source.stats.delivered;
      await world.change(['1', 'gid://shop/User/2']);
      await areTold(messages, ['1']);
      // They may come one after the other.
      await until(() => messages.some((one) => {
        const keys = one.entity_ids ?? [`user:${one.entity_id}`];
        return keys.some((key) => key.includes('shop/User/2'));
      }), { what: 'the log has the other one' });
      await until(() => source.stats.delivered > before, { what: 'it is counted' });
      expect(source.stats).toMatchObject({ name: 'shop', isWorking: true, refused: 0 });
    });

    it('goes on where it ended', async () => {
      await world.prepare();
      const log = memoryLog();
      const messages = collect(log, open);
      const first = sourceTo(log);
      await working(first);
      await world.change(['read']);
      await areTold(messages, ['read']);
      await first.close();
      await world.change(['while nobody read']);
      const second = sourceTo(log);
      await working(second);
      await until(() => usersIn(messages).some((id) => id.startsWith('while')), {
        what: 'it is read',
      });
    });

    it('acknowledges nothing that is not in the log', async () => {
      await world.prepare();
      const log = new FaultyLog(memoryLog());
      const messages = collect(log, open);
      const source = sourceTo(log);
      await working(source);
      const before = source.stats.delivered;
      log.isDown = true;
      await world.change(['kept']);
      await until(() => source.stats.failures > 1, {
        what: 'it cannot append',
      });
      expect(source.stats.delivered).toBe(before);
      const told = warnings.filter((text) => text.includes('The log cannot be reached'));
      expect(told).toHaveLength(1);
      await source.close();
      log.isDown = false;
      sourceTo(log);
      await areTold(messages, ['kept']);
    });

    it('is read by one, and another takes over', async () => {
      await world.prepare();
      const log = memoryLog();
      const messages = collect(log, open);
      const sources = [sourceTo(log), sourceTo(log), sourceTo(log)];
      const reading = () => sources.filter(({ stats }) => stats.isWorking);
      const readers = world.isShared === true ? sources.length : 1;
      await until(() => reading().length === readers, { what: 'one reads' });
      await world.change(['once']);
      await areTold(messages, ['once']);
      expect(usersIn(messages).filter((id) => id === 'once')).toHaveLength(1);
      const [first] = reading();
      await first?.close();
      await until(() => reading().some((one) => one !== first), {
        what: 'another one reads',
      });
      expect(reading()).toHaveLength(Math.max(1, readers - 1));
      await world.change(['again']);
      await areTold(messages, ['again']);
    });

    it('begins anew where the server ends its session', async () => {
      await world.prepare();
      const log = memoryLog();
      const messages = collect(log, open);
      const source = sourceTo(log);
      await working(source);
      await world.cutOff();
      await until(() => source.stats.failures > 0, { what: 'it notices' });
      await world.change(['after']);
      await areTold(messages, ['after']);
    });

    it('waits for a server that is not there yet, and is closed at once', async () => {
      await world.prepare();
      const log = memoryLog();
      const messages = collect(log, open);
      const earlier = sourceTo(log);
      await working(earlier);
      await earlier.close();
      await world.stopServer();
      const source = sourceTo(log);
      const impatient = sourceTo(log);
      await until(() => source.stats.failures > 1 && impatient.stats.failures > 0, {
        what: 'they try',
      });
      expect(source.stats.isWorking).toBe(false);
      await impatient.close();
      await world.startServer();
      await until(() => world.change(['late']).then(() => true), {
        what: 'the server is there',
      });
      await areTold(messages, ['late']);
    });
  });
}
