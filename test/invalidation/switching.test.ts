import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { readMessage, writeMessage } from '../../src/invalidation/message.ts';
import { patternText } from '../../src/invalidation/pattern.ts';
import { positionOf } from '../../src/invalidation/position.ts';
import { purgesOf } from '../../src/invalidation/purges-of.ts';
import {
  readSwitching, switchingMessage, type Switching,
} from '../../src/invalidation/switching.ts';
import { collectionTag } from '../../src/invalidation/tag.ts';

const maker = new MessageMaker({ sourceService: 'test', clock: systemClock, newId: () => 'id' });
const post = collectionTag('Post');

describe('a record that switches caching', () => {
  it.each<Switching>([
    { state: 'off' },
    { state: 'on' },
    { state: 'off', type: post },
    { state: 'off', type: post, since: positionOf(5, 7) },
  ])('%j is read as it was written, and is an empty batch to others', (switching) => {
    const metadata = { actor: 'ann' };
    const message = readMessage(writeMessage(switchingMessage(switching, { maker, metadata })));
    expect(readSwitching(message)).toEqual(switching);
    expect(message).toMatchObject({ action: 'Batch', entity_ids: [], metadata });
  });

  it('purges what was kept under it when it is switched on, and nothing when off', () => {
    const purges = (switching: Switching): string[] =>
      purgesOf(switchingMessage(switching, { maker })).map(patternText);
    expect(purges({ state: 'off' })).toEqual([]);
    expect(purges({ state: 'on' })).toEqual(['*']);
    expect(purges({ state: 'on', type: post })).toEqual(['post', 'post:*']);
  });

  it('is told from a batch of keys, and from other words', () => {
    expect(readSwitching(maker.batch(['user:1'], { caching: 'off' }))).toBeUndefined();
    expect(readSwitching(maker.batch([], { caching: 'maybe' }))).toBeUndefined();
    expect(readSwitching(maker.batch([]))).toBeUndefined();
    expect(readSwitching(maker.pattern('*', { caching: 'off' }))).toBeUndefined();
  });
});
