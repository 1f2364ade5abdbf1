/**
 * Requests of all kinds, in pieces of any size: whoever answers them, each has the answer to its
 * own body, in the order in which they came. From a seed, so that what fails can be run again.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/gateway/config/config.ts';
import { HttpServer } from '../../../src/gateway/http/http-server.ts';
import type { Reply } from '../../../src/gateway/http/repeat.ts';
import type { ReadRequest } from '../../../src/gateway/http/request-body.ts';
import { systemClock, type Random } from '../../../src/invalidation/clock.ts';
import { integerBelow, seededRandom } from '../../support/seeded-random.ts';
import { until } from '../../support/until.ts';

const { limits } = resolveConfig({ supergraph: 'unused' });
const HEAD = 'POST /graphql HTTP/1.1\r\nhost: a\r\n';
const KNOWN = whole('known');
const ANSWER: Reply = {
  status: 200, head: 'content-length: 7\r\n', body: Buffer.from('<known>'), text: undefined,
};

let server: HttpServer;
let port: number;
let unread = 0;
/** Answers that wait until more has come. */
let held: (() => void)[] = [];

function release(those: readonly (() => void)[]): void {
  held = held.filter((one) => !those.includes(one));
  for (const one of those) one();
}

beforeAll(async () => {
  server = new HttpServer({
    handler: (request: ReadRequest, response: ServerResponse) => {
      const answer = (): unknown =>
        response.end(`<${String(request.headers['x'] ?? '')}${request.rawBody.toString()}>`);
      if (request.headers['x'] === 'slow') held.push(answer);
      else answer();
    },
    repeats: (wire) => wire !== KNOWN ? undefined : {
      answer: async (_, settle) => {
        unread += 1;
        // Some come from Redis.
        if (unread % 2 === 0) await new Promise(setImmediate);
        settle(ANSWER);
      },
    },
    limits,
    clock: systemClock,
    onError: (error) => {
      throw error;
    },
  });
  ({ port } = await server.listen({ host: '127.0.0.1', port: 0 }));
});
afterAll(() => server.close({ drainMs: 0 }));

function whole(body: string): string {
  return `${HEAD}content-length: ${body.length}\r\n\r\n${body}`;
}

function inChunks(body: string): string {
  const size = body.length.toString(16);
  return `${HEAD}transfer-encoding: chunked\r\n\r\n${size}\r\n${body}\r\n0\r\n\r\n`;
}

interface Sent {
  readonly wire: string;
  /** As it is told in the answer. */
  readonly body: string;
}

/** Where what follows is, byte for byte, a request that is known. */
function trapIn(wire: string): number {
  return Math.max(0, wire.indexOf(KNOWN));
}

/** What is known comes often, what has it inside as well; a body without a length seldom. */
function anyRequest(random: Random): Sent {
  const kind = integerBelow(random, 20);
  const body = kind % 2 === 0 ? `body ${integerBelow(random, 100)}` : KNOWN;
  if (kind < 8) return { wire: KNOWN, body: 'known' };
  if (kind < 12) return { wire: whole(body), body };
  if (kind < 13) return { wire: `\r\n${whole(body)}`, body };
  if (kind < 15) return { wire: 'GET /graphql HTTP/1.1\r\nhost: a\r\n\r\n', body: '' };
  if (kind < 17) return { wire: `${HEAD}x: ${KNOWN}`, body: 'POST /graphql HTTP/1.1known' };
  const slow = whole(body).replace('host', 'x: slow\r\nhost');
  if (kind < 19) return { wire: slow, body: `slow${body}` };
  return { wire: inChunks(body), body };
}

/** Cut between requests mostly, in some places inside of one, and sometimes not at all. */
function piecesOf(requests: readonly Sent[], random: Random): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const { wire } of requests) {
    const cuts = [0, trapIn(wire), integerBelow(random, wire.length)];
    const cut = cuts[integerBelow(random, cuts.length)] as number;
    if (cut > 0) {
      pieces.push(piece + wire.slice(0, cut));
      piece = '';
    }
    piece += wire.slice(cut);
    if (integerBelow(random, 5) > 0) {
      pieces.push(piece);
      piece = '';
    }
  }
  return [...pieces, piece].filter((one) => one !== '');
}

it('answers each request with what is its own, in order, from 120 seeds', async () => {
  const watcher = connect({ port, host: '127.0.0.1', noDelay: true });
  let [asked, seen] = [0, ''];
  watcher.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  for (let seed = 0; seed < 120; seed += 1) {
    const random = seededRandom(seed);
    const requests = Array.from({ length: 3 + integerBelow(random, 8) }, () => anyRequest(random));
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received = '';
    const answers = (): string[] => received.split(/HTTP\/1.1 (?=200)/).slice(1);
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    await once(socket, 'connect');
    // The server looks at what comes where heads have come again as they were.
    for (let n = 0; n < 5; n += 1) {
      const answered = once(socket, 'data');
      socket.write(whole('again'));
      await answered;
    }
    received = '';
    const isWhole = random() < 0.5;
    for (const piece of isWhole ? requests.map(({ wire }) => wire) : piecesOf(requests, random)) {
      socket.write(piece);
      // When another is answered, the server has read what came before.
      watcher.write(whole(`${asked += 1}`));
      const before = [...held];
      await until(async () => seen.endsWith(`<${asked}>`), { what: 'the piece is read' });
      release(before);
    }
    const isAnswered = async (): Promise<boolean> => {
      release(held);
      return answers().length >= requests.length && received.endsWith('>');
    };
    await until(isAnswered, { what: `all of seed ${seed} is answered` });
    const bodies = answers().map((answer) => answer.slice(answer.indexOf('<')));
    expect({ seed, bodies }).toEqual({ seed, bodies: requests.map(({ body }) => `<${body}>`) });
    socket.destroy();
  }
  watcher.destroy();
  expect(unread).toBeGreaterThan(40);
});
