/** What the hit path asks each time, with all that it asks made to change. */
import type { ServerResponse } from 'node:http';
import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/cache/entry.ts';
import { responseKey } from '../../../src/cache/key.ts';
import { Patience } from '../../../src/cache/patience.ts';
import type { Found } from '../../../src/cache/tiers.ts';
import { OperationIdentity } from '../../../src/gateway/diagnostics.ts';
import { HitPath, type HitPathOptions } from '../../../src/gateway/caching/hit-path.ts';
import { ANONYMOUS, type Caller } from '../../../src/gateway/http/caller.ts';
import { PositionCookie } from '../../../src/gateway/http/position-cookie.ts';
import type { Reply } from '../../../src/gateway/http/repeat.ts';
import type { ReadRequest } from '../../../src/gateway/http/request-body.ts';
import type { OperationPlan } from '../../../src/policy/plan.ts';
import { entryOf, place } from '../../cache/samples.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const KEY = responseKey(['a']);
const PLAN = { operation: 'query', scope: 'PUBLIC', types: [] } as unknown as OperationPlan;
const OPERATION = new OperationIdentity({ document: parse('{ a }') }, PLAN);
const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'vary': 'accept' };

function requestOf(body = '{"query":"{ a }"}', headers: Record<string, string> = {}): ReadRequest {
  return {
    method: 'POST',
    url: '/graphql',
    headers: { 'host': 'a', 'content-type': 'application/json', ...headers },
    rawBody: Buffer.from(body),
  } as unknown as ReadRequest;
}

class Sink {
  status = 0;
  body = '';
  destroyed = false;
  headers: readonly string[] = [];

  writeHead(status: number, headers: readonly string[]): this {
    this.status = status;
    this.headers = headers;
    return this;
  }

  end(body: string | Buffer = ''): void {
    this.body = body.toString();
  }
}

function world(given: Partial<HitPathOptions> = {}) {
  const clock = new ManualClock();
  const state = {
    entry: entryOf('{"data":1}') as Entry | undefined,
    enabled: true,
    schemaHash: 'one',
    audited: false,
    position: place(5),
    uses: [] as unknown[][],
    /** What L2 answers, when it does. Undefined: there is no L2. */
    below: undefined as Promise<Found | undefined> | undefined,
  };
  const patience = new Patience(clock, 50);
  const hitPath = new HitPath({
    tiers: { peek: ({ id }) => (id === KEY.id ? state.entry : undefined) },
    readPath: {
      used: (...used) => void state.uses.push(used),
      below: (_key, use) => state.below?.then(use),
      patience: () => patience,
    },
    l1: { find: () => state.entry, replace: () => false },
    node: {
      get position() {
        return state.position;
      },
    },
    clock,
    enabled: () => state.enabled,
    audits: () => state.audited,
    schemaHash: () => state.schemaHash,
    headerNames: ['authorization'],
    answerHeaders: {},
    compression: true,
    ...given,
  });
  /** As Yoga answers it, whatever it asks. */
  const learn = (
    request: ReadRequest,
    { caller = ANONYMOUS, earlyExpiry = 0, headers = {}, countsUses = false }: {
      caller?: Caller; earlyExpiry?: number; headers?: Record<string, string>;
      countsUses?: boolean;
    } = {},
  ): void => {
    hitPath.learn({
      request,
      caller,
      mediaType: 'application/json',
      headers: new Headers({ ...HEADERS, ...headers }),
      answer: {
        how: { kind: 'hit', tier: 'l1' },
        body: state.entry?.value,
        digest: undefined,
        shared: true, public: true, ttlMs: 1, ageMs: 0, tags: [],
        kept: { key: KEY, operation: OPERATION, schemaHash: 'one', earlyExpiry, countsUses },
      },
    });
  };
  const offer = (request: ReadRequest, sink: Sink) =>
    hitPath.listener(request, sink as unknown as ServerResponse);
  const ask = (request = requestOf()): boolean => {
    const sink = new Sink();
    const isTaken = offer(request, sink) as boolean;
    expect(sink.status).toBe(isTaken ? 200 : 0);
    if (isTaken) expect(sink.body).toBe('{"data":1}');
    return isTaken;
  };
  const recognise = (
    options: Parameters<typeof learn>[1] = {}, request: ReadRequest = requestOf(),
  ): void => {
    expect(ask(request)).toBe(false);
    learn(request, options);
  };
  /** The same request with all of its bytes, unread; what it is left with goes with its arrival. */
  const askUnread = (request: ReadRequest): Reply | undefined | 'unknown' | 'waits' => {
    const { arrival } = request;
    const repeat = arrival && hitPath.repeats(arrival.wire);
    if (arrival === undefined || repeat === undefined) return 'unknown';
    let said: Reply | undefined | 'waits' = 'waits';
    void repeat.answer(arrival, (reply) => (said = reply));
    return said;
  };
  return { clock, state, hitPath, patience, offer, ask, askUnread, learn, recognise };
}

