import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { ChannelFrames, takeMessages } from '../../src/invalidation/channel-frames.ts';
import { startRedis } from '../support/redis.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

const CHANNEL = 'cache:invalidate';

function message(payload: string, type = '>', channel = CHANNEL): string {
  const parts = ['message', channel, payload];
  return `${type}3\r\n${parts.map((part) =>
    `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
}

/** Frames that are no messages of the channel, as Redis may send them to a listener. */
const OTHERS = [
  '+OK\r\n', '-ERR something: $5\r\n', ':1000\r\n', '$-1\r\n', '*-1\r\n', '_\r\n', '#t\r\n',
  '$0\r\n\r\n', '*0\r\n', '$22\r\n>3\r\n$7\r\nmessage\r\n$16\r\n\r\n', ',1.5\r\n',
  '*2\r\n$4\r\npong\r\n$0\r\n\r\n', '>3\r\n$9\r\nsubscribe\r\n$16\r\ncache:invalidate\r\n:1\r\n',
  '%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n*2\r\n:3\r\n%0\r\n',
  '|1\r\n+key\r\n:1\r\n+OK\r\n', '=7\r\ntxt:abc\r\n', '!5\r\nERR x\r\n', '~1\r\n_\r\n',
  message('to another', '>', 'cache:invalidato'),
];
const PAYLOADS = ['{}', '', '\r\n', message('{}'), 'é'.repeat(300), 'x'.repeat(20_000)];

function readAll(chunks: readonly Buffer[]): { messages: string[]; others: string } {
  const messages: string[] = [];
  let others = '';
  const frames = new ChannelFrames({
    channel: CHANNEL,
    onPayloads: (payloads) => messages.push(...payloads.map(String)),
    onOther: (bytes) => (others += bytes.toString()),
  });
  for (const chunk of chunks) {
    frames.read(chunk);
    frames.assertInvariants();
  }
  return { messages, others };
}

describe('what Redis sends to a listener', () => {
  it('is taken apart wherever it is cut', () => {
    const random = seededRandom(7);
    const below = (count: number): number => Math.floor(random() * count);
    for (let round = 0; round < 300; round += 1) {
      const [messages, others, frames]: [string[], string[], string[]] = [[], [], []];
      for (let count = 0; count < 12; count += 1) {
        const isMessage = random() < 0.5;
        const text = (isMessage ? PAYLOADS : OTHERS)[below((isMessage ? PAYLOADS : OTHERS).length)];
        (isMessage ? messages : others).push(text as string);
        const type = random() < 0.5 ? '>' : '*';
        frames.push(isMessage ? message(text as string, type) : text as string);
      }
      const bytes = Buffer.from(frames.join(''));
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += chunks.at(-1)?.length ?? 0) {
        chunks.push(bytes.subarray(at, at + 1 + below(random() < 0.5 ? 9 : 9_000)));
      }
      expect(readAll(chunks)).toEqual({ messages, others: others.join('') });
    }
  });

  it('is told of message by message, before what comes after', () => {
    const order: string[] = [];
    const frames = new ChannelFrames({
      channel: CHANNEL,
      onPayloads: (payloads) => order.push(payloads.join()),
      onOther: (bytes) => order.push(bytes.toString()),
    });
    frames.read(Buffer.from(`+a\r\n+b\r\n${message('1')}${message('2')}+c\r\n${message('3')}`));
    expect(order).toEqual(['+a\r\n+b\r\n', '1,2', '+c\r\n', '3']);
  });
});

describe('messages that are of no use', () => {
  it('are left out, but that they came is told', () => {
    const told: string[][] = [];
    const seen: string[] = [];
    const frames = new ChannelFrames({
      channel: CHANNEL,
      isIdle: (bytes, begin, end) => {
        seen.push(bytes.toString('latin1', begin, end));
        return seen.at(-1)?.startsWith('idle') === true;
      },
      onPayloads: (payloads) => told.push(payloads.map(String)),
      onOther: () => undefined,
    });
    frames.read(Buffer.from(`${message('idle 1')}${message('2')}${message('idle 3')}`));
    frames.read(Buffer.from(message('idle 4')));
    frames.read(Buffer.from('+OK\r\n'));
    expect(seen).toEqual(['idle 1', '2', 'idle 3', 'idle 4']);
    expect(told).toEqual([['2'], []]);
  });
});

describe('a client whose messages are taken', () => {
  it.each([2, 3] as const)('answers all else by itself (RESP%i)', async (protocol) => {
    const server = await startRedis();
    const [plain, client] = [new Redis(server.url), new Redis(server.url, { protocol })];
    const heard: string[] = [];
    const told: string[] = [];
    const onPayloads = (payloads: readonly Buffer[]) => heard.push(...payloads.map(String));
    takeMessages(client, { channel: CHANNEL, onPayloads });
    client.on('message', (_channel: string, payload: string) => told.push(payload));
    await client.subscribe(CHANNEL, 'another');
    await plain.publish('another', 'aside');
    for (const payload of PAYLOADS) await plain.publish(CHANNEL, payload);
    await client.ping();
    expect(heard).toEqual(PAYLOADS);
    expect(told).toEqual(['aside']);
    await plain.call('client', 'kill', 'type', 'pubsub');
    await until(async () => await plain.publish(CHANNEL, 'anew') === 1, { what: 'it is back' });
    await until(() => heard.at(-1) === 'anew', { what: 'it is heard anew' });
    client.disconnect();
    plain.disconnect();
    await server.stop();
  });
});
