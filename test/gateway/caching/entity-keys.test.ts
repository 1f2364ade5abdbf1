import { describe, expect, it } from 'vitest';
import type { CacheKey } from '../../../src/cache/key.ts';
import {
  EntityCache, EntityGroup, type EntityCacheOptions,
} from '../../../src/gateway/caching/entity-cache.ts';
import type { SchemaPolicy } from '../../../src/policy/schema-policy.ts';

type Representation = Record<string, unknown>;

const KEYS: Record<string, string[][]> = {
  User: [['id']], USER: [['id']], Seat: [['row'], ['at']], Odd: [['id'], ['id']],
  Node: [['id']], Deep: [['of', 'id']], Keyless: [],
};
const IDENTITIES: Record<string, string[]> = { Node: ['User', 'Post'] };
const policy = {
  keyFields: (type: string) => KEYS[type] ?? [],
  identities: (type: string) => IDENTITIES[type] ?? [type],
} as Partial<SchemaPolicy> as SchemaPolicy;
const entities = new EntityCache({ policy } as Partial<EntityCacheOptions> as EntityCacheOptions);

function keyOf(
  __typename: string,
  fields: Representation,
  group = new EntityGroup(['users', 'a document'], {}),
): CacheKey {
  return entities.placeOf({ __typename, ...fields }, group).key;
}

describe('the key of an entity', () => {
  it('is the same each time, in the home that its tag is', () => {
    expect(keyOf('User', { id: '1' })).toEqual(keyOf('User', { id: '1' }));
    expect(keyOf('User', { id: '1' }).home).toBe('user:1');
    expect(keyOf('User', { id: '1', weight: 7 }).home).toBe('user:1');
  });

  it.each<[string, [string, Representation], [string, Representation]]>([
    ['another id', ['User', { id: '1' }], ['User', { id: '2' }]],
    ['a number and its text', ['User', { id: '1' }], ['User', { id: 1 }]],
    ['types that differ in case alone', ['User', { id: '1' }], ['USER', { id: '1' }]],
    ['an interface and one of its types', ['User', { id: '1' }], ['Node', { id: '1' }]],
    ['what else is required', ['User', { id: '1', a: 1 }], ['User', { id: '1', a: 2 }]],
    ['what else is required, or nothing', ['User', { id: '1', a: null }], ['User', { id: '1' }]],
    ['a key that stands there twice', ['Odd', { id: '1', a: 1 }], ['Odd', { id: '1', a: 2 }]],
    ['values that join alike',
      ['Seat', { row: 'a:b', at: 'c' }], ['Seat', { row: 'a', at: 'b:c' }]],
    ['an empty value', ['Seat', { row: '', at: 'x' }], ['Seat', { row: 'x', at: '' }]],
    ['keys that are nested', ['Deep', { of: { id: '1' } }], ['Deep', { of: { id: '2' } }]],
    ['types without a key', ['Keyless', { id: '1' }], ['Keyless', { id: '2' }]],
  ])('tells apart %s', (_, one, other) => {
    expect(keyOf(...one).id).not.toBe(keyOf(...other).id);
  });

  it('tells apart what is asked for in another way', () => {
    const groups = [
      new EntityGroup(['users', 'a document'], {}),
      new EntityGroup(['users', 'another'], {}),
      new EntityGroup(['users', 'a document'], { first: 1 }),
    ];
    expect(new Set(groups.map((group) => keyOf('User', { id: '1' }, group).id)).size).toBe(3);
  });
});
