/** The read path, whose reads can be watched one by one (tracing-channels.ts). */
import type { CacheKey } from './key.ts';
import type { Load, Outcome, ReadOptions } from './load.ts';
import type { Patience } from './patience.ts';
import { ReadPath } from './read-path.ts';
import type { Found } from './tiers.ts';
import { reading, type Reading } from './tracing-channels.ts';

export class TracedReadPath extends ReadPath {
  override read(
    keys: readonly CacheKey[],
    load: Load,
    options?: ReadOptions,
  ): Promise<readonly Outcome[]> {
    if (!reading.hasSubscribers) return super.read(keys, load, options);
    const event = readingOf(keys);
    return reading.tracePromise(async () => {
      const outcomes = await super.read(keys, load, options);
      event.hows = outcomes.map(({ how }) => how);
      return outcomes;
    }, event);
  }

  override below<T>(
    key: CacheKey,
    use: (found: Found | undefined) => T,
    patience: Patience,
  ): Promise<T> | undefined {
    if (!reading.hasSubscribers) return super.below(key, use, patience);
    const event = readingOf([key]);
    const used = (found: Found | undefined): T => {
      if (found?.verdict === 'current') event.hows = [found.tier];
      return use(found);
    };
    const answer = super.below(key, used, patience);
    return answer && reading.tracePromise(() => answer, event);
  }
}

function readingOf(keys: readonly CacheKey[]): Reading {
  return { keys: keys.length, isOfEntities: keys[0]?.field !== undefined, hows: [] };
}
