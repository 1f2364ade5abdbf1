import { describe, expect, it } from 'vitest';
import { FreshetError } from '../../src/invalidation/errors.ts';
import { globOf } from '../../src/invalidation/glob.ts';
import { patternText, readPattern } from '../../src/invalidation/pattern.ts';
import type { Purge } from '../../src/invalidation/purge.ts';
import { entityTag, tagOf, type Tag } from '../../src/invalidation/tag.ts';
import { integerBelow, seededRandom } from '../support/seeded-random.ts';

/** What a purge means, said in the plainest way. */
function purgesTag(purge: Purge, tag: Tag): boolean {
  switch (purge.kind) {
    case 'tag': return purge.tag === tag;
    case 'below': return tag.startsWith(`${purge.tag}:`);
    case 'all': return true;
    case 'pattern': return purge.pattern.matches(tag);
    default: return purge satisfies never;
  }
}

const purged = (text: string, ...tags: string[]): string[] =>
  tags.filter((tag) => purgesTag(readPattern(text), tag as Tag));

describe('the cheapest purge that says the same', () => {
  it.each<[string, unknown]>([
    ['user:123', { kind: 'tag', tag: 'user:123' }],
    ['post', { kind: 'tag', tag: 'post' }],
    ['User:123', { kind: 'tag', tag: 'user:123' }],
    ['user:a b', { kind: 'tag', tag: 'user:a%20b' }],
    ['user:50%', { kind: 'tag', tag: 'user:50%25' }],
    ['user:%2A', { kind: 'tag', tag: 'user:%2A' }],
    ['user:123:*', { kind: 'below', tag: 'user:123' }],
    ['user:*', { kind: 'below', tag: 'user' }],
    ['User:a b:*', { kind: 'below', tag: 'user:a%20b' }],
    ['user:%2A:*', { kind: 'below', tag: 'user:%2A' }],
    ['user:**', { kind: 'below', tag: 'user' }],
    ['*', { kind: 'all' }],
    ['***', { kind: 'all' }],
  ])('%s', (text, purge) => expect(readPattern(text)).toEqual(purge));

  it('holds for an exact tag and a subtree of any length', () => {
    const tag = entityTag('User', 'x'.repeat(2000));
    expect(readPattern(tag)).toEqual({ kind: 'tag', tag });
    expect(readPattern(`${tag}:*`)).toEqual({ kind: 'below', tag });
  });

  it.each(['user:123', 'user:123:*', '*', 'us*', '*:posts', 'a*b*c', '/^user:\\d+$/', 'user:%2A'])(
    '%s is shown as a text that reads as the same purge',
    (text) => expect(patternText(readPattern(text))).toBe(text),
  );
});

describe('a star', () => {
  it.each<[string, string[], string[]]>([
    ['user:123:*', ['user:123:posts', 'user:123:a:b'], ['user:123', 'user:1234', 'user:124:posts']],
    ['user:12*', ['user:12', 'user:123', 'user:123:posts'], ['user:1', 'user:1:12']],
    ['user*', ['user', 'user:1', 'username:1'], ['a:user']],
    ['*:posts', ['user:1:posts', 'posts:posts'], ['posts', 'user:1:posts:2']],
    ['*posts', ['user:1:posts', 'posts'], ['posts:1']],
    ['*:1:*', ['user:1:posts'], ['user:1', '1:posts']],
    ['user:*:posts', ['user:1:posts', 'user:1:2:posts'], ['user:posts', 'user:1:posts:3']],
    ['a*b*c', ['abc', 'axbxc', 'a:b:c', 'abbcc'], ['ac', 'acb', 'abcd', 'xabc']],
    ['a*bc*c', ['abcc', 'abcbcc'], ['abc']],
    ['User:12*', ['user:123'], ['User:123']],
    ['user:a b*', ['user:a%20bc'], ['user:a']],
    ['user:%2A*', ['user:%2A', 'user:%2A1'], ['user:1']],
    ['*%2A', ['user:%2A'], ['user:1']],
    ['a::b*', ['a:%-:bc'], ['a:bc']],
    [':*', ['%-:a'], ['a', '%-']],
  ])('%s', (text, matching, others) => {
    expect(purged(text, ...matching, ...others)).toEqual(matching);
  });

  it('agrees with the plain meaning of a glob on every tag, in each cheaper form too', () => {
    const random = seededRandom('glob');
    const text = (alphabet: string, length: number): string => Array.from(
      { length: integerBelow(random, length) },
      () => alphabet[integerBelow(random, alphabet.length)],
    ).join('');
    const escape = (piece: string): string => piece.replace(/[^a-z]/g, '\\$&');
    for (let round = 0; round < 20_000; round += 1) {
      const pattern = text('ab:*', 7);
      const tag = text('ab:', 9);
      const pieces = pattern.split('*');
      const plain = new RegExp(`^${pieces.map(escape).join('.*')}$`);
      expect(globOf(pieces)(tag), `${pattern} on ${tag}`).toBe(plain.test(tag));

      if (pattern === '') continue;
      const real = tagOf(tag.split(':'));
      const matches = globOf(pattern.replace(/\*+/g, '*').split('*'));
      // An empty segment of the tag is `%-`, so compare where the pattern names none.
      if (/^:|::|:$/.test(pattern)) continue;
      expect(purgesTag(readPattern(pattern), real), `${pattern} on ${real}`).toBe(matches(real));
    }
  });

  it('takes time in proportion to the text, for the worst of patterns', () => {
    const pieces = ['', `${'a'.repeat(500)}b${'a'.repeat(500)}`, ''];
    let reads = 0;
    const text = 'a'.repeat(33_000);
    const counted = { length: text.length, startsWith: () => true, endsWith: () => true,
      charCodeAt: (at: number) => { reads += 1; return text.charCodeAt(at); } };
    expect(globOf(pieces)(counted as unknown as string)).toBe(false);
    expect(reads).toBeLessThanOrEqual(text.length);
  });
});

