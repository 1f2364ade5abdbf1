import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { ReplyText, type Reply } from '../../../src/gateway/http/repeat.ts';
import { ReplyWriter } from '../../../src/gateway/http/reply-writer.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const OFTEN = 40;

function world({ keepAliveTimeoutMs = 5_000 } = {}) {
  const clock = new ManualClock();
  const writer = new ReplyWriter({ clock, keepAliveTimeoutMs });
  const write = (reply: Reply): string => {
    const written: Buffer[] = [];
    const socket = {
      write: (data: string | Buffer) =>
        written.push(typeof data === 'string' ? Buffer.from(data, 'latin1') : data),
      cork: () => undefined,
      uncork: () => undefined,
    };
    writer.write(socket as unknown as Socket, reply);
    return Buffer.concat(written).toString();
  };
  return { clock, write };
}

function replyOf(body: string, text?: ReplyText): Reply {
  return { status: 200, head: 'a: b\r\n', body: Buffer.from(body), text };
}

it('writes what stands in a body byte for byte, short and long', () => {
  const { write } = world();
  for (const body of ['{"name":"Zoë 🌊"}', 'é'.repeat(5_000)]) {
    expect(write(replyOf(body)).endsWith(`\r\n\r\n${body}`)).toBe(true);
  }
});

it('says how long a connection is kept, or only that it is', () => {
  expect(world().write(replyOf(''))).toContain('\r\nKeep-Alive: timeout=5\r\n');
  const { write } = world({ keepAliveTimeoutMs: 0 });
  expect(write(replyOf(''))).toMatch(/Connection: keep-alive\r\n\r\n$/);
});

it('tells the time of each answer, of one that is sent often too', () => {
  const { write, clock } = world();
  const text = new ReplyText();
  const dateOf = (answer: string): string | undefined => /Date: (.+)\r/.exec(answer)?.[1];
  for (let second = 0; second < 3; second += 1) {
    const expected = new Date(Math.floor(clock.wall() / 1_000) * 1_000).toUTCString();
    for (let n = 0; n < OFTEN; n += 1) {
      expect(dateOf(write(replyOf('body', text)))).toBe(expected);
    }
    expect(text.whole).toContain(expected);
    clock.advance(1_000);
  }
});

it('keeps the texts of what is sent often, and of no more than there is room for', () => {
  const { write } = world();
  const texts = Array.from({ length: 600 }, () => new ReplyText());
  for (const [at, text] of texts.entries()) {
    const reply = replyOf(`body ${at}`, text);
    for (let n = 0; n < OFTEN; n += 1) expect(write(reply)).toMatch(`body ${at}`);
  }
  const seldom = new ReplyText();
  for (let n = 0; n < 3; n += 1) write(replyOf('seldom', seldom));
  expect([...texts, seldom].filter(({ whole }) => whole !== undefined)).toHaveLength(512);
  expect([texts[0]?.whole, seldom.whole]).toEqual([undefined, undefined]);
});
