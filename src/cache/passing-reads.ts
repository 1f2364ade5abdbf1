/**
 * In place of a read path where nothing is to be kept: everything is loaded by whoever wants it,
 * who learns of it all that they would have learnt of what is kept.
 */
import assert from 'node:assert/strict';
import type { CacheKey } from './key.ts';
import type { Load } from './load.ts';
import type { Outcome, ReadPath } from './read-path.ts';

export class PassingReads implements Pick<ReadPath, 'read' | 'forget'> {
  async read(keys: readonly CacheKey[], load: Load): Promise<readonly Outcome[]> {
    const fills = await load(keys.map((_, index) => index));
    assert(fills.length === keys.length, 'a load gives one fill for each key');
    return fills.map(({ value }) => ({ value, how: 'loaded', entry: undefined, stored: false }));
  }

  forget(): void {}
}