/** As it came, of one client. */
function wired(request: ReadRequest = requestOf(), wire = wireOf(request)): ReadRequest {
  return {
    ...request, httpVersion: '1.1', arrival: { wire, destroyed: false },
  } as unknown as ReadRequest;
}

/** As it came, without what was made of it since. */
function wireOf(request: ReadRequest): string {
  return JSON.stringify({ ...request, fingerprint: undefined });
}

function textOf(reply: Reply | string | undefined): string | undefined {
  return typeof reply === 'object' ? reply.body?.toString() : reply;
}

describe('a recognised request', () => {
  it('is answered, and no other is', () => {
    const { ask, recognise, hitPath } = world();
    recognise();
    expect([ask(), ask()]).toEqual([true, true]);
    for (const other of [
      requestOf('{"query":"{ a  }"}'), requestOf(undefined, { authorization: 'Bearer 1' }),
      requestOf(undefined, { host: 'b' }), requestOf(undefined, { accept: '*/*' }),
      requestOf(undefined, { origin: 'https://a.example' }),
    ]) expect(ask(other)).toBe(false);
    expect(hitPath.stats).toMatchObject({ hits: 2, requests: 1 });
  });

  it('is answered whatever it says in headers that nothing looks at', () => {
    const { ask, recognise } = world();
    recognise();
    expect(ask(requestOf(undefined, { 'x-request-id': '1', 'user-agent': 'a' }))).toBe(true);
  });

  it.each([
    ['caching is switched off', { enabled: false }],
    ['the schema is swapped', { schemaHash: 'two' }],
    ['there is nothing that is current', { entry: undefined }],
    ['it is to be audited', { audited: true }],
  ])('is left to Yoga once %s', (_, change) => {
    const { ask, recognise, state } = world();
    recognise();
    expect(ask()).toBe(true);
    Object.assign(state, change);
    expect(ask()).toBe(false);
  });

  it('is left to Yoga where the client has seen a position that the node has not', () => {
    const { ask, recognise, state } = world();
    recognise();
    const seen = (position: string) => ask(requestOf(undefined, { 'freshet-position': position }));
    expect(['1772366400000-5', '1772366400000-4', '1-1'].map(seen)).toEqual([true, true, true]);
    for (const position of ['1772366400000-6', '', 'x', '1-1, 1-2']) {
      expect(seen(position)).toBe(false);
    }
    state.position = place(6);
    expect(seen('1772366400000-6')).toBe(true);
  });

  it('is left to Yoga when its token has ended, and for good', () => {
    const { ask, recognise, clock } = world();
    recognise({ caller: { ...ANONYMOUS, believedUntil: clock.wall() + 1_000 } });
    clock.advance(999);
    expect(ask()).toBe(true);
    clock.advance(1);
    expect(ask()).toBe(false);
  });

  it('is not recognised with a token that nobody believes', () => {
    const { ask, recognise } = world();
    recognise({ caller: { ...ANONYMOUS, believedUntil: 0 } });
    expect(ask()).toBe(false);
  });

  it('is left to Yoga shortly before its entry expires, if that may be loaded early', () => {
    const { ask, recognise, clock, state } = world();
    state.entry = entryOf('{"data":1}', { loadMs: 100 });
    recognise({ earlyExpiry: 1 });
    clock.advance(58_000);
    expect(ask()).toBe(true);
    clock.advance(1_500);
    expect(ask()).toBe(false);
  });

  it('counts as a use of its entry where uses count', () => {
    const { ask, recognise, state } = world();
    recognise({ countsUses: true });
    expect([ask(), ask()]).toEqual([true, true]);
    expect(state.uses).toEqual([[KEY, state.entry], [KEY, state.entry]]);
  });

  it('tells the auditor which hits chance has chosen', () => {
    const { ask, recognise, state, hitPath } = world();
    recognise();
    state.audited = true;
    const [chosen, other] = [requestOf(), requestOf('{"query":"{ b }"}')];
    expect([ask(chosen), ask(other)]).toEqual([false, false]);
    expect([chosen, other].map((one) => hitPath.left(one)?.isChosen)).toEqual([true, false]);
  });
});

