import { describe, expect, it } from 'vitest';
import { FreshetError } from '../../src/invalidation/errors.ts';
import { globOf } from '../../src/invalidation/glob.ts';
import { KeyMap } from '../../src/invalidation/key-map.ts';
import { integerBelow, pick, seededRandom } from '../support/seeded-random.ts';

const map = new KeyMap({
  'v2:post:{id}': 'post:{id}',
  'user:profile:{id}': 'user:{id}',
  'v2:post:{id}:comments': 'post:{id}:comments',
  'carts/{owner}/{item}': 'cart:{owner}:item:{item}',
  'session({id})': 'session:{id}',
  'site-settings': 'settings',
});

describe('a key map', () => {
  it.each([
    ['user:profile:123', 'user:123'],
    ['v2:post:9', 'post:9'],
    ['v2:post:9:comments', 'post:9:comments'],
    ['v2:post:9:likes', 'post:9:likes'],
    ['v2:post:gid://shop/Post/1', 'post:gid://shop/Post/1'],
    ['carts/u1/i2', 'cart:u1:item:i2'],
    ['carts/u1/i2/more', 'cart:u1:item:i2/more'],
    ['session(abc)', 'session:abc'],
    ['site-settings', 'settings'],
    ['user:profile:*', 'user:*'],
  ])('spells the key %s as %s', (key, tag) => expect(map.key(key)).toBe(tag));

  it.each(['user:123', 'user:profile:', 'user:profile', 'carts/u1', 'carts//i', 'session()', '',
    'xuser:profile:1', 'site-settings:1'])(
    'leaves the key %j as it is',
    (key) => expect(map.key(key)).toBe(key),
  );

  it.each<[string, string[]]>([
    ['user:profile:123', ['user:profile:123', 'user:123']],
    ['user:profile:*', ['user:profile:*', 'user:*']],
    ['user:profile:12*', ['user:profile:12*', 'user:12*']],
    ['user:profile:*:posts', ['user:profile:*:posts', 'user:*:posts']],
    ['v2:*', ['v2:*', 'post:*', 'post:*:comments']],
    ['user:*', ['user:*']],
    ['*:posts', ['*:posts', 'post:*:posts', 'post:posts', 'user:*:posts', 'user:posts',
      'cart:*:item:*']],
    ['carts/u1/*', ['carts/u1/*', 'cart:*:item:*']],
    ['site*', ['site*', 'settings']],
    ['s*)', ['s*)', 'session:*']],
    ['feed:1:*x', ['feed:1:*x']],
    ['/^user/', ['/^user/']],
    ['*', ['*']],
  ])('purges by the pattern %s what it means', (pattern, patterns) => {
    expect(map.patterns(pattern).toSorted()).toEqual(patterns.toSorted());
  });

  it('purges every key that a pattern names, whatever the template', () => {
    const random = seededRandom('key map');
    const text = (pieces: readonly string[], length: number): string =>
      Array.from({ length: 1 + integerBelow(random, length) }, () => pick(random, pieces)).join('');
    let hits = 0;
    for (let round = 0; round < 30_000; round += 1) {
      const literal = (): string => text(['a', 'b', ':'], 2);
      const [from, to] = pick(random, [
        [`${literal()}{x}`, `${literal()}{x}`],
        [`${literal()}{x}${literal()}`, `{x}${literal()}`],
        [`{x}${literal()}{y}`, `c{y}${literal()}{x}`],
        [`${literal()}{x}${literal()}{y}${literal()}`, `c{x}${literal()}{y}`],
      ]) as [string, string];
      const one = new KeyMap({ [from]: to });
      const key = from.replace(/\{\w\}/g, () => text(['a', 'b', ':'], 3));
      const pattern = text(['a', 'b', ':', '*', '*'], 6);
      if (!globOf(pattern.split('*'))(key)) continue;
      hits += 1;
      const mapped = one.key(key);
      const purged = one.patterns(pattern).some((each) => globOf(each.split('*'))(mapped));
      expect(purged, `${from} -> ${to}: ${pattern} purges ${key}, which is ${mapped}`).toBe(true);
    }
    expect(hits).toBeGreaterThan(500);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ '': 'user:{id}' }, 'a template of 1 to 256 characters was required, got 0'],
    [{ 'a:{id}': '' }, 'a template of 1 to 256 characters was required, got 0'],
    [{ 'a:{id}': 5 }, 'a template of 1 to 256 characters was required, got 0'],
    [{ ['a'.repeat(257)]: 'b' }, 'a template of 1 to 256 characters was required, got 257'],
    [{ 'a:{id}': 'b:{other}' }, 'a name that is in a:{id} was required, got {other}'],
    [{ 'a:{id}:{id}': 'b:{id}' }, 'each name once was required, got a:{id}:{id}'],
    [{ 'a:{x}{y}': 'b:{x}' }, 'some text between two names was required, got a:{x}{y}'],
    [{ 'a:{x': 'b' }, 'text without stars, and names in braces was required, got a:{x'],
    [{ 'a:{}': 'b' }, 'text without stars, and names in braces was required'],
    [{ 'a:*': 'b' }, 'text without stars, and names in braces was required'],
    [Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`a${at}`, 'b'])),
      'at most 100 templates was required, got 101'],
  ])('refuses what makes no sense (%#)', (templates, message) => {
    const make = (): KeyMap => new KeyMap(templates as Record<string, string>);
    expect(make).toThrow(message);
    expect(make).toThrow(FreshetError);
    expect(make).toThrow(expect.objectContaining({ code: 'KEY_MAP_INVALID' }));
  });
});
