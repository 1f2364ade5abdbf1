/** Requests that are answered unread, and all that must never be taken for one. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveConfig } from '../../../src/gateway/config/config.ts';
import { HttpServer, type HttpServerOptions } from '../../../src/gateway/http/http-server.ts';
import type { Repeat, Reply } from '../../../src/gateway/http/repeat.ts';
import type { ReadRequest } from '../../../src/gateway/http/request-body.ts';
import { asked } from '../../../src/gateway/tracing-channels.ts';
import { systemClock } from '../../../src/invalidation/clock.ts';
import { until } from '../../support/until.ts';

const { limits } = resolveConfig({ supergraph: 'unused', limits: { bodyBytesMax: 1_024 } });
const BODY = '{"query":"{ b }"}';
const KNOWN = wireOf(BODY);
const FIRST = wireOf('first');
const MIB = 1024 * 1024;
/** The first head is new, three are not, and of the fifth it is seen where it begins and ends. */
const REPEATED = 5;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

function wireOf(body: string, headers = ''): string {
  const length = `content-length: ${body.length}`;
  return `POST /graphql HTTP/1.1\r\nhost: a\r\n${headers}${length}\r\n\r\n${body}`;
}

function replyWith(body: string): Reply {
  return {
    status: 200, head: `content-length: ${body.length}\r\n`, body: Buffer.from(body),
    text: undefined,
  };
}

type Settle = (reply: Reply | undefined) => void;

const UNREAD: Repeat = { answer: (_, settle) => settle(replyWith('unread')) };

/** Answers what it is asked, unread or read, and says which. */
async function world(options: Partial<HttpServerOptions> = {}) {
  const parsed: string[] = [];
  const errors: unknown[] = [];
  const state = {
    unread: 0,
    repeat: UNREAD,
  };
  const server = new HttpServer({
    handler: (request: ReadRequest, response: ServerResponse) => {
      parsed.push(request.rawBody.toString());
      response.end('parsed');
    },
    repeats: (wire) => {
      if (wire !== KNOWN) return undefined;
      state.unread += 1;
      return state.repeat;
    },
    path: '/graphql',
    limits,
    clock: systemClock,
    onError: (error) => errors.push(error),
    ...options,
  });
  opened.push(() => server.close({ drainMs: 0 }));
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const open = async (): Promise<Client> => {
    const client = new Client(connect({ port, host: '127.0.0.1', noDelay: true }));
    opened.push(() => client.socket.destroy());
    await once(client.socket, 'connect');
    return client;
  };
  /** A connection on which as much came again as it takes to look at what comes next. */
  const openUsed = async (): Promise<Client> => {
    const client = await open();
    for (let n = 0; n < REPEATED; n += 1) await client.ask(FIRST, 'parsed');
    parsed.length = 0;
    return client;
  };
  return { server, state, parsed, errors, open, openUsed };
}

class Client {
  readonly socket: Socket;
  received = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
    // A connection that is cut ends with an error; what came before it counts.
    socket.on('error', () => undefined);
  }

  /** Resolves when the last that came ends so; it is forgotten then. */
  async ask(wire: string, end: string): Promise<string> {
    this.socket.write(wire, 'latin1');
    return this.answer(end);
  }

  async answer(end: string): Promise<string> {
    await until(async () => this.received.endsWith(end), { what: `an answer that ends ${end}` });
    const { received } = this;
    this.received = '';
    return received;
  }
}

/** It is known, and waits until it is settled. */
function taken(client: Client, state: { repeat: Repeat }): Promise<Settle> {
  return new Promise((resolve) => {
    state.repeat = { answer: (_, settle) => resolve(settle) };
    client.socket.write(KNOWN);
  });
}

