/** What every source promises that reads messages from a broker. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../../src/invalidation/log-memory.ts';
import type { InvalidationMessage } from '../../../../src/invalidation/message.ts';
import type { BrokerMapping } from '../../../../src/ops/sources/broker/broker-messages.ts';
import type {
  InvalidationSource, Sink, SourceSurroundings,
} from '../../../../src/ops/sources/source.ts';
import { until } from '../../../support/until.ts';
import { FaultyLog } from '../../../invalidation/faulty-log.ts';
import { wireMessages } from '../../../invalidation/wire-messages.ts';
import { collect, OpenThings, usersIn, type SourceWorld } from '../source-contract.ts';

export interface BrokerOptions {
  readonly mappings?: readonly BrokerMapping[];
  readonly inFlightMax?: number;
  readonly urls?: readonly string[];
}

export interface BrokerWorld extends SourceWorld {
  create(surroundings: SourceSurroundings, options?: BrokerOptions): InvalidationSource;
  /** Resolves when the server has it. */
  publish(subject: string, payload: string): Promise<void>;
  killServer(): Promise<void>;
  /** What knows how far the source has read is gone. */
  forgetReader(): Promise<void>;
  /** Whether it begins anew where nobody read before it, since the server may have kept nothing. */
  readonly beginsAnewAlone: boolean;
  /** Messages that would be delivered to a source that begins now. */
  waiting(): Promise<number>;
  /** A URL with this password, which is wrong. */
  urlWith(password: string): string;
}

