import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import {
  normalText, operationKey, unnamedText,
} from '../../../src/gateway/caching/operation-key.ts';

function keyOf(text: string, variables: unknown = {}, operationName?: string): string {
  const document = parse(text);
  return JSON.stringify(operationKey({
    document, operationName, variables: variables as Record<string, unknown>,
  }));
}

describe('operationKey', () => {
  const QUERY = 'query ($a: In, $b: Int = 3) { f(a: $a, b: $b) }';

  it.each<[string, string, unknown]>([
    ['spelled otherwise', 'query($a:In,$b:Int=3){f(a:$a b:$b)} # so', {}],
    ['with its default given', QUERY, { b: 3 }],
    ['with what it does not declare', QUERY, { c: 4 }],
  ])('is one for an operation %s', (_, text, variables) => {
    expect(keyOf(text, variables)).toBe(keyOf(QUERY));
  });

  it('is one for variables in any order, at any depth', () => {
    expect(keyOf(QUERY, { b: 1, a: { y: [{ p: 1, q: 2 }], x: 1 } }))
      .toBe(keyOf(QUERY, { a: { x: 1, y: [{ q: 2, p: 1 }] }, b: 1 }));
  });

  it.each<[string, unknown, unknown]>([
    ['another value', { b: 1 }, { b: 2 }],
    ['null and none', { a: null }, {}],
    ['null and the default', { b: null }, {}],
    ['a number and its text', { b: 1 }, { b: '1' }],
    ['a list and its element', { a: [1] }, { a: 1 }],
    ['an element that is null', { a: [null] }, { a: [] }],
  ])('tells apart %s', (_, one, other) => {
    expect(keyOf(QUERY, one)).not.toBe(keyOf(QUERY, other));
  });

  it.each(['__proto__', 'constructor', 'toString'])('tells apart values of $%s', (name) => {
    const text = `query ($${name}: In) { f(a: $${name}) }`;
    const keys = ['{"x":1}', '{"x":2}', 'null', '[]'].map((value) =>
      keyOf(text, JSON.parse(`{"${name}":${value}}`)));
    expect(new Set([...keys, keyOf(text)]).size).toBe(5);
  });

  it('names the operation where there are several, and only there', () => {
    const several = 'query A { a } query B { b }';
    expect(keyOf(several, {}, 'A')).not.toBe(keyOf(several, {}, 'B'));
    expect(keyOf('query A { a }', {}, 'A')).toBe(keyOf('query A { a }'));
  });
});

describe('the text of an operation without its name', () => {
  const of = (text: string): string => unnamedText(parse(text));

  it.each(['{ a }', '($a: Int) { f(a: $a) }', '@once { a }'])(
    'is one for any name before %s',
    (rest) => {
      const bare = of(rest.startsWith('{') ? rest : `query ${rest}`);
      expect([of(`query A ${rest}`), of(`query query ${rest}`)]).toEqual([bare, bare]);
      expect(normalText(parse(bare))).toBe(bare);
    },
  );

  it('is as it is where the name has a meaning, or comes later', () => {
    const texts = ['mutation A { a }', 'fragment A on A { a } query A { ...A }'];
    expect(texts.map(of)).toEqual(texts.map((text) => normalText(parse(text))));
  });
});