describe('a request that came before, byte for byte,', () => {
  it('is answered without being parsed, as Node would write it', async () => {
    const { openUsed, state, parsed } = await world();
    const client = await openUsed();
    const answer = await client.ask(KNOWN, 'unread');
    const [head = '', body] = answer.split('\r\n\r\n');
    expect(body).toBe('unread');
    expect(head.split('\r\n').map((line) => line.replace(/^Date: .+ GMT$/, 'Date'))).toEqual([
      'HTTP/1.1 200 OK', 'content-length: 6', 'Date', 'Connection: keep-alive',
      `Keep-Alive: timeout=${limits.keepAliveTimeoutMs / 1_000}`,
    ]);
    expect([state.unread, parsed]).toEqual([1, []]);
  });

  it('is read into memory that is there already, and so is what is parsed', async () => {
    const { openUsed } = await world();
    const client = await openUsed();
    // What Node has read into new memory goes through here.
    const push = vi.spyOn(Socket.prototype, 'push');
    opened.push(() => push.mockRestore());
    await client.ask(KNOWN, 'unread');
    await client.ask(wireOf('other'), 'parsed');
    const { localPort } = client.socket;
    const sockets = push.mock.contexts as Socket[];
    expect(sockets.filter(({ remotePort }) => remotePort === localPort)).toEqual([]);
    expect(sockets).toContain(client.socket);
  });

  it('is given a long body whole, and what comes behind it is parsed as ever', async () => {
    const { openUsed, state, parsed } = await world();
    const client = await openUsed();
    const long = `${'x'.repeat(MIB)}end`;
    state.repeat = { answer: (_, settle) => settle(replyWith(long)) };
    expect((await client.ask(KNOWN, 'end')).endsWith(`\r\n\r\n${long}`)).toBe(true);
    expect(await client.ask(wireOf('other'), 'parsed')).toContain('200 OK');
    expect(parsed).toEqual(['other']);
  });

  it('is parsed until heads have come again on its connection, as they were', async () => {
    const { open, state, parsed } = await world();
    const client = await open();
    for (let n = 0; n < REPEATED; n += 1) await client.ask(KNOWN, 'parsed');
    expect([state.unread, parsed.length]).toEqual([0, REPEATED]);
    await client.ask(KNOWN, 'unread');
  });

  it('is parsed where heads on its connection differ, which Node reads faster', async () => {
    const { open, state } = await world();
    const client = await open();
    for (let n = 0; n < 40; n += 1) {
      await client.ask(wireOf(BODY, `x-request-id: ${n}\r\n`), 'parsed');
      await client.ask(KNOWN, 'parsed');
    }
    expect(state.unread).toBe(0);
  });

  it('keeps its connection longer than one request may take', async () => {
    const { open, openUsed } = await world({ limits: { ...limits, requestTimeoutMs: 50 } });
    const [late, client] = [await open(), await openUsed()];
    late.socket.write('POST /graphql HTTP/1.1\r\nhost: a\r\n');
    const closed = once(late.socket, 'close').then(() => 'closed');
    let state = 'open';
    while (state === 'open') {
      await client.ask(KNOWN, 'unread');
      state = await Promise.race([closed, new Promise<string>((go) => setImmediate(go, 'open'))]);
    }
    expect(late.received).toContain('408');
    await client.ask(KNOWN, 'unread');
  });

  it('is parsed where nobody has an answer, and is seen with what it came as', async () => {
    const arrivals: unknown[] = [];
    const { openUsed, state, parsed } = await world({
      listeners: [(request) => {
        arrivals.push(request.arrival?.wire);
        return false;
      }],
    });
    const client = await openUsed();
    state.repeat = { answer: (_, settle) => settle(undefined) };
    await client.ask(KNOWN, 'parsed');
    expect([parsed, arrivals.at(-1)]).toEqual([[BODY], KNOWN]);
  });

  const boom = new Error('a bug');
  it.each<[string, Repeat]>([
    ['throws', { answer: () => { throw boom; } }],
    ['rejects', { answer: () => Promise.reject(boom) }],
  ])('is parsed where what should answer it %s, which is reported', async (_, repeat) => {
    const { openUsed, state, parsed, errors } = await world();
    const client = await openUsed();
    state.repeat = repeat;
    await client.ask(KNOWN, 'parsed');
    expect([parsed, errors]).toEqual([[BODY], [boom]]);
  });

  it('is parsed where somebody watches requests, here or in Node', async () => {
    const { openUsed, state } = await world();
    const client = await openUsed();
    const watch = (): void => undefined;
    for (const channel of ['http.server.request.start', asked.name as string]) {
      subscribe(channel, watch);
      await client.ask(KNOWN, 'parsed');
      unsubscribe(channel, watch);
      await client.ask(KNOWN, 'unread');
    }
    expect(state.unread).toBe(2);
  });

  // Node gives the parser of a connection that has gone to the next one.
  it.each([
    ['an answer', replyWith('unread')],
    ['none', undefined],
  ])('is nobody\'s any more when its client has gone, and of no other: %s', async (_, reply) => {
    const { open, openUsed, state, errors, parsed } = await world();
    const client = await openUsed();
    const { promise, resolve } = Promise.withResolvers<(reply: Reply | undefined) => void>();
    let gone: Promise<unknown> = Promise.resolve();
    state.repeat = {
      answer: (arrival, settle) => {
        resolve(settle);
        gone = until(async () => arrival.destroyed, { what: 'it is gone' });
      },
    };
    client.socket.write(KNOWN);
    const settle = await promise;
    client.socket.resetAndDestroy();
    await gone;
    const other = await open();
    await other.ask(FIRST, 'parsed');
    parsed.length = 0;
    settle(reply);
    await other.ask(wireOf('its own'), 'parsed');
    expect([errors, parsed]).toEqual([[], ['its own']]);
  });
});

