import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { fieldName, shownEntities } from '../../../src/gateway/caching/shown-entities.ts';

const schema = buildSchema(`
  type Query { nothing: Int }
  type Mutation { save(id: ID): Node first: User last: User removed: User all: [[User]] }
  interface Node { id: ID }
  type User implements Node { id: ID name(short: Boolean, at: Int): String friend: User }
  type Post implements Node { id: ID title: String }
`);

function shown(text: string, data: unknown, variables = {}): Record<string, unknown>[] {
  const isTelling = (field: string): boolean => field !== 'removed';
  return shownEntities({ schema, document: parse(text), variables, data, isTelling })
    .map(({ type, fields }) => ({ type, ...Object.fromEntries(fields) }));
}

describe('what an answer shows of entities', () => {
  it('is told by field, whatever they are called in it', () => {
    const text = 'mutation { x: last { a: id b: name } }';
    expect(shown(text, { x: { a: '1', b: 'n' } }))
      .toEqual([{ 'type': 'User', 'id {}': '1', 'name {}': 'n' }]);
  });

  it('tells fields apart by their arguments, in whichever order they are given', () => {
    const text = 'mutation ($s: Boolean) { last { a: name(short: $s, at: 1) b: name } }';
    const [user] = shown(text, { last: { a: 'n', b: 'name' } }, { s: true });
    expect(user).toEqual({
      'type': 'User', 'name {"at":1,"short":true}': 'n', 'name {}': 'name',
    });
    expect(fieldName({ name: 'name', arguments: '{}' })).toBe('name {}');
  });

  it('is nothing where the field does not say that it tells', () => {
    expect(shown('mutation { removed { id } }', { removed: { id: '1' } })).toEqual([]);
  });

  it('goes down into objects, lists and fragments that apply', () => {
    const text = `mutation { all { ...On friend { id } ... on Post { title } } }
      fragment On on Node { id }`;
    expect(shown(text, { all: [[{ id: '1', friend: { id: '2' } }, null]] })).toEqual([
      { 'type': 'User', 'id {}': '1' }, { 'type': 'User', 'id {}': '2' },
    ]);
  });

  it('knows what an interface holds by its name, and nothing without it', () => {
    const named = 'mutation { save { t: __typename id ... on Post { title } } }';
    expect(shown(named, { save: { t: 'Post', id: '1', title: 'x' } })).toEqual([
      { 'type': 'Post', '__typename {}': 'Post', 'id {}': '1', 'title {}': 'x' },
    ]);
    expect(shown('mutation { save { id } }', { save: { id: '1' } })).toEqual([]);
  });

  it('is what stands below the last field, since it may have changed the others', () => {
    const text = 'mutation { first { id } last { id } }';
    expect(shown(text, { first: { id: '1' }, last: { id: '2' } }))
      .toEqual([{ 'type': 'User', 'id {}': '2' }]);
  });

  it('leaves out what a directive left out', () => {
    const text = 'mutation ($no: Boolean!) { last { id name @skip(if: $no) } }';
    expect(shown(text, { last: { id: '1' } }, { no: true }))
      .toEqual([{ 'type': 'User', 'id {}': '1' }]);
  });
});