describe('a request that came before with all of its bytes', () => {
  /** It has been answered often enough not to be parsed any more. */
  function repeated(
    learning: Parameters<ReturnType<typeof world>['learn']>[1] = {}, request = requestOf(),
    given: Partial<HitPathOptions> = {},
  ) {
    const made = world(given);
    made.recognise(learning, request);
    for (let n = 0; n < 2; n += 1) expect(made.ask(wired(request))).toBe(true);
    return { ...made, unread: () => made.askUnread(wired(request)) };
  }

  it('is answered unread from its third time on, with what Node would be given', () => {
    const { ask, askUnread, recognise, hitPath, offer } = world();
    recognise();
    for (let n = 0; n < 2; n += 1) {
      expect(askUnread(wired())).toBe('unknown');
      expect(ask(wired())).toBe(true);
    }
    const sink = new Sink();
    void offer(wired(), sink);
    const reply = askUnread(wired()) as Reply;
    expect([reply.status, reply.body?.toString()]).toEqual([200, sink.body]);
    const lines = reply.head.split('\r\n').slice(0, -1);
    expect(lines.flatMap((line) => line.split(/: (.*)/, 2))).toEqual(sink.headers);
    expect(hitPath.stats).toMatchObject({ hits: 4, unread: 1 });
  });

  it('is not known by any other bytes, whatever they mean', () => {
    const { askUnread, ask } = repeated();
    const other = wired(requestOf(), 'other');
    expect([askUnread(other), ask(other), askUnread(other)]).toEqual(['unknown', true, 'unknown']);
  });

  const last = { headers: { ...requestOf().headers, connection: 'close' } };

  it.each([
    ['it is the last of its connection', last],
    ['it is of HTTP/1.0', { httpVersion: '1.0' }],
    ['it did not come in one piece', { arrival: undefined }],
  ])('is parsed all the same where %s', (_, unusual) => {
    const { ask, askUnread, recognise } = world();
    recognise();
    const request = { ...wired(), ...unusual } as unknown as ReadRequest;
    for (let n = 0; n < 3; n += 1) expect(ask(request)).toBe(true);
    expect(askUnread({ ...request, arrival: wired().arrival } as ReadRequest)).toBe('unknown');
  });

  it.each([
    ['caching is switched off', { enabled: false }],
    ['the schema is swapped', { schemaHash: 'two' }],
    ['there is nothing that is current', { entry: undefined }],
    ['it is to be audited', { audited: true }],
  ])('is parsed once %s', (_, change) => {
    const { unread, state } = repeated();
    expect(textOf(unread())).toBe('{"data":1}');
    Object.assign(state, change);
    expect(unread()).toBeUndefined();
  });

  it('is parsed where its client has seen a position that the node has not', () => {
    const { unread, state } = repeated(
      {}, requestOf(undefined, { 'freshet-position': '1772366400000-5' }),
    );
    expect(textOf(unread())).toBe('{"data":1}');
    state.position = place(4);
    expect(unread()).toBeUndefined();
    state.position = place(5);
    expect(textOf(unread())).toBe('{"data":1}');
  });

  it('is parsed where its client has a cookie of a position that the node has not', () => {
    const positionCookie = new PositionCookie({ name: 'seen', maxStalenessMs: 5_000 });
    const { unread, state } = repeated(
      {}, requestOf(undefined, { cookie: 'a=b; seen=1772366400000-5' }), { positionCookie },
    );
    expect(textOf(unread())).toBe('{"data":1}');
    state.position = place(4);
    expect(unread()).toBeUndefined();
  });

  it('is parsed when its token has ended, and known anew when that has been believed', () => {
    const made = new ManualClock();
    const request = requestOf();
    const believedUntil = made.wall() + 1_000;
    const { unread, clock, ask, learn } = repeated({ caller: { ...ANONYMOUS, believedUntil } });
    expect(textOf(unread())).toBe('{"data":1}');
    clock.advance(1_000);
    expect([unread(), unread()]).toEqual([undefined, 'unknown']);
    const again = wired(request);
    expect(ask(again)).toBe(false);
    learn(again);
    expect([ask(wired(request)), textOf(unread())]).toEqual([true, '{"data":1}']);
  });

  it('is unknown after the gates have changed', () => {
    const { unread, hitPath } = repeated();
    hitPath.forget();
    expect(unread()).toBe('unknown');
  });

  it('is parsed where they change after it has come, before it is answered', () => {
    const { hitPath } = repeated();
    const { arrival } = wired();
    const repeat = arrival && hitPath.repeats(arrival.wire);
    hitPath.forget();
    const said: unknown[] = [];
    if (arrival) void repeat?.answer(arrival, (reply) => said.push(reply));
    expect(said).toEqual([undefined]);
  });

  it('is left to Yoga as it was left here: chance and Redis are asked once', async () => {
    const { askUnread, ask, state, hitPath, patience } = repeated();
    state.audited = true;
    const audited = wired();
    expect(askUnread(audited)).toBeUndefined();
    state.audited = false;
    expect(ask(audited)).toBe(false);
    expect(hitPath.left(audited)).toMatchObject({ isChosen: true });
    state.entry = undefined;
    state.below = Promise.resolve(undefined);
    const absent = wired();
    expect(askUnread(absent)).toBe('waits');
    await state.below;
    expect(ask(absent)).toBe(false);
    expect(hitPath.left(absent)).toMatchObject({ absentBelow: KEY.id, patience });
  });

  it('is answered with what L2 has, unless something has changed until then', async () => {
    const { state, hitPath } = repeated();
    const entry = state.entry as Entry;
    state.entry = undefined;
    const answers: (string | undefined)[] = [];
    const ask = async (change: () => void): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<Found | undefined>();
      state.below = promise;
      const { arrival } = wired();
      const answered = arrival && hitPath.repeats(arrival.wire)?.answer(
        arrival, (reply) => answers.push(textOf(reply)),
      );
      change();
      resolve({ entry, tier: 'l2', verdict: 'current' });
      await answered;
    };
    await ask(() => undefined);
    await ask(() => Object.assign(state, { enabled: false }));
    state.enabled = true;
    await ask(() => hitPath.forget());
    expect(answers).toEqual(['{"data":1}', undefined, undefined]);
  });

  it('is told that nothing has changed, where it says what it has', () => {
    const get = { ...requestOf('', { 'if-none-match': '*' }), method: 'GET' } as ReadRequest;
    const made = world();
    void made.offer(get, new Sink());
    made.learn(get);
    for (let n = 0; n < 2; n += 1) void made.offer(wired(get), new Sink());
    const reply = made.askUnread(wired(get)) as Reply;
    expect([reply.status, reply.body]).toEqual([304, undefined]);
    expect(reply.head).toMatch(/etag: ".+"\r\n$/);
    expect(reply.head).not.toContain('content-');
    expect(made.hitPath.stats).toMatchObject({ unread: 1, unchanged: 3 });
  });

  it('counts as a use of its entry where uses count', () => {
    const { unread, state } = repeated({ countsUses: true });
    const before = state.uses.length;
    unread();
    expect(state.uses.slice(before)).toEqual([[KEY, state.entry]]);
  });
});