export function describeBroker(kind: string, openWorld: () => Promise<BrokerWorld>): void {
  describe(`a source that reads messages of ${kind}`, () => {
    let world: BrokerWorld;
    let log: FaultyLog;
    let messages: InvalidationMessage[];
    const open = new OpenThings();
    const warnings: string[] = [];

    beforeAll(async () => {
      world = await openWorld();
    });
    afterAll(() => world.close());
    beforeEach(async () => {
      await world.prepare();
      log = new FaultyLog(open.add(new MemoryLog({ heartbeatMs: 10, recordsMax: 200_000 })));
      messages = collect(log, open);
    });
    afterEach(async () => {
      await open.closeAll();
      warnings.splice(0);
    });

    const start = (options: BrokerOptions = {}, sink: Sink = log): InvalidationSource => {
      const source = open.add(world.create({
        name: 'shop', sink, clock: systemClock, random: systemRandom,
        warn: (text) => warnings.push(text),
      }, options));
      source.start();
      return source;
    };
    const started = async (options?: BrokerOptions, sink?: Sink): Promise<InvalidationSource> => {
      const source = start(options, sink);
      await until(() => source.stats.isWorking, { what: 'it works' });
      return source;
    };
    /** One after the other, each as often as it takes. */
    const change = async (prefix: string, count: number): Promise<string[]> => {
      const ids = Array.from({ length: count }, (_, at) => `${prefix}${at}`);
      for (let at = 0; at < count; at += 20) {
        const some = ids.slice(at, at + 20);
        await until(() => world.change(some).then(() => true), {
          what: 'the server takes them', everyMs: 50,
        });
      }
      return ids;
    };
    const allAreTold = async (ids: readonly string[]): Promise<void> => {
      const missing = (): readonly string[] => {
        const told = new Set(usersIn(messages));
        return ids.filter((id) => !told.has(id));
      };
      await until(() => missing().length === 0, {
        what: 'all are told', everyMs: 50,
        instead: () => ({ missing: [missing().length, missing()[0], missing().at(-1)], warnings }),
      });
    };

    it('purges everything where it begins anew, and not where it takes over', async () => {
      const first = await started();
      const patterns = () => messages.filter(({ pattern }) => pattern === '*').length;
      await until(() => patterns() > 0, { what: 'it is purged' });
      const before = patterns();
      await started();
      await first.close();
      await world.change(['1']);
      await allAreTold(['1']);
      expect(patterns()).toBe(before);
      await world.forgetReader();
      await until(() => patterns() > before, { what: 'it begins anew' });
    });

    it('purges everything where it goes on alone, if what came meanwhile may be lost', async () => {
      await (await started()).close();
      const patterns = () => messages.filter(({ pattern }) => pattern === '*').length;
      await until(() => patterns() > 0, { what: 'it is purged' });
      const before = patterns();
      await started();
      await world.change(['1']);
      await allAreTold(['1']);
      if (world.beginsAnewAlone) expect(patterns()).toBeGreaterThan(before);
      else expect(patterns()).toBe(before);
    });

    it('reads what services send, and passes over what nobody can read', async () => {
      const source = await started();
      const rejected = wireMessages.filter((one) => one.expect.rejected === true);
      for (const { payload } of wireMessages) await world.publish('shop.any', payload);
      const { length } = wireMessages;
      await until(() => source.stats.delivered + source.stats.refused === length, {
        what: 'all are read',
      });
      expect(source.stats).toMatchObject({ refused: rejected.length, failures: 0 });
      await source.close();
      expect(await world.waiting()).toBe(0);
      const [, warning, ...others] = warnings;
      expect(warning).toMatch(/^source shop: something that cannot be read was passed over: The /);
      expect(others).toEqual([]);
      expect(warnings.join()).not.toContain('6f1f3c1e');
    });

    it('reads messages of another shape as it is told', async () => {
      const source = await started({ mappings: [
        { pattern: 'crm.*.changed', type: '$2', id: ['/data/id'], lists: false },
        { pattern: 'crm.order.changed', type: 'Customer', id: ['/data/by'], lists: true },
      ] });
      await world.publish('shop.crm.order.changed', '{"data":{"id":1}}');
      await until(() => source.stats.refused === 1, { what: 'the wrong subject is passed over' });
      await world.publish('crm.order.changed', '{"data":{"id":7,"by":["a","b"]}}');
      const keys = () => messages.flatMap((one) => one.entity_ids ?? []).toSorted();
      await until(() => keys().length > 3, { what: 'it is told' });
      expect(keys()).toEqual(['customer', 'customer:a', 'customer:b', 'order:7']);
    });

    it('gives back what it holds while the log is away, and loses nothing', async () => {
      const source = await started({ inFlightMax: 10 });
      log.isDown = true;
      const ids = await change('away-', 60);
      await until(() => source.stats.failures > 2, { what: 'it tries' });
      expect(source.stats.delivered).toBe(0);
      expect(source.stats.refused).toBe(0);
      log.isDown = false;
      await allAreTold(ids);
    });

    it('holds no more messages than it may, and acknowledges them when it ends', async () => {
      await (await started()).close();
      const gate = Promise.withResolvers<void>();
      const asked: InvalidationMessage[] = [];
      const source = await started({ inFlightMax: 10 }, {
        append: (message) => {
          if (world.beginsAnewAlone && message.pattern === '*') return log.append(message);
          asked.push(message);
          return gate.promise.then(() => log.append(message));
        },
      });
      await change('held-', 60);
      await until(() => asked.length === 10, { what: 'it holds some' });
      expect(await world.waiting()).toBeGreaterThanOrEqual(50);
      expect(asked).toHaveLength(10);
      const closed = source.close();
      gate.resolve();
      await closed;
      expect(source.stats).toMatchObject({ delivered: 10, failures: 0 });
      expect(await world.waiting()).toBe(50);
    });

    it('loses nothing where the server is killed under load', async () => {
      const sources = [await started(), await started()];
      const changing = change('load-', 2_000);
      await until(() => usersIn(messages).length > 200, {
        what: 'some are told',
      });
      await world.killServer();
      await until(() => sources.every(({ stats }) => stats.failures > 0), {
        what: 'they notice',
      });
      await world.startServer();
      await allAreTold(await changing);
      expect(sources.map(({ stats }) => stats.refused)).toEqual([0, 0]);
    });

    it('shows no password', async () => {
      const source = start({ urls: [world.urlWith('hunter2')] });
      await until(() => source.stats.failures > 0, { what: 'it is let in by nobody' });
      expect(warnings).toHaveLength(1);
      expect(warnings.join()).not.toContain('hunter2');
    });
  });
}
