import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { policyOptions } from '../../../src/gateway/built-schema.ts';
import { resolveConfig, type FreshetOptions } from '../../../src/gateway/config/config.ts';
import { SchemaPolicy } from '../../../src/policy/schema-policy.ts';

type Rule = NonNullable<NonNullable<FreshetOptions['cache']>['rules']>[string];

const SDL = `type Query { a: Int }
  type Post @cacheControl(maxAge: 7000, staleWhileRevalidate: 7000)
    @cacheStrategy(sliding: 9000, staleIfError: 7000) { id: ID! rev: Int }`;

const policyOf = (cache: NonNullable<FreshetOptions['cache']>): SchemaPolicy =>
  new SchemaPolicy(parse(SDL), policyOptions(resolveConfig({ supergraph: 'a', cache })));

describe('the strategies of a configuration', () => {
  it('reach the policy, each member of a rule', () => {
    const rule: Required<Omit<Rule, 'scope' | 'tags' | 'purges'>> = {
      maxAgeSeconds: 60, staleWhileRevalidateSeconds: 10, slidingSeconds: 90, jitter: 0.2,
      earlyExpiry: 1.5, staleIfErrorSeconds: 20, refreshHits: 3, settleMs: 40,
      negativeTtlSeconds: 5, versionField: 'rev', writeThrough: true, lockMs: 70,
    };
    const policy = policyOf({ rules: { Post: rule } });
    expect(policy.typeHint('Post')).toEqual({
      ttlMs: 60_000,
      scope: 'UNDECLARED',
      strategy: {
        slidingMs: 90_000, jitter: 0.2, earlyExpiry: 1.5, staleWhileRevalidateMs: 10_000,
        staleIfErrorMs: 20_000, refreshHits: 3, settleMs: 40, negativeTtlMs: 5_000, lockMs: 70,
      },
    });
    expect([policy.versionField('Post'), policy.writesThrough('Post')]).toEqual(['rev', true]);
  });

  it('are held to its limits, also where a directive declares them', () => {
    const limits = {
      maxTtlSeconds: 100, maxStaleWhileRevalidateSeconds: 20, maxStaleIfErrorSeconds: 30,
    };
    expect(policyOf(limits).typeHint('Post')).toMatchObject({
      ttlMs: 100_000,
      strategy: { slidingMs: 0, staleWhileRevalidateMs: 20_000, staleIfErrorMs: 30_000 },
    });
    expect(policyOf({ ...limits, rules: { Post: { maxAgeSeconds: 50 } } }).typeHint('Post'))
      .toMatchObject({ ttlMs: 50_000, strategy: { slidingMs: 100_000 } });
  });
});
