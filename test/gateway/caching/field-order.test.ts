import { parse } from 'graphql';
import { expect, it } from 'vitest';
import { putInOrder } from '../../../src/gateway/caching/field-order.ts';

function ordered(text: string, data: unknown, operationName?: string): string {
  putInOrder(data, { document: parse(text), operationName });
  return JSON.stringify(data);
}

it.each([
  ['{ a b c }', { c: 1, a: 2, b: 3 }, { a: 2, b: 3, c: 1 }],
  ['{ x: a b }', { b: 1, x: 2 }, { x: 2, b: 1 }],
  ['{ a { x y } b }', { b: 1, a: [{ y: 1, x: 2 }, null, { x: 3, y: 4 }] },
    { a: [{ x: 2, y: 1 }, null, { x: 3, y: 4 }], b: 1 }],
  // Selected in two places, it is in the first one, with what each of them wants of it.
  ['{ a { x } b a { y } }', { b: 1, a: { y: 1, x: 2 } }, { a: { x: 2, y: 1 }, b: 1 }],
  ['{ a ...F b } fragment F on Query { c d { x y } }', { d: { y: 1, x: 1 }, b: 1, c: 1, a: 1 },
    { a: 1, c: 1, d: { x: 1, y: 1 }, b: 1 }],
  ['{ ... on A { x y } ... on B { u v } z }', { z: 1, v: 1, u: 1 }, { u: 1, v: 1, z: 1 }],
  // A scalar of its own form, and what was not asked for.
  ['{ b a }', { own: 1, a: { z: 1, y: 1 }, b: 1 }, { b: 1, a: { z: 1, y: 1 }, own: 1 }],
  ['{ a }', null, null],
  ['{ a }', undefined, undefined],
])('puts the answer to %s in the order of the text', (text, data, expected) => {
  // Twice: what is known of a document is remembered.
  for (let times = 0; times < 2; times += 1) {
    expect(ordered(text, structuredClone(data))).toBe(JSON.stringify(expected));
  }
});

it.each([
  '{ ... on A { x y } ... on B { y x } }',
  '{ x @include(if: $f) y x }',
  '{ ...F y x } fragment F on A { x }',
  '{ ...F @skip(if: $f) y ...F } fragment F on A { x }',
])('leaves alone what %s does not tell the order of', (text) => {
  for (const data of [{ x: 1, y: 1 }, { y: 1, x: 1 }]) {
    expect(ordered(text, structuredClone(data))).toBe(JSON.stringify(data));
  }
});

it('looks at each fragment once, however often others spread it', () => {
  const fragments = Array.from({ length: 200 }, (_, n) =>
    `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`).join(' ');
  const text = `{ a { ...F0 } b } ${fragments} fragment F200 on Query { x y }`;
  expect(ordered(text, { b: 1, a: { x: 1, y: 1 } })).toBe('{"a":{"x":1,"y":1},"b":1}');
});

it('goes by the operation that was executed', () => {
  const text = 'query One { a b } query Other { b a }';
  const document = parse(text);
  for (const [operationName, expected] of [['One', '{"a":1,"b":1}'], ['Other', '{"b":1,"a":1}']]) {
    const data = { a: 1, b: 1 };
    putInOrder(data, { document, operationName });
    expect(JSON.stringify(data)).toBe(expected);
  }
});
