/** A source by itself: in each test a queue or stream that is new, and a log of its own. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { systemClock, systemRandom } from '../../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../../src/invalidation/log-memory.ts';
import type { InvalidationMessage } from '../../../../src/invalidation/message.ts';
import type { InvalidationSource, SourceSurroundings } from '../../../../src/ops/sources/source.ts';
import { until } from '../../../support/until.ts';
import { collect, OpenThings, usersIn, type SourceWorld } from '../source-contract.ts';

interface OptionedWorld extends SourceWorld {
  create(surroundings: SourceSurroundings, options?: object): InvalidationSource;
}

/** To be called where a suite is described: opens the world for it, and closes it after. */
export function loneSource<World extends OptionedWorld>(
  openWorld: () => Promise<World>,
): LoneSource<World> {
  const lone = new LoneSource<World>();
  beforeAll(async () => {
    lone.world = await openWorld();
  });
  afterAll(() => lone.world.close());
  beforeEach(() => lone.begin());
  afterEach(() => lone.end());
  return lone;
}

class LoneSource<World extends OptionedWorld> {
  readonly open = new OpenThings();
  readonly warnings: string[] = [];
  world!: World;
  /** What the log holds and will hold. */
  messages!: InvalidationMessage[];
  #log!: MemoryLog;

  async begin(): Promise<void> {
    await this.world.prepare();
    this.#log = this.open.add(new MemoryLog({ heartbeatMs: 10 }));
    this.messages = collect(this.#log, this.open);
  }

  async end(): Promise<void> {
    await this.open.closeAll();
    this.warnings.splice(0);
  }

  start(options?: Parameters<World['create']>[1]): InvalidationSource {
    const source = this.open.add(this.world.create({
      name: 'shop', sink: this.#log, clock: systemClock, random: systemRandom,
      warn: (text) => this.warnings.push(text),
    }, options));
    source.start();
    return source;
  }

  async started(options?: Parameters<World['create']>[1]): Promise<InvalidationSource> {
    const source = this.start(options);
    await until(() => source.stats.isWorking, { what: 'it works' });
    return source;
  }

  async areTold(ids: readonly string[]): Promise<void> {
    await until(() => ids.every((id) => usersIn(this.messages).includes(id)), {
      what: `${ids.join()} are told`,
    });
  }
}
