import { describe, expect, it } from 'vitest';
import { canonicalJson, entityKey, hashOf, responseKey } from '../../src/cache/key.ts';

describe('a key', () => {
  it('is the same for equal parts and another for any others', () => {
    expect(hashOf(['a', 1])).toBe(hashOf(['a', 1]));
    const joined = [['a', 'b'], ['a|b'], ['a,b'], ['ab'], [['a', 'b']]];
    const lists = [...joined, [], [''], [1], ['1'], [null]];
    expect(new Set(lists.map((parts) => hashOf(parts))).size).toBe(lists.length);
  });

  it('of a response is a home of its own, of an entity a field of one for all its ways', () => {
    const response = responseKey(['a']);
    expect(response.home).toMatch(/^response:[\w-]{32}$/);
    expect(response).not.toHaveProperty('field');
    const [one, other] = [entityKey('user:1', ['a']), entityKey('user:1', ['b'])];
    expect([one.home, other.home]).toEqual(['user:1', 'user:1']);
    expect(one.id).not.toBe(other.id);
  });

  it('changes when a lone surrogate does', () => {
    expect(hashOf(['\ud83d'])).not.toBe(hashOf(['\ud83e']));
  });
});

describe('canonical JSON', () => {
  it('does not depend on the order of members, at any depth', () => {
    const one = { b: 1, a: { d: [{ y: 1, x: 2 }], c: null } };
    const other = { a: { c: null, d: [{ x: 2, y: 1 }] }, b: 1 };
    expect(canonicalJson(one)).toBe(canonicalJson(other));
    expect(JSON.parse(canonicalJson(one))).toEqual(one);
  });

  it('depends on the order of a list, and on what is there', () => {
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
    expect(canonicalJson({ a: null })).not.toBe(canonicalJson({}));
    expect(canonicalJson({ 10: 'a', 9: 'b' })).toBe(canonicalJson({ 9: 'b', 10: 'a' }));
  });

  it('keeps a member named __proto__', () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"a":1},"b":2}');
    expect(canonicalJson(hostile)).toBe('{"__proto__":{"a":1},"b":2}');
  });

  it('has a text for what JSON has none for', () => {
    expect(canonicalJson(undefined)).toBe('null');
    expect(canonicalJson({ b: [undefined, 1], a: undefined })).toBe('{"b":[null,1]}');
  });

  it('takes what says itself what stands for it at its word', () => {
    expect(canonicalJson({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
  });
});