describe('what comes while one waits for its answer', () => {
  it('is answered after it, in its order', async () => {
    const { openUsed, state, parsed } = await world();
    const client = await openUsed();
    const settle = await taken(client, state);
    client.socket.write(wireOf('second') + KNOWN);
    const other = await openUsed();
    await other.ask(wireOf('elsewhere'), 'parsed');
    expect([client.received, parsed]).toEqual(['', ['elsewhere']]);
    settle(replyWith('unread'));
    await until(async () => parsed.length === 3, { what: 'all is answered' });
    const bodies = (await client.answer('parsed')).match(/unread|parsed/g);
    expect(bodies).toEqual(['unread', 'parsed', 'parsed']);
    expect(parsed).toEqual(['elsewhere', 'second', BODY]);
    await client.ask(wireOf('after'), 'parsed');
  });

  it('may be answered unread as well', async () => {
    const { openUsed, open, state } = await world();
    const [client, other] = [await openUsed(), await open()];
    const settle = await taken(client, state);
    state.repeat = { answer: (_, say) => say(replyWith('second')) };
    client.socket.write(KNOWN);
    await other.ask(FIRST, 'parsed');
    settle(replyWith('unread'));
    expect((await client.answer('second')).match(/unread|second/g)).toEqual(['unread', 'second']);
    await client.ask(KNOWN, 'second');
  });

  it('is parsed after it where that is parsed in the end', async () => {
    const { openUsed, state, parsed } = await world();
    const client = await openUsed();
    const settle = await taken(client, state);
    client.socket.write(wireOf('second'));
    settle(undefined);
    await until(async () => parsed.length === 2, { what: 'both are answered' });
    expect(parsed).toEqual([BODY, 'second']);
  });
});

