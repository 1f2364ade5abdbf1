/** What the hit path asks each time, with all that it asks made to change. */
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/cache/entry.ts';
import { responseKey } from '../../../src/cache/key.ts';
import { HitPath, type HitPathOptions } from '../../../src/gateway/caching/hit-path.ts';
import { ANONYMOUS, type Caller } from '../../../src/gateway/http/caller.ts';
import type { ReadRequest } from '../../../src/gateway/http/request-body.ts';
import { entryOf, place } from '../../cache/samples.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const KEY = responseKey(['a']);
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

  writeHead(status: number): this {
    this.status = status;
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
  };
  const hitPath = new HitPath({
    tiers: { peek: ({ id }) => (id === KEY.id ? state.entry : undefined) },
    readPath: { used: (...used) => void state.uses.push(used) },
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
        shared: true, public: true, ttlMs: 1, ageMs: 0, tags: [],
        kept: { key: KEY, schemaHash: 'one', earlyExpiry, countsUses },
      },
    });
  };
  const ask = (request = requestOf()): boolean => {
    const sink = new Sink();
    const isTaken = hitPath.listener(request, sink as unknown as ServerResponse);
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
  return { clock, state, hitPath, ask, learn, recognise };
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
    expect([hitPath.isChosen(chosen), hitPath.isChosen(other)]).toEqual([true, false]);
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
    const { ask, recognise, hitPath } = world({ bytesMax: 80_000 });
    for (let n = 0; n < 1_000; n += 1) recognise({}, requestOf(`{"query":"{ a${n} }"}`));
    expect(hitPath.stats.bytes).toBeLessThanOrEqual(80_000);
    expect(ask(requestOf('{"query":"{ a0 }"}'))).toBe(false);
    expect(ask(requestOf('{"query":"{ a999 }"}'))).toBe(true);
  });
});
