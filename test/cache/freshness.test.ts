import { beforeEach, describe, expect, it } from 'vitest';
import { entryOf, Node, place, tag } from './samples.ts';

describe('the rule', () => {
  let node: Node;
  beforeEach(() => {
    node = new Node({ maxStalenessMs: 1_000 });
  });

  it('finds current what has not expired and was not invalidated', () => {
    expect(node.freshness.judge(entryOf('a'))).toBe('current');
  });

  it('finds invalidated what carries a tag that was invalidated after the stamp', () => {
    const [before, other] = [entryOf('a'), entryOf('b', { tags: ['user:2'] })];
    node.invalidate(2, 'user:1');
    expect(node.freshness.judge(before)).toBe('invalidated');
    expect(node.freshness.judge(other)).toBe('current');
    expect(node.freshness.judge(entryOf('c', { stamp: place(2) }))).toBe('current');
  });

  it('finds invalidated what was stamped below the floor', () => {
    node.horizon.forget(place(5));
    expect(node.freshness.judge(entryOf('a', { tags: [], stamp: place(4) }))).toBe('invalidated');
  });

  it('finds invalidated what a purge ahead of its turn concerns, stamped before or since', () => {
    node.horizon.markNow([{ kind: 'below', tag: tag('user') }]);
    expect(node.freshness.judge(entryOf('a'))).toBe('invalidated');
    const since = entryOf('a', { stamp: node.horizon.position });
    expect(node.freshness.judge(since)).toBe('invalidated');
  });

  it('finds ahead what is stamped later than all that the node has heard of', () => {
    const entry = entryOf('a', { stamp: place(2) });
    expect(node.freshness.judge(entry)).toBe('ahead');
    node.invalidate(2, 'user:2');
    expect(node.freshness.judge(entry)).toBe('current');
  });

  it('finds expired what is past its TTL, to the millisecond', () => {
    const entry = entryOf('a', { ttlMs: 100, staleWhileRevalidateMs: 100 });
    node.clock.advance(99);
    expect(node.freshness.judge(entry)).toBe('current');
    node.clock.advance(1);
    expect(node.freshness.judge(entry)).toBe('expired');
  });

  it('calls what expired and was invalidated invalidated: no stale window stretches that', () => {
    const entry = entryOf('a', { ttlMs: 100, staleWhileRevalidateMs: 100 });
    node.clock.advance(150);
    node.invalidate(2, 'user:1');
    expect(node.freshness.judge(entry)).toBe('invalidated');
  });

  it('finds unheard what was read too long ago, while the log cannot be heard', () => {
    const entry = entryOf('a');
    node.hearing.heard = false;
    node.clock.advance(999);
    expect(node.freshness.judge(entry)).toBe('current');
    node.clock.advance(1);
    expect(node.freshness.judge(entry)).toBe('unheard');
    node.hearing.heard = true;
    expect(node.freshness.judge(entry)).toBe('current');
  });

  it('serves nothing at all while the log cannot be heard, if told so', () => {
    const strict = new Node({ maxStalenessMs: 0 });
    strict.hearing.heard = false;
    expect(strict.freshness.judge(entryOf('a'))).toBe('unheard');
  });

  it('remembers the position at which an entry was found current', () => {
    const entry = entryOf('a');
    node.invalidate(7, 'user:2');
    expect(node.freshness.isCurrent(entry)).toBe(true);
    expect(entry.verifiedAt).toBe(place(7));
    node.invalidate(8, 'user:1');
    expect(node.freshness.isCurrent(entry)).toBe(false);
    expect(entry.verifiedAt).toBe(place(7));
  });
});
