import { describe, expect, it } from 'vitest';
import { KeyMap } from '../../src/invalidation/key-map.ts';
import type { InvalidationMessage, Metadata } from '../../src/invalidation/message.ts';
import { patternText } from '../../src/invalidation/pattern.ts';
import type { Purge } from '../../src/invalidation/purge.ts';
import { purgesOf } from '../../src/invalidation/purges-of.ts';
import { entityTag } from '../../src/invalidation/tag.ts';
import { someMessage } from './log-contract.ts';

const purged = (fields: Partial<InvalidationMessage>, keyMap?: KeyMap): string[] =>
  purgesOf(someMessage({ entity_id: null, ...fields }), keyMap).map(patternText);
const batch = (...entity_ids: string[]): string[] => purged({ action: 'Batch', entity_ids });
const pattern = (text: string): string[] => purged({ action: 'Pattern', pattern: text });

describe('a message purges', () => {
  it('the entity that it names, and no part of it', () => {
    expect(purged({ action: 'Delete', entity_id: '1' })).toEqual(['user:1']);
    expect(purged({ entity_type: { Custom: 'Session' }, entity_id: 'A' })).toEqual(['session:A']);
  });

  it('the collection too, where the entity is new', () => {
    const metadata = { created: true };
    expect(purged({ entity_type: 'Post', entity_id: '9', metadata })).toEqual(['post', 'post:9']);
    const entity_ids = ['post:1', 'post:2', 'User:3'];
    expect(purged({ action: 'Batch', entity_ids, metadata })).toEqual(
      ['post', 'post:1', 'post:2', 'user', 'user:3']);
    expect(purged({ entity_id: '9', metadata: { created: false } })).toEqual(['user:9']);
  });

  it('what it cascades to', () => {
    const metadata = { cascade: ['feed:1:*', 'user:2', '*:posts'] };
    expect(purged({ entity_id: '1', metadata })).toEqual(
      ['user:1', 'feed:1:*', 'user:2', '*:posts']);
    for (const cascade of [true, 'feed:1', { 0: 'x' }, [1, null]]) {
      const foreign = { cascade } as unknown as { cascade: string[] };
      expect(purged({ entity_id: '1', metadata: foreign })).toEqual(['user:1']);
    }
  });

  it('everything, where its pattern cannot be used and it was not refused before', () => {
    expect(pattern('/[/')).toEqual(['*']);
  });
});

describe('the purges of a message', () => {
  const purgesOfUser = (metadata: object): readonly Purge[] =>
    purgesOf(someMessage({ entity_id: '1', metadata: metadata as Metadata }));

  it('are soft, all of them, where it says so', () => {
    const purges = purgesOfUser({ soft: true, created: true, cascade: ['feed:*', '*:x', '*'] });
    expect(purges.map(({ kind, soft }) => `${kind} ${soft}`)).toEqual(
      ['tag true', 'tag true', 'below true', 'pattern true', 'all true']);
    for (const soft of [false, 'true', 1, null]) {
      expect(purgesOfUser({ soft })[0]).not.toHaveProperty('soft');
    }
  });

  it('tell the version of the one entity that is named, and of no other tag', () => {
    const purges = purgesOfUser({ version: 7, created: true, cascade: ['user:2'] });
    expect(purges.map((purge) => ('version' in purge ? purge.version : undefined)))
      .toEqual([undefined, 7, undefined]);
    const fields = { action: 'Batch', entity_ids: ['user:1'], metadata: { version: 7 } } as const;
    expect(purgesOf(someMessage(fields))[0]).not.toHaveProperty('version');
  });

  it('ignore what is no version', () => {
    expect(purgesOfUser({ version: 0 })[0]).toHaveProperty('version', 0);
    for (const version of [-1, 1.5, 2 ** 53, '7', null, Number.NaN]) {
      expect(purgesOfUser({ version })).toEqual([{ kind: 'tag', tag: entityTag('User', '1') }]);
    }
  });
});

describe('a key of a batch', () => {
  it('is the tag that it spells', () => {
    expect(batch('user:1', 'post', 'user:1')).toEqual(['user:1', 'post']);
    expect(batch()).toEqual([]);
  });

  it('that is no tag is one nevertheless', () => {
    expect(batch('User:1')).toEqual(['user:1']);
    expect(batch('user:a b')).toEqual(['user:a%20b']);
    expect(batch('user:*')).toEqual([entityTag('User', '*')]);
    expect(batch('user:100%')).toEqual(['user:100%25']);
    expect(batch('')).toEqual(['%-']);
    expect(batch('/x/')).toEqual(['%2Fx/']);
  });

  it('purges all that its writer may have meant', () => {
    expect(batch('user:a%20b')).toEqual(['user:a%20b', entityTag('User', 'a%20b')]);
    expect(batch('user:gid://shop/User/1')).toContain(entityTag('User', 'gid://shop/User/1'));
    expect(batch('feed:123:home')).toEqual(['feed:123:home', entityTag('Feed', '123:home')]);
    const deep = Array.from({ length: 40 }, () => 'a').join(':');
    expect(batch(`user:${deep}`)).toEqual([entityTag('User', deep)]);
  });

  it('is spelled as the key map says, and may yet be the tag that it spells', () => {
    const keyMap = new KeyMap({ 'user:profile:{id}': 'user:{id}', 'v2:post:{id}': 'post:{id}' });
    const entity_ids = ['user:profile:1', 'v2:post:gid://x/1', 'user:2'];
    expect(purged({ action: 'Batch', entity_ids }, keyMap)).toEqual([
      'user:1', 'user:profile:1', entityTag('User', 'profile:1'),
      'post:gid://x/1', entityTag('Post', 'gid://x/1'),
      'v2:post:gid://x/1', entityTag('v2', 'post:gid://x/1'), 'user:2',
    ]);
    expect(purged({ action: 'Pattern', pattern: 'v2:post:9' }, keyMap))
      .toEqual(['v2:post:9', entityTag('v2', 'post:9'), 'post:9']);
    expect(purged({ action: 'Pattern', pattern: 'v2:*' }, keyMap)).toEqual(
      ['v2:*', 'post:*']);
    const metadata = { cascade: ['user:profile:1'] };
    expect(purged({ entity_id: '9', metadata }, keyMap)).toEqual(
      ['user:9', 'user:profile:1', entityTag('User', 'profile:1'), 'user:1']);
  });
});

describe('a pattern', () => {
  it('is the cheapest purge', () => {
    expect(pattern('feed:123:*')).toEqual(['feed:123:*']);
    expect(pattern('user:1')).toEqual(['user:1']);
    expect(pattern('*')).toEqual(['*']);
    expect(pattern('user:12*')).toEqual(['user:12*']);
  });

  it('may name one id with colons in it', () => {
    const tag = entityTag('User', 'gid://shop/User/1');
    expect(pattern('user:gid://shop/User/1')).toContain(tag);
    expect(pattern('user:gid://shop/User/1:*')).toContain(`${tag}:*`);
  });
});
