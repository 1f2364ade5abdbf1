import { describe, expect, it } from 'vitest';
import { keys, pattern } from '../../src/invalidation/names.ts';
import { readPattern } from '../../src/invalidation/pattern.ts';
import { segmentsOf, type Tag } from '../../src/invalidation/tag.ts';

describe('keys', () => {
  it('are tags, whatever the id holds', () => {
    expect([
      keys.user(7), keys.post('9', 'comments'), keys.comment('c'), keys.notification(1),
      keys.feed(7, 'home'), keys.of('Session', 'abc'), keys.list('Post'),
    ]).toEqual([
      'user:7', 'post:9:comments', 'comment:c', 'notification:1', 'feed:7:home', 'session:abc',
      'post',
    ]);
    for (const id of ['a b', 'gid://shop/User/1', '*', '%', '']) {
      expect(segmentsOf(keys.user(id))).toEqual(['user', id]);
    }
  });
});

/** Which of the tags a pattern purges. */
function matched(text: string, tags: readonly Tag[]): readonly Tag[] {
  const purge = readPattern(text);
  switch (purge.kind) {
    case 'all':
      return tags;
    case 'tag':
      return tags.filter((tag) => tag === purge.tag);
    case 'below':
      return tags.filter((tag) => tag.startsWith(`${purge.tag}:`));
    default:
      return tags.filter((tag) => purge.pattern.matches(tag));
  }
}

describe('patterns', () => {
  const tags = [
    keys.user(1), keys.user(12), keys.user(12, 'posts'), keys.user('1*2'), keys.user('1%2'),
    keys.user('1a2'), keys.feed(1, 'home', 'posts'), keys.list('User'),
  ];

  it.each([
    [pattern.all, tags],
    [pattern.below(keys.user(12)), [keys.user(12, 'posts')]],
    [pattern.ofType('User'), tags.filter((tag) => tag.startsWith('user:'))],
    [pattern.startingWith('user:12'), [keys.user(12), keys.user(12, 'posts')]],
    [pattern.startingWith('user:1*'), [keys.user('1*2')]],
    [pattern.startingWith('user:1%'), [keys.user('1%2')]],
    [pattern.endingWith(':posts'), [keys.user(12, 'posts'), keys.feed(1, 'home', 'posts')]],
    [pattern.containing(':home:'), [keys.feed(1, 'home', 'posts')]],
    [pattern.matching('^user:\\d+$'), [keys.user(1), keys.user(12)]],
  ])('%s', (text, expected) => {
    expect(matched(text, tags)).toEqual(expected);
  });

  it('are no regular expressions unless they are meant to be', () => {
    expect(readPattern(pattern.startingWith('/a/'))).toMatchObject({ kind: 'pattern' });
    expect(matched(pattern.startingWith('/a'), [keys.of('/a', 1), keys.user(1)]))
      .toEqual([keys.of('/a', 1)]);
  });
});