/** Each row: what comes after another, in pieces that the server reads one by one. */
describe('bytes inside of a request are never taken for one:', () => {
  const outer = (length: number): string =>
    `POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n`;

  it.each([
    ['a body that begins with the second piece', [outer(KNOWN.length), KNOWN]],
    ['the rest of a body', [`${outer(KNOWN.length + 1)}x`, KNOWN]],
    ['a body in chunks', [
      'POST /graphql HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n'
      + `${KNOWN.length.toString(16)}\r\n`, KNOWN, '\r\n0\r\n\r\n',
    ]],
    ['a head that says its length late', [
      `POST /graphql HTTP/1.1\r\nhost: a\r\n`, `content-length: ${KNOWN.length}\r\n\r\n`, KNOWN,
    ]],
    ['behind empty lines', [`\r\n\r\n${outer(KNOWN.length)}`, KNOWN]],
    ['the rest of a head', ['POST /graphql HTTP/1.1\r\nhost: a\r\nx: ', KNOWN]],
  ])('%s', async (_, pieces) => {
    const { open, openUsed, state, parsed } = await world();
    const [client, other] = [await openUsed(), await open()];
    for (const piece of pieces) {
      client.socket.write(piece);
      // Answered on another connection, so the server has read what came before.
      await other.ask(FIRST, 'parsed');
    }
    await client.answer('parsed');
    expect(state.unread).toBe(0);
    expect(parsed.findLast((body) => body !== 'first')?.endsWith(BODY)).toBe(true);
  });

  it('the rest of a head that began behind another request', async () => {
    const { openUsed, open, state, parsed } = await world();
    const [client, other] = [await openUsed(), await open()];
    await client.ask(`${wireOf('one')}POST /graphql HTTP/1.1\r\nhost: a\r\nx: `, 'parsed');
    client.socket.write(KNOWN);
    await client.answer('parsed');
    await other.ask(FIRST, 'parsed');
    expect([state.unread, parsed]).toEqual([0, ['one', BODY, 'first']]);
  });

  /** As long as its body is said to be, from the first empty line on. */
  const deceiving = `\r\n\r\n${outer(2_000).replace('host', `x: ${'x'.repeat(1_938)}\r\nhost`)}`;

  it.each([
    ['as it is', outer(2_000)],
    ['with a head as long as the body', deceiving],
  ])('the body of what was refused before it was read, %s', async (_, refused) => {
    const { openUsed, open, state, parsed } = await world();
    const [client, other] = [await openUsed(), await open()];
    expect(deceiving.length).toBe(2_004);
    client.socket.write(refused);
    await until(async () => client.received.includes('413'), { what: 'it is refused' });
    client.socket.write(KNOWN);
    await other.ask(FIRST, 'parsed');
    expect([state.unread, parsed]).toEqual([0, ['first']]);
  });

  it('the end of a second request whose beginning came with the first', async () => {
    const { openUsed, open, state, parsed } = await world();
    const [client, other] = [await openUsed(), await open()];
    client.socket.write(wireOf('one') + outer(KNOWN.length));
    await client.answer('parsed');
    client.socket.write(KNOWN);
    await client.answer('parsed');
    await other.ask(KNOWN, 'parsed');
    expect([state.unread, parsed]).toEqual([0, ['one', KNOWN, BODY]]);
  });

  it('a request behind another in one piece, which is parsed', async () => {
    const { openUsed, state, parsed } = await world();
    const client = await openUsed();
    client.socket.write(KNOWN + KNOWN);
    await until(async () => parsed.length === 2, { what: 'both are answered' });
    expect(state.unread).toBe(0);
  });

  it('one that comes while another is being answered, which is parsed', async () => {
    const { promise, resolve } = Promise.withResolvers<ServerResponse>();
    const { openUsed, open, state } = await world({
      listeners: [(request, response) => {
        const isSlow = request.rawBody.toString() === 'slow';
        if (isSlow) resolve(response);
        return isSlow;
      }],
    });
    const [client, other] = [await openUsed(), await open()];
    client.socket.write(wireOf('slow'));
    const response = await promise;
    client.socket.write(KNOWN);
    await other.ask(FIRST, 'parsed');
    response.end('slow');
    const bodies = (await client.answer('parsed')).match(/slow|parsed|unread/g);
    expect([bodies, state.unread]).toEqual([['slow', 'parsed'], 0]);
  });
});