describe('a regular expression', () => {
  it('matches any part of a tag, unless it is anchored', () => {
    expect(purged('/^user:\\d+$/', 'user:12', 'user:a', 'user:1:posts')).toEqual(['user:12']);
    expect(purged('/posts/', 'user:1:posts', 'posts', 'user:1')).toEqual(['user:1:posts', 'posts']);
    expect(purged('/(?i)USER/', 'user:1', 'post:1')).toEqual(['user:1']);
  });

  it('takes what people write: ids in hexadecimal digits, alternatives, any case', () => {
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
    const id = '0198c7a2-0000-7000-8000-00000000000a';
    expect(purged(`/^user:${uuid}$/`, `user:${id}`, 'user:1')).toEqual([`user:${id}`]);
    expect(purged('/^(user|post):\\d{1,9}(:posts)?$/', 'user:1:posts', 'feed:1'))
      .toEqual(['user:1:posts']);
  });

  it('counts a tag as matched on which it would take too many steps', () => {
    const long = entityTag('user', 'b'.repeat(1_000));
    expect(purged('/^(a|b|c){1,9}x$/', long, 'user:b')).toEqual([long]);
    expect(purged('/^post/', long)).toEqual([]);
  });

  it('that would backtrack for ever elsewhere takes linear time', () => {
    const evil = readPattern('/^(a+)+$/');
    expect(purgesTag(evil, `${'a'.repeat(2_000)}b` as Tag)).toBe(false);
  });
});

describe('a pattern that cannot be used', () => {
  it.each<[string, string]>([
    ['', 'at least 1 character was required, got none'],
    [`${'x'.repeat(1024)}*`, 'at most 1024 characters was required, got 1025'],
    ['a*'.repeat(17), 'at most 16 stars was required, got 17'],
    ['a:'.repeat(16) + 'A', 'at most 16 segments was required, got 17'],
    ['/', 'a regular expression between two slashes was required, got none'],
    ['//', 'a regular expression between two slashes was required, got none'],
    ['/user', 'between two slashes was required, got a slash at the start only'],
    ['/[/', 'a regular expression of RE2 was required, got one that does not compile'],
    ['/(?=a)b/', 'a regular expression of RE2 was required'],
    ['/(((a{10}){10}){10}){10}/', 'at most 300 characters as repeated was required'],
    ['/(a{30}){30}/', 'at most 300 characters as repeated was required, got 1230'],
    [`/${'((a?){4}b)'.repeat(2)}c{100}/`, 'at most 300 characters as repeated was required'],
    [`/${'(a|bc*)'.repeat(30)}/`, 'at most 128 instructions was required, got'],
    [`/${'a'.repeat(257)}/`, 'at most 256 characters was required, got 257'],
    [`/${'('.repeat(500)}a${')'.repeat(500)}/`, 'at most 256 characters was required'],
    ['/\\pL\\pN\\pL\\PN\\pL/', 'at most 4 classes of Unicode was required, got 5'],
    ['/(?i)[a-\\x{10ffff}]/', 'ASCII where case is ignored was required'],
    ['/(?s-i:a)(?mi:[a-\u{ffff}])/', 'ASCII where case is ignored was required'],
    ['/(a)\\Q\\E{100}/', 'escapes of single characters was required'],
  ])('%.20s: %s', (text, message) => {
    expect(() => readPattern(text)).toThrow(message);
    expect(() => readPattern(text)).toThrow(FreshetError);
    expect(() => readPattern(text)).toThrow(expect.objectContaining({ code: 'PATTERN_INVALID' }));
  });

  it('is measured by the limits that were given', () => {
    expect(() => readPattern('abc*', { lengthMax: 3 })).toThrow('at most 3 characters');
    expect(() => readPattern('a*b*', { starsMax: 1 })).toThrow('at most 1 stars');
  });

  it('is refused each time, and after another text that is read twice', () => {
    for (const text of ['', 'user:1', 'user:1', '/(/', '', 'posts:*', 'posts:*', '/(/']) {
      const isUsable = text !== '' && text !== '/(/';
      if (isUsable) expect(readPattern(text)).toEqual(readPattern(text, {}));
      else expect(() => readPattern(text)).toThrow(FreshetError);
    }
  });
});
