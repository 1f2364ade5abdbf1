import { expect, it } from 'vitest';
import { TagTable } from '../../src/cache/tag-table.ts';
import { entityTag } from '../../src/invalidation/tag.ts';

it('answers with equal tags, in their order', () => {
  const table = new TagTable();
  const tags = [entityTag('User', 1), entityTag('Post', 2), entityTag('User', 1)];
  expect(table.intern(tags)).toEqual(tags);
  expect(table.intern([])).toEqual([]);
});

it('answers with equal tags still when it has held more than it keeps', () => {
  const table = new TagTable();
  const wrong: number[] = [];
  for (let id = 0; id < 200_000; id += 1) {
    if (table.intern([entityTag('User', id)])[0] !== entityTag('User', id)) wrong.push(id);
  }
  expect(wrong).toEqual([]);
  expect(table.intern([entityTag('User', 0)])).toEqual(['user:0']);
});
