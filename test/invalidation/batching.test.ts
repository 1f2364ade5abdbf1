import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Batching, type Joined } from '../../src/invalidation/batching.ts';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import { purgesOf } from '../../src/invalidation/purges-of.ts';
import { someMessage } from './log-contract.ts';

function make(keysMax?: number) {
  const maker = new MessageMaker({
    sourceService: 'test', clock: systemClock, newId: () => randomUUID(),
  });
  const sent: Joined[] = [];
  const batching = new Batching<string>({
    maker,
    send: (joined) => {
      sent.push(joined);
      return Promise.resolve(joined.message.message_id);
    },
    ...(keysMax === undefined ? {} : { keysMax }),
  });
  return { batching, maker, sent };
}

function entity(type: string, id: string, fields: Partial<InvalidationMessage> = {}) {
  return someMessage({ entity_type: { Custom: type }, entity_id: id, ...fields });
}

describe('what is published in one turn', () => {
  it('is one message, whose ID all of them get', async () => {
    const { batching, sent } = make();
    const ids = await Promise.all([
      batching.add(entity('User', '1')), batching.add(entity('Post', '2')),
      batching.add(entity('user', '1')),
      Promise.resolve().then(() => batching.add(entity('user', '3'))),
    ]);
    expect(sent).toMatchObject([{
      message: { action: 'Batch', entity_ids: ['user:1', 'post:2', 'user:3'], metadata: null },
      types: ['user', 'post'],
    }]);
    expect(new Set(ids)).toEqual(new Set([sent[0]?.message.message_id]));
  });

  it('goes as it is where it is alone, and the next turn has its own', async () => {
    const { batching, sent } = make();
    const [first, second] = [entity('user', '1'), entity('user', '2')];
    await batching.add(first);
    await batching.add(second);
    expect(sent.map(({ message }) => message)).toEqual([first, second]);
  });

  it('stays apart where action or metadata differ', async () => {
    const { batching, sent } = make();
    await Promise.all([
      entity('user', '1'), entity('user', '2', { action: 'Delete' }),
      entity('user', '3', { metadata: { created: true } }),
      entity('user', '4', { metadata: { soft: true } }), entity('user', '5'),
      entity('user', '6', { metadata: { created: true } }),
    ].map((message) => batching.add(message)));
    expect(sent.map(({ message }) => message.entity_ids ?? message.entity_id)).toEqual([
      ['user:1', 'user:5'], '2', ['user:3', 'user:6'], '4',
    ]);
    expect(sent[2]?.message.metadata).toEqual({ created: true });
  });

  it.each([
    ['a version', entity('user', '1', { metadata: { version: 7 } })],
    ['a cascade', entity('user', '1', { metadata: { cascade: ['feed:1'] } })],
    ['an id that needs an escape', entity('user', 'gid://shop/User/1')],
    ['an empty id', entity('user', '')],
    ['a type that needs an escape', entity('a b', '1')],
    ['a pattern', someMessage({ action: 'Pattern', entity_id: null, pattern: 'user:*' })],
    ['a batch', someMessage({ action: 'Batch', entity_id: null, entity_ids: ['user:1'] })],
  ])('is not joined where it has %s', async (_name, message) => {
    const { batching, sent } = make();
    await Promise.all([batching.add(message), batching.add({ ...message, message_id: 'other' })]);
    expect(sent.map(({ message: each }) => each)).toEqual([
      message, { ...message, message_id: 'other' },
    ]);
  });

  it('purges joined what it would have purged one by one', async () => {
    const { batching, sent } = make();
    const metadatas = [null, { created: true }];
    const messages = ['1', 'a-b', 'x.y', '%', 'ü', '0'].flatMap((id) =>
      metadatas.map((metadata) => entity('User', id, { metadata })));
    await Promise.all(messages.map((message) => batching.add(message)));
    const tags = (each: readonly InvalidationMessage[]) => new Set(
      each.flatMap((message) => purgesOf(message)).map((purge) => JSON.stringify(purge)));
    expect(tags(sent.map(({ message }) => message))).toEqual(tags(messages));
    expect(sent.length).toBeLessThan(messages.length);
  });

  it('is several messages where it would be too long', async () => {
    const { batching, sent } = make(3);
    await Promise.all(Array.from({ length: 7 }, (_, id) =>
      batching.add(entity('user', String(id)))));
    expect(sent.map(({ message }) => message.entity_ids?.length ?? 1)).toEqual([3, 3, 1]);
  });
});
