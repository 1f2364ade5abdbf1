import { describe, expect, it } from 'vitest';
import { FreshetError } from '../../src/invalidation/errors.ts';
import {
  collectionTag, entityTag, escapeSegment, readTag, SEGMENTS_MAX, segmentsOf, tagOf,
  unescapeSegment,
} from '../../src/invalidation/tag.ts';
import { integerBelow, pick, seededRandom } from '../support/seeded-random.ts';

/** Ids that must not be mixed up with each other, with paths, patterns or expressions. */
const AWKWARD = [
  '', ' ', '*', '**', ':', '::', '/', '//', '/x/', '%', '%%', '%-', '%h', '%2A', '%2a', '%3A',
  'a', 'A', 'a b', 'a%20b', 'user:1', '1', '01', '1.0', 'gid://shop/User/1', 'gid%3A//shop/User/1',
  '\u0000', '\n', '\t', '\u00a0', '\u2028', '\ufeff', '\u007f', '\u0085', '\ud83d', '\ude00',
  '\ude00\ud83d', '\u{1f600}', '%uD83D', '%uDE00', '\ud83d%uDE00', '%uD83D%uDE00', '-', '__proto__',
  `%h${'0'.repeat(64)}`, 'x'.repeat(1024), ' '.repeat(1024), '\u{1f600}'.repeat(256),
  'x'.repeat(2048), 'x'.repeat(2049), 'x'.repeat(2050), `${'x'.repeat(2049)} `,
];

const random = seededRandom('tag');
const ALPHABET = ['a', 'B', '1', '%', ':', '*', '/', ' ', '-', 'u', 'h', 'D8', '2A', '\ud83d',
  '\ude00', '\u{1f600}', '\u00e9', '\u0000'];
const randomText = (): string =>
  Array.from({ length: integerBelow(random, 7) }, () => pick(random, ALPHABET)).join('');
const texts = [...new Set([...AWKWARD, ...Array.from({ length: 20_000 }, randomText)])];

/** One expectation for all texts: one for each takes longer than what it is about. */
function expectForAll(holds: (text: string) => boolean): void {
  expect(texts.filter((text) => !holds(text))).toEqual([]);
}

describe('a tag', () => {
  it('is the type in lower case and the ids, joined by colons', () => {
    expect(entityTag('User', 123)).toBe('user:123');
    expect(entityTag('User', '123', 'posts')).toBe('user:123:posts');
    expect(collectionTag('Post')).toBe('post');
    expect(entityTag('Post', 'Ab')).toBe('post:Ab');
  });

  it.each([
    ['gid://shop/User/1', 'user:gid%3A//shop/User/1'],
    ['a b', 'user:a%20b'],
    ['*', 'user:%2A'],
    ['user:1', 'user:user%3A1'],
    ['\u{1f600}', 'user:\u{1f600}'],
    ['', 'user:%-'],
    ['\u00a0', 'user:%C2%A0'],
    ['\ud83d', 'user:%uD83D'],
    ['/a/', 'user:/a/'],
  ])('of the id %j is %s', (id, tag) => expect(entityTag('User', id)).toBe(tag));

  it('of an id of 1 kB holds the id; of a longer one than can be held, its hash', () => {
    const id = 'x'.repeat(1024);
    expect(segmentsOf(entityTag('User', id))).toEqual(['user', id]);
    expect(entityTag('User', 'x'.repeat(5000))).toMatch(/^user:%h[0-9a-f]{64}$/);
  });

  it('never begins with a slash, as a regular expression does', () => {
    expect(tagOf(['/x/'])).toBe('%2Fx/');
    expect(segmentsOf(tagOf(['/x/']))).toEqual(['/x/']);
  });

  it('is refused for a path of no segment or of too many', () => {
    const deepest = Array.from({ length: SEGMENTS_MAX }, () => 'a');
    expect(segmentsOf(tagOf(deepest))).toEqual(deepest);
    for (const path of [[], [...deepest, 'a']]) {
      expect(() => tagOf(path)).toThrow(FreshetError);
      expect(() => tagOf(path)).toThrow('a path of 1 to 16 segments was required');
    }
  });
});

describe('escaping, for any text', () => {
  it('gives no two texts the same segment', () => {
    expect(new Set(texts.map(escapeSegment)).size).toBe(texts.length);
  });

  it('is undone by unescaping, unless the segment became a hash', () => {
    expectForAll((text) => {
      const segment = escapeSegment(text);
      if (/^%h[0-9a-f]{64}$/.test(segment)) return text.length > 340;
      return unescapeSegment(segment) === text;
    });
  });

  it('leaves nothing that could be a path, a pattern, or broken on the wire', () => {
    expectForAll((text) => {
      const segment = escapeSegment(text);
      return !/[:*\s\p{Cc}\p{Cs}]|^$/u.test(segment) && segment.isWellFormed() &&
        segment.length <= 2048;
    });
  });

  it('gives no two paths the same tag, whatever the case of the type', () => {
    const tags = new Map<string, string>();
    const shared: string[] = [];
    for (let round = 0; round < 20_000; round += 1) {
      const path = Array.from({ length: 1 + integerBelow(random, 3) }, () => pick(random, texts));
      const tag = tagOf(path);
      const canonical = JSON.stringify([path[0]?.toLowerCase(), ...path.slice(1)]);
      if ((tags.get(tag) ?? canonical) !== canonical) shared.push(tag);
      tags.set(tag, canonical);
    }
    expect(shared).toEqual([]);
  });
});

describe('reading a tag', () => {
  it('accepts every text that tagOf writes', () => {
    expectForAll((text) =>
      [tagOf([text]), entityTag('User', text), entityTag(text, text, 'posts')].every((tag) =>
        readTag(tag) === tag && (tag.includes('%h') || tagOf(segmentsOf(tag)) === tag)));
  });

  it.each([
    '', ':', 'user:', ':1', 'user::1', 'User:1', 'user:a b', 'user:*', '*', 'user:%', 'user:%2a',
    'user:%41', 'user:%2', 'user:%uD83D%uDE00', 'user:%u0041', 'user:\ud83d', 'user:1\n', '/x/',
    '/x', `user:${'x'.repeat(2049)}`, 'user:%C3', 'user:%h12', 'a:'.repeat(SEGMENTS_MAX) + 'a',
  ])('refuses what it does not write (%#)', (text) => expect(readTag(text)).toBeUndefined());

  it('accepts nothing but what tagOf writes', () => {
    expectForAll((text) => {
      const tag = readTag(text);
      return tag === undefined || tag.includes('%h') || tagOf(segmentsOf(tag)) === text;
    });
  });
});
