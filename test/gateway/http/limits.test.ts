import { getIntrospectionQuery } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/gateway/config/config.ts';
import { useLimits } from '../../../src/gateway/http/use-limits.ts';
import { useRefusals } from '../../../src/gateway/http/use-refusals.ts';

interface Refusal {
  readonly errors?: readonly { message: string; extensions: { code: string } }[];
  readonly data?: unknown;
}

const yoga = createYoga({
  schema: createSchema({
    typeDefs: 'type Query { a(x: Int): Query b: String c: String }',
    resolvers: { Query: { a: () => ({}), b: () => 'b', c: () => 'c' } },
  }),
  logging: false,
  landingPage: false,
  plugins: [
    useRefusals({ path: '/graphql' }),
    useLimits(resolveConfig({ supergraph: 'unused' }).limits),
  ],
});

function ask(query: string): Promise<{ status: number } & Refusal> {
  return post(JSON.stringify({ query }));
}

async function post(body: string): Promise<{ status: number } & Refusal> {
  const response = await yoga.fetch('http://gateway/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body,
  });
  return { status: response.status, ...(await response.json() as Refusal) };
}

const nested = (depth: number): string => '{a'.repeat(depth - 1) + '{b}' + '}'.repeat(depth - 1);
const numbered = (count: number, text: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ');

describe('limits on documents', () => {
  it('let an ordinary document and the introspection query of GraphiQL pass', async () => {
    expect(await ask('{ a(x: 1) { b again: b } }'))
      .toEqual({ status: 200, data: { a: { b: 'b', again: 'b' } } });
    const introspection = getIntrospectionQuery({
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    expect(await ask(introspection)).not.toHaveProperty('errors');
  });

  it.each([
    ['depth', nested(16), 'limits.depthMax: at most 15 was required, got 16.'],
    [
      'depth through fragments',
      `{ ...F0 } ${numbered(16, (n) => `fragment F${n} on Query { a { ...F${n + 1} } }`)}
      fragment F16 on Query { b }`,
      'limits.depthMax: at most 15 was required, got 17.',
    ],
    [
      'depth in a fragment that no operation spreads',
      `{ b } fragment F on Query ${nested(16)}`,
      'limits.depthMax: at most 15 was required, got 16.',
    ],
    [
      'aliases',
      `{ a { ${numbered(101, (n) => `x${n}: b`)} } }`,
      'limits.aliasesMax: at most 100 was required, got 101.',
    ],
    [
      'aliases, a fragment as often as it is spread',
      `{ a { ...F } c { ...F } again: a { ...F } }
      fragment F on Query { ${numbered(40, (n) => `x${n}: b`)} }`,
      'limits.aliasesMax: at most 100 was required, got 121.',
    ],
    [
      'root fields',
      `{ ... on Query { ...F } } fragment F on Query { ${numbered(51, (n) => `x${n}: b`)} }`,
      'limits.rootFieldsMax: at most 50 was required, got 51.',
    ],
    [
      'tokens',
      `{ ${'b '.repeat(10_000)} }`,
      'limits.tokensMax: at most 5000 was required, got more.',
    ],
    [
      'fields that a few lines of fragments expand to',
      `{ ...F0 } ${numbered(13, (n) => `fragment F${n} on Query { a { ...F${n + 1} ...G${n} } }
      fragment G${n} on Query { a { ...F${n + 1} } c }`)} fragment F13 on Query { b }`,
      /^limits.fieldsMax: at most 5000 was required, got \d+\.$/,
    ],
    [
      'fields of one name in one place, which are compared each with each',
      `{ ${'b '.repeat(2_000)} }`,
      'pairs of fields or fragments in one place: at most 20000 was required, got more.',
    ],
    [
      'the same, spread over the parents that are merged',
      `{ ${'a { b b } '.repeat(100)} }`,
      'pairs of fields or fragments in one place: at most 20000 was required, got more.',
    ],
    [
      'fragments in one place, which are compared each with each, though there are none',
      `{ ${numbered(300, (n) => `...F${n}`)} }`,
      'pairs of fields or fragments in one place: at most 20000 was required, got more.',
    ],
    [
      'brackets that would overflow the stack of the parser',
      `{ a(x: ${'['.repeat(2_000)}${']'.repeat(2_000)}) { b } }`,
      'nesting of brackets: at most 500 was required, got more.',
    ],
  ])('refuse too much of %s with 400, and say so', async (_, query, message) => {
    const { status, errors = [] } = await ask(query);
    expect(status).toBe(400);
    expect(errors.map((error) => error.extensions.code)).toContain('DOCUMENT_LIMIT_EXCEEDED');
    const matches = errors.filter((error) =>
      typeof message === 'string' ? error.message === message : message.test(error.message));
    expect(matches).toHaveLength(1);
  });

  it('name every limit that is exceeded', async () => {
    const { errors = [] } = await ask(`{ ${numbered(101, (n) => `x${n}: b`)} a ${nested(16)} }`);
    expect(errors.map(({ message }) => message.split(':')[0]))
      .toEqual(['limits.depthMax', 'limits.aliasesMax', 'limits.rootFieldsMax']);
  });

  it('refuse the same document again when it comes from the cache of parsed ones', async () => {
    const statuses = await Promise.all([1, 2, 3].map(async () => (await ask(nested(16))).status));
    expect(statuses).toEqual([400, 400, 400]);
  });

  it('leave fragments that spread themselves to validation, however large they look', async () => {
    const { errors } = await ask(`
      { ...A } fragment A on Query { ${'b '.repeat(300)} a { ...B } }
      fragment B on Query { ...A }`);
    expect(errors?.[0]).toMatchObject({
      message: 'Cannot spread fragment "A" within itself via "B".',
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
  });

  it('refuse NUL in a document', async () => {
    expect(await ask('{ b \0 }')).toMatchObject({
      status: 400,
      errors: [{ extensions: { code: 'REQUEST_INVALID' } }],
    });
  });

  it('refuse variables that nest too deeply to be walked', async () => {
    const value = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(await post(`{"query":"{ b }","variables":{"v":${value}}}`)).toMatchObject({
      status: 400,
      errors: [{ message: 'nesting of variables: at most 500 was required, got more.' }],
    });
  });

  it('leave a syntax error to the parser', async () => {
    const { errors } = await ask('{ b "unterminated }');
    expect(errors?.[0]?.message).toBe('Syntax Error: Unterminated string.');
  });
});
