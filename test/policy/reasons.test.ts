import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { planOperation } from '../../src/policy/operation-plan.ts';
import { reasonsOf } from '../../src/policy/reasons.ts';
import { SchemaPolicy, type SchemaPolicyOptions } from '../../src/policy/schema-policy.ts';

const schema = buildSchema(`
  directive @cacheControl(maxAge: Int, scope: Scope, inheritMaxAge: Boolean)
    on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
  enum Scope { PUBLIC PRIVATE }
  type Query {
    user: User
    short: User @cacheControl(maxAge: 5)
    open: Open @cacheControl(maxAge: 50, scope: PUBLIC)
    named: Named
    plain: Plain
  }
  interface Named @cacheControl(maxAge: 7) { name: String @cacheControl(scope: PRIVATE) }
  type User @cacheControl(maxAge: 100) {
    id: ID
    name: String @cacheControl(maxAge: 20)
    plain: Plain
  }
  type Open @cacheControl(scope: PUBLIC) { id: ID }
  type Bot implements Named { name: String }
  type Plain { a: Int }
`);

function reasons(query: string, options: SchemaPolicyOptions = {}) {
  const source = { schema, policy: new SchemaPolicy(schema, options), document: parse(query) };
  const told = reasonsOf(source);
  const { ttlMs, scope } = planOperation(source);
  expect({ ttlMs: told.ttlMs, scope: told.scope }).toEqual({ ttlMs, scope });
  return told;
}

describe('why an operation is kept for as long as it is', () => {
  it.each([
    ['{ user { id } }', 'directive', 'User'],
    ['{ user { id name } }', 'directive', 'User.name'],
    ['{ a: short { id } user { name } }', 'directive', 'Query.short'],
    ['{ plain { a } }', 'default', 'Plain'],
    ['{ named { name } }', 'directive', 'Named'],
    ['{ ... on Query { named { ... on Bot { name } } } }', 'directive', 'Named'],
  ])('%s: %s of %s', (query, by, coordinate) => {
    expect(reasons(query).ttl).toEqual({ by, coordinate });
  });

  it('tells a rule of the configuration from a directive', () => {
    const rules = { 'User': { maxAgeSeconds: 3 } };
    expect(reasons('{ user { id } }', { rules })).toMatchObject({
      ttlMs: 3_000, ttl: { by: 'configuration', coordinate: 'User' },
    });
  });

  it('tells of the limit', () => {
    expect(reasons('{ user { id } }', { maxTtlMs: 1_000 })).toMatchObject({
      ttlMs: 1_000, ttl: { by: 'limit', coordinate: undefined },
    });
  });
});

describe('why it is kept for whom it is', () => {
  it('names the field that is PRIVATE, also where an interface says so', () => {
    expect(reasons('{ named { name } }').scopeFrom)
      .toEqual({ by: 'directive', coordinate: 'Named.name' });
  });

  it('names the first field that nothing is said of', () => {
    expect(reasons('{ open { id } user { id } }').scopeFrom)
      .toEqual({ by: 'default', coordinate: 'Query.user' });
  });

  it('has nothing to name where all is PUBLIC', () => {
    expect(reasons('{ open { id } }')).toMatchObject({ scope: 'PUBLIC', scopeFrom: undefined });
  });
});
