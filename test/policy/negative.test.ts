import { describe, expect, it } from 'vitest';
import type { SchemaPolicyOptions } from '../../src/policy/schema-policy.ts';
import { planner } from './planning.ts';

const SDL = `
  type Query {
    user: User @cacheStrategy(negative: 5)
    other: User
    ghost: Ghost
    ghosts: [Ghost]
    node: Node
    either: Either
    label: String @cacheStrategy(negative: 5)
    labels: [Int] @cacheStrategy(negative: 5)
    silent: String
    box: Box
    json: Json @cacheStrategy(negative: 5)
  }
  type Mutation { user: User @cacheStrategy(negative: 5) }
  scalar Json
  interface Node { id: ID! }
  type User implements Node { id: ID! name: String friend: Ghost }
  type Ghost implements Node @cacheStrategy(negative: 3) { id: ID! name: String }
  union Either = User | Ghost
  type Box { name: String inner: Box @cacheStrategy(negative: 2) }
  type Plain @cacheStrategy(negative: 2) { name: String }`;
const plan = planner(SDL);

describe('an answer is negative', () => {
  it.each<[string, unknown, boolean]>([
    ['{ user { name } }', { user: null }, true],
    ['{ u: user { name } }', { u: null }, true],
    ['{ ...f } fragment f on Query { user { name } }', { user: null }, true],
    ['{ user { name } }', { user: { name: null, _freshet_User_id: '1' } }, false],
    ['{ other { name } }', { other: null }, false],
    ['{ ghost { name } }', { ghost: null }, true],
    ['{ ghosts { name } }', { ghosts: null }, true],
    ['{ ghosts { name } }', { ghosts: [null] }, true],
    ['{ ghosts { name } }', { ghosts: [] }, false],
    ['{ ghosts { id } }', { ghosts: [{ id: '1' }, null] }, true],
    ['{ other { id friend { id } } }', { other: { id: '1', friend: null } }, true],
    ['{ node { id } }', { node: null }, true],
    ['{ either { __typename } }', { either: null }, true],
    ['{ label }', { label: null }, true],
    ['{ label }', { label: '' }, false],
    ['{ l: label silent }', { l: null, silent: 'a' }, true],
    ['{ labels }', { labels: [1, 2] }, false],
    ['{ json }', { json: { a: null } }, false],
    ['{ silent }', { silent: null }, false],
    ['{ box { name inner { name } } }', { box: { name: null, inner: null } }, true],
    ['{ box { name inner { name } } }', { box: null }, false],
    ['{ box { name inner { name inner { name } } } }',
      { box: { name: 'a', inner: { name: 'b', inner: null } } }, true],
    ['query($a: Boolean = false) { user @include(if: $a) { name } }', {}, false],
  ])('%s with %j: %s', (text, data, isNegative) => {
    const harvest = plan(text).harvest(data, {});
    expect(harvest.isNegative).toBe(isNegative);
    expect(harvest.overflow).toBe(false);
  });

  it('by the configuration, and by what is declared of the root type', () => {
    const rules: SchemaPolicyOptions['rules'] = { 'Query.a': { negativeTtlSeconds: 4 } };
    const configured = planner('type Query { a: Int b: Int }', { rules });
    expect(configured('{ a }').harvest({ a: null }, {}).isNegative).toBe(true);
    expect(configured('{ b }').harvest({ b: null }, {}).isNegative).toBe(false);
    const root = planner('type Query @cacheStrategy(negative: 1) { a: T } type T { t: T u: Int }');
    expect(root('{ a { u } }').harvest({ a: null }, {}).isNegative).toBe(true);
    expect(root('{ a { t { u } } }').harvest({ a: { t: null } }, {}).isNegative).toBe(false);
    expect(root('{ a { u } }').strategy.negativeTtlMs).toBe(1_000);
  });

  it('and so kept no longer than any other', () => {
    const brief = planner(
      'type Query { a: Int @cacheControl(maxAge: 2) @cacheStrategy(negative: 9) }',
    );
    expect(brief('{ a }').strategy.negativeTtlMs).toBe(2_000);
  });

  it('changes nothing of what a mutation makes stale', () => {
    expect(plan('mutation { user { id } }').purges({ user: null }, {}))
      .toEqual(planner(SDL.replaceAll(/@cacheStrategy\([^)]*\)/g, ''))('mutation { user { id } }')
        .purges({ user: null }, {}));
  });
});