describe('a request in pieces', () => {
  const head = 'POST /graphql HTTP/1.1\r\nhost: a\r\n';
  const short = 'x'.repeat(head.length - 3);

  it.each([
    ['head and body', [`${head}content-length: 6\r\n\r\n`, 'in two']],
    ['a head as long as its body, and the rest', [
      head, `content-length: ${short.length}\r\n\r\n${short}`,
    ]],
    ['head and body, in chunks', [
      `${head}transfer-encoding: chunked\r\n\r\n`, '6\r\nin two\r\n0\r\n\r\n',
    ]],
    ['with another behind it', [wireOf('in one') + wireOf('in two')]],
  ])('is not seen as it came: %s', async (_, pieces) => {
    const arrivals: unknown[] = [];
    const { openUsed, open } = await world({
      listeners: [(request) => {
        if (request.rawBody.toString() !== 'first') arrivals.push(request.arrival?.wire);
        return false;
      }],
    });
    const [client, other] = [await openUsed(), await open()];
    for (const piece of pieces) {
      client.socket.write(piece);
      await other.ask(FIRST, 'parsed');
    }
    await client.answer('parsed');
    expect(new Set(arrivals)).toEqual(new Set([undefined]));
  });

  it('may be followed by one that is answered unread, where its length was said', async () => {
    const { openUsed, open } = await world();
    const [client, other] = [await openUsed(), await open()];
    client.socket.write(`${head}content-length: 6\r\n\r\n`);
    await other.ask(FIRST, 'parsed');
    await client.ask('in two', 'parsed');
    await client.ask(KNOWN, 'unread');
  });
});

it('who asks and does not read is not answered without end', async () => {
  const { openUsed, open, state } = await world();
  const [client, other] = [await openUsed(), await open()];
  const long = `${'x'.repeat(8 * MIB)}end`;
  state.repeat = { answer: (_, settle) => settle(replyWith(long)) };
  client.socket.pause();
  for (let n = 0; n < 20; n += 1) {
    client.socket.write(KNOWN);
    await other.ask(FIRST, 'parsed');
  }
  // The system holds one or two; of all further ones Node decides, which stops reading.
  expect(state.unread).toBeLessThanOrEqual(3);
});

describe('a server that closes', () => {
  it('answers what it has taken, and nothing more', async () => {
    const { server, openUsed, state } = await world();
    const [client, other] = [await openUsed(), await openUsed()];
    const settle = await taken(client, state);
    const closed = server.close({ drainMs: 60_000 });
    other.socket.write(KNOWN);
    await until(async () => other.received.includes('503'), { what: 'it is refused' });
    expect(state.unread).toBe(1);
    settle(replyWith('unread'));
    await client.answer('unread');
    await closed;
  });

  it('cuts nobody who is still reading', async () => {
    const { server, openUsed, state } = await world();
    const client = await openUsed();
    const long = `${'x'.repeat(32 * MIB)}end`;
    const answered = Promise.withResolvers<void>();
    state.repeat = {
      answer: (_, settle) => {
        settle(replyWith(long));
        answered.resolve();
      },
    };
    client.socket.pause();
    client.socket.write(KNOWN);
    await answered.promise;
    const closed = server.close({ drainMs: 60_000 });
    client.socket.resume();
    expect((await client.answer('end')).length).toBeGreaterThan(32 * MIB);
    await closed;
  });

  it('waits for nobody longer than it may', async () => {
    const { server, openUsed, state } = await world();
    const client = await openUsed();
    const { promise, resolve } = Promise.withResolvers<void>();
    state.repeat = { answer: () => resolve() };
    client.socket.write(KNOWN);
    await promise;
    await server.close({ drainMs: 10 });
  });
});
