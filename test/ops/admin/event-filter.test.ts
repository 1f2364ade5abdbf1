import { describe, expect, it } from 'vitest';
import { readPattern } from '../../../src/invalidation/pattern.ts';
import { mayMeet } from '../../../src/ops/admin/event-filter.ts';

describe('what a watcher asks about and what a purge touches', () => {
  it.each([
    ['user:1', 'user:1', true],
    ['user:1', 'user:2', false],
    ['user:1', 'user:1:posts', false],
    ['user:1:posts', 'user:1:*', true],
    ['user:1', 'user:1:*', false],
    ['user:*', 'user:1:*', true],
    ['user:1:*', 'user:*', true],
    ['user:1:*', 'user:2:*', false],
    ['user:1:*', 'user:12:*', false],
    ['user:1', '*', true],
    ['user:*', '*', true],
    ['user:1:posts', '*:posts', true],
    ['user:1:likes', '*:posts', false],
    ['/^user:[0-9]+$/', 'user:7', true],
    ['/^user:[0-9]+$/', 'user:x', false],
    ['user:1:*', '*:posts', true],
    ['a*', 'b*', true],
  ])('%s and %s meet: %s', (one, other, expected) => {
    expect(mayMeet(readPattern(one), readPattern(other))).toBe(expected);
    expect(mayMeet(readPattern(other), readPattern(one))).toBe(expected);
  });
});
