import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/invalidation/callbacks.ts';
import { MemoryBus } from '../../src/invalidation/memory-bus.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import { wireMessages } from './wire-messages.ts';

let bus: MemoryBus;
beforeEach(() => {
  bus = new MemoryBus();
});
afterEach(async () => {
  await bus.close();
});

async function hear(): Promise<InvalidationMessage[]> {
  const heard: InvalidationMessage[] = [];
  const subscriber = bus.subscriber({
    onMessage: (message) => {
      heard.push(message);
    },
  });
  await subscriber.ready();
  return heard;
}

describe('the bus in memory', () => {
  it('carries what is published to every subscriber, in order', async () => {
    const [one, other] = [await hear(), await hear()];
    const publisher = bus.publisher({ source: 'user-service' });
    for (let id = 0; id < 20; id += 1) await publisher.invalidateUser(id);
    expect(await bus.settled()).toBe(true);
    const ids = Array.from({ length: 20 }, (_, id) => String(id));
    expect(one.map(({ entity_id: id }) => id)).toEqual(ids);
    expect(other).toEqual(one);
    expect(bus.messages).toEqual(one);
  });

  it('keeps what is published while it is cut, and carries it when it is restored', async () => {
    const heard = await hear();
    const publisher = bus.publisher({ source: 'user-service' });
    bus.cut();
    expect(await publisher.invalidateUser('1')).toMatchObject({ position: undefined });
    expect(await bus.settled(20)).toBe(false);
    expect(heard).toEqual([]);
    bus.restore();
    expect(await bus.settled()).toBe(true);
    expect(heard).toMatchObject([{ entity_id: '1' }]);
  });

  it('says how many messages were kept when it is closed', async () => {
    const other = new MemoryBus();
    other.cut();
    await other.publisher({ source: 'user-service' }).invalidateUser('1');
    expect(await other.close()).toBe(1);
  });

  it('says that it has not settled while a callback runs', async () => {
    const done = Promise.withResolvers<void>();
    const subscriber = bus.subscriber({ onBatch: () => done.promise });
    await subscriber.ready();
    await bus.publisher({ source: 's' }).invalidateUser('1');
    expect(await bus.settled(20)).toBe(false);
    done.resolve();
    expect(await bus.settled()).toBe(true);
  });

  it.each(wireMessages)('carries what services send: $name', async ({ payload, expect: made }) => {
    const heard: Delivery[] = [];
    const subscriber = bus.subscriber({
      onBatch: (deliveries) => {
        heard.push(...deliveries);
      },
    });
    await subscriber.ready();
    if (made.rejected === true) {
      await expect(bus.send(payload)).rejects.toThrow();
      return;
    }
    const position = await bus.send(payload);
    expect(await bus.settled()).toBe(true);
    const { message_id: messageId } = JSON.parse(payload) as { message_id: string };
    expect(heard).toMatchObject([{ position, message: { message_id: messageId } }]);
    if (made.metadata !== undefined) {
      expect(heard).toMatchObject([{ message: { metadata: made.metadata } }]);
    }
  });
});