describe('a recognised request whose answer is not in memory', () => {
  const entry = entryOf('{"data":1}');
  const found: Found = { entry, tier: 'l2', verdict: 'current' };

  /** It is recognised, L1 has nothing for it, and L2 answers when it is told to. */
  function asking({ earlyExpiry = 0, countsUses = false, caller = ANONYMOUS } = {}) {
    const made = world();
    made.recognise({ earlyExpiry, countsUses, caller });
    made.state.entry = undefined;
    const { promise, resolve } = Promise.withResolvers<Found | undefined>();
    made.state.below = promise;
    const [request, sink] = [requestOf(), new Sink()];
    const taken = made.offer(request, sink);
    expect(taken).toBeInstanceOf(Promise);
    const answer = (...[is = found]: [Found?] | ['none']): Promise<boolean> => {
      resolve(is === 'none' ? undefined : is);
      return taken as Promise<boolean>;
    };
    return { ...made, request, sink, answer };
  }

  it('is answered with what L2 has', async () => {
    const { answer, sink, hitPath } = asking();
    expect(await answer()).toBe(true);
    expect([sink.status, sink.body]).toEqual([200, '{"data":1}']);
    expect(sink.headers[sink.headers.indexOf('cache-status') + 1]).toContain('detail=l2');
    expect(hitPath.stats.hits).toBe(1);
  });

  it('is left to Yoga at once where L2 is not to be asked', () => {
    const { ask, recognise, state } = world();
    recognise();
    state.entry = undefined;
    expect(ask()).toBe(false);
  });

  it('is left to Yoga where L2 has nothing, which Yoga is told', async () => {
    const { answer, sink, request, hitPath, patience } = asking();
    expect(hitPath.left(request)?.absentBelow).toBeUndefined();
    expect(await answer('none')).toBe(false);
    expect(sink.status).toBe(0);
    expect(hitPath.left(request)).toMatchObject({ absentBelow: KEY.id, patience });
    expect(hitPath.stats.hits).toBe(0);
  });

  it('is left to Yoga where L2 has what is past its TTL, which may yet be of use', async () => {
    const { answer, request, hitPath, patience } = asking();
    expect(await answer({ ...found, verdict: 'expired' })).toBe(false);
    expect(hitPath.left(request)).toMatchObject({ absentBelow: undefined, patience });
  });

  it.each([
    ['caching is switched off', { enabled: false }],
    ['the schema is swapped', { schemaHash: 'two' }],
    ['it is to be audited', { audited: true }],
  ])('is left to Yoga if %s while L2 is asked', async (_, change) => {
    const { answer, state, sink, hitPath, request } = asking();
    Object.assign(state, change);
    expect(await answer()).toBe(false);
    expect([sink.status, hitPath.left(request)?.absentBelow]).toEqual([0, undefined]);
    expect(hitPath.left(request)?.isChosen).toBe('audited' in change);
  });

  it('is left to Yoga if the gates change while L2 is asked, and may be learnt anew', async () => {
    const { answer, hitPath, learn, request, state, ask } = asking();
    hitPath.forget();
    expect(await answer()).toBe(false);
    learn(request);
    state.entry = entry;
    expect(ask()).toBe(true);
  });

  it('is left to Yoga if its token ends while L2 is asked', async () => {
    const believedUntil = new ManualClock().wall() + 1_000;
    const { answer, clock, sink } = asking({ caller: { ...ANONYMOUS, believedUntil } });
    clock.advance(1_000);
    expect(await answer()).toBe(false);
    expect(sink.status).toBe(0);
  });

  it('is left to Yoga shortly before its entry expires, if that may be loaded early', async () => {
    const { answer, clock } = asking({ earlyExpiry: 1 });
    clock.advance(59_995);
    expect(await answer()).toBe(false);
  });

  it('is nobody\'s any more when its client has gone', async () => {
    const { answer, sink, hitPath } = asking();
    sink.destroyed = true;
    expect(await answer('none')).toBe(true);
    expect([sink.status, hitPath.stats.hits]).toEqual([0, 0]);
  });

  it('counts as a use of its entry where uses count', async () => {
    const { answer, state } = asking({ countsUses: true });
    await answer();
    expect(state.uses).toEqual([[KEY, entry]]);
  });
});

describe('no request is recognised', () => {
  it('after the gates have changed', () => {
    const { ask, recognise, hitPath } = world();
    recognise();
    hitPath.forget();
    expect(ask()).toBe(false);
  });

  it('that passed the gates before they changed, and was answered afterwards', () => {
    const { ask, learn, hitPath } = world();
    const request = requestOf();
    expect(ask(request)).toBe(false);
    hitPath.forget();
    learn(request);
    expect(ask()).toBe(false);
  });

  it('that did not come through its door', () => {
    const { ask, learn } = world();
    learn(requestOf());
    expect(ask()).toBe(false);
  });

  it.each(['set-cookie', 'x-request-id', 'www-authenticate'])(
    'whose answer has a header that may be its own: %s',
    (name) => {
      const { ask, recognise } = world();
      recognise({ headers: { [name]: 'a' } });
      expect(ask()).toBe(false);
    },
  );

  it.each([
    ['PUT', { method: 'PUT' }],
    ['HEAD', { method: 'HEAD' }],
    ['a GET with a body', { method: 'GET' }],
    ['a body in a coding', { headers: { ...requestOf().headers, 'content-encoding': 'gzip' } }],
    ['headers for this hop', { headers: { ...requestOf().headers, 'connection': 'x, close' } }],
    ['a long body', { rawBody: Buffer.alloc(20_000, 'a') }],
  ])('that is unusual: %s', (_, unusual) => {
    const { ask, recognise } = world();
    const request = { ...requestOf(), ...unusual } as unknown as ReadRequest;
    recognise({}, request);
    expect(ask(request)).toBe(false);
  });

  it('beyond the limit of its table', () => {
    const { ask, recognise, hitPath } = world({ bytesMax: 160_000 });
    for (let n = 0; n < 1_000; n += 1) recognise({}, requestOf(`{"query":"{ a${n} }"}`));
    expect(hitPath.stats.bytes).toBeLessThanOrEqual(160_000);
    expect(ask(requestOf('{"query":"{ a0 }"}'))).toBe(false);
    expect(ask(requestOf('{"query":"{ a999 }"}'))).toBe(true);
  });
});
