import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { callerReader, type CallerReaderOptions } from '../../../src/gateway/http/caller-reader.ts';
import { ANONYMOUS, type Caller } from '../../../src/gateway/http/caller.ts';
import { entityTag } from '../../../src/invalidation/tag.ts';
import { ManualClock } from '../../support/manual-clock.ts';

type Given = Record<string, string>;

function read(given: Given, options?: CallerReaderOptions): Caller | Promise<Caller> {
  return callerReader(options)(new Headers(given));
}

describe('what of a request reaches a subgraph', () => {
  it('is nothing but the headers that are named, whatever their case', () => {
    const given = { Authorization: 'Basic x', Cookie: 'a=1', 'X-Tenant': 'acme', 'X-Other': 'y' };
    expect(read(given)).toMatchObject({ forwarded: { authorization: 'Basic x' } });
    const named = read(given, { propagate: ['X-TENANT', 'cookie', 'x-tenant'] });
    expect(named).toMatchObject({ forwarded: { 'x-tenant': 'acme', cookie: 'a=1' } });
  });

  it('is nothing for somebody who sends none of them', () => {
    expect(read({ 'x-other': 'y' })).toEqual(ANONYMOUS);
    expect(read({ authorization: '  ' })).toEqual(ANONYMOUS);
  });

  it('is never a header that belongs to one connection, or to the message', () => {
    const names = [
      'Connection', 'TE', 'Upgrade', 'Transfer-Encoding', 'Keep-Alive', 'Proxy-Authorization',
      'Host', 'Content-Length', 'Accept', 'a b', '',
    ];
    for (const name of names) {
      expect(() => callerReader({ propagate: [name] })).toThrow(expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(JSON.stringify(name.toLowerCase())),
      }));
    }
  });

  it('is not a header that the client marks as meant for this hop alone', () => {
    // A Headers object refuses nothing here, yet a browser would.
    const given = new Map([['authorization', 'Bearer t'], ['connection', 'close, Authorization']]);
    const caller = callerReader()({ get: (name) => given.get(name) ?? null });
    expect(caller).toEqual(ANONYMOUS);
  });

  it('is all that is named where nothing is sent on, whatever the client marks it as', () => {
    const caller = read(
      { authorization: 'Bearer t', connection: 'authorization', host: 'a.example' },
      { propagate: ['authorization', 'Host'], sentOn: false },
    );
    expect(caller).toMatchObject({
      authenticated: true,
      forwarded: { authorization: 'Bearer t', host: 'a.example' },
    });
  });

  it('is bounded in size', () => {
    const options = { headerBytesMax: 100 };
    expect(() => read({ authorization: 'x'.repeat(100) }, options))
      .toThrow(expect.objectContaining({ code: 'HEADERS_TOO_LARGE', status: 431 }));
    expect(read({ authorization: 'x'.repeat(80) }, options)).toMatchObject({ authenticated: true });
  });
});

describe('the scope of a caller', () => {
  const PROPAGATE = { propagate: ['authorization', 'x-tenant'] };
  const one = read({ authorization: 'Bearer a', 'x-tenant': 'acme' }, PROPAGATE) as Caller;

  it('is shared by those whose headers differ in credentials alone', () => {
    const other = read({ authorization: 'Bearer b', 'x-tenant': 'acme' }, PROPAGATE) as Caller;
    const anonymous = read({ 'x-tenant': 'acme' }, PROPAGATE) as Caller;
    expect(one.authenticated).toBe(true);
    expect(anonymous.authenticated).toBe(false);
    expect(new Set([one, other, anonymous].map(({ sharedScope }) => sharedScope)).size).toBe(1);
    expect(new Set([one, other, anonymous].map(({ ownScope }) => ownScope)).size).toBe(3);
  });

  it('is not shared where another header differs', () => {
    const other = read({ authorization: 'Bearer a', 'x-tenant': 'umbrella' }, PROPAGATE) as Caller;
    expect(other.sharedScope).not.toBe(one.sharedScope);
    expect(other.ownScope).not.toBe(one.ownScope);
  });

  it('does not depend on the order of the configuration, and holds no secret', () => {
    const propagate = PROPAGATE.propagate.toReversed();
    const other = read({ 'x-tenant': 'acme', authorization: 'Bearer a' }, { propagate });
    expect(other).toEqual(one);
    expect(one.ownScope).not.toContain('Bearer');
  });

  it('counts the headers as credentials that the configuration says', () => {
    const options = { propagate: ['x-api-key'], credentials: ['X-Api-Key'] };
    expect(read({ 'x-api-key': 'k' }, options)).toMatchObject({
      authenticated: true, sharedScope: '',
    });
    expect(read({ 'x-api-key': 'k' }, { propagate: ['x-api-key'] }))
      .toMatchObject({ authenticated: false, sharedScope: expect.stringMatching(/./) });
  });
});

const SECRET = 'a secret of enough length for any HMAC, which is 64 bytes or more .';
const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0)) await close();
});

describe('a caller with a signed token', () => {
  const clock = new ManualClock();
  const inSeconds = (seconds: number): number => Math.floor(clock.wall() / 1000) + seconds;

  function signed(payload: JWTPayload, secret = SECRET): Promise<string> {
    return new SignJWT({ iss: 'auth', exp: inSeconds(60), ...payload })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(secret));
  }

  function reader(token: NonNullable<CallerReaderOptions['token']> = { secret: SECRET }) {
    const read = callerReader({ propagate: ['authorization', 'x-tenant'], token, clock });
    return async (jwt: string, headers: Given = {}): Promise<Caller> =>
      read(new Headers({ authorization: `Bearer ${jwt}`, ...headers }));
  }

  it('is told by the claims that matter, whichever token bears them', async () => {
    const callerOf = reader();
    const base = { sub: 'u1', roles: ['admin'], sid: 's/1' };
    const first = await callerOf(await signed({ ...base, exp: inSeconds(30), jti: '1' }));
    const renewed = await callerOf(await signed({ ...base, exp: inSeconds(90), jti: '2' }));
    expect(renewed.ownScope).toBe(first.ownScope);
    expect(first.tags).toEqual([entityTag('session', 's/1')]);
    expect(first.validForMs).toBe(30_000);
    expect(renewed.validForMs).toBe(90_000);
    expect(first.forwarded['authorization']).toMatch(/^Bearer ey/);
  });

  it('is another with other claims, another issuer, or other headers beside', async () => {
    const callerOf = reader();
    const callers = await Promise.all([
      callerOf(await signed({ sub: 'u1' })),
      callerOf(await signed({ sub: 'u2' })),
      callerOf(await signed({ sub: 'u1', roles: ['admin'] })),
      callerOf(await signed({ sub: 'u1', iss: 'elsewhere' })),
      callerOf(await signed({ sub: 'u1' }), { 'x-tenant': 'acme' }),
    ]);
    expect(new Set(callers.map(({ ownScope }) => ownScope)).size).toBe(5);
    expect(callers[0]?.tags).toEqual([]);
  });

  it('has a token that ends while it is known', async () => {
    const callerOf = reader();
    const jwt = await signed({ sub: 'u1', exp: inSeconds(10) });
    const early = await callerOf(jwt);
    expect(early.validForMs).toBe(10_000);
    clock.advance(4_000);
    expect((await callerOf(jwt)).validForMs).toBe(6_000);
    expect(early.validForMs).toBe(6_000);
    clock.advance(6_000);
    expect(await callerOf(jwt)).toMatchObject({ validForMs: 0, tags: [] });
  });

  it.each([
    ['forged', async () => signed({ sub: 'u1', sid: 's1' }, `${SECRET}!`)],
    ['expired', async () => signed({ sub: 'u1', sid: 's1', exp: inSeconds(-1) })],
    ['not yet valid', async () => signed({ sub: 'u1', sid: 's1', nbf: inSeconds(30) })],
    ['of another issuer', async () => signed({ sub: 'u1', sid: 's1', iss: 'evil' })],
    ['of another audience', async () => signed({ sub: 'u1', sid: 's1', aud: 'evil' })],
    ['unsigned', async () => `${b64({ alg: 'none' })}.${b64({ iss: 'auth', sub: 'u1' })}.`],
    ['no JWT', async () => 'abc.def'],
    ['two tokens', async () => `${await signed({ sub: 'u1' })}, Bearer b`],
  ])('believes nothing of a token that is %s, and passes it on', async (_what, make) => {
    const callerOf = reader({ secret: SECRET, issuer: 'auth', audience: 'api' });
    const good = await callerOf(await signed({ sub: 'u1', sid: 's1', aud: 'api' }));
    expect(good.validForMs).toBeGreaterThan(0);
    const jwt = await make();
    const caller = await callerOf(jwt);
    expect(caller).toMatchObject({ authenticated: true, validForMs: 0, tags: [] });
    expect(caller.ownScope).not.toBe(good.ownScope);
    expect(caller.forwarded['authorization']).toBe(`Bearer ${jwt}`);
  });

  function b64(value: object): string {
    return Buffer.from(JSON.stringify(value)).toString('base64url');
  }

  it('is told by a token signed with one of a set of keys, but not with a public key', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' };
    const callerOf = reader({ jwks: { keys: [jwk] } });
    const jwt = await new SignJWT({ sub: 'u1', exp: inSeconds(60) })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(privateKey);
    expect((await callerOf(jwt)).validForMs).toBe(60_000);
    const confused = await new SignJWT({ sub: 'u1', exp: inSeconds(60) })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .sign(new TextEncoder().encode(JSON.stringify(jwk)));
    expect((await callerOf(confused)).validForMs).toBe(0);
  });

  it('waits for the keys of an issuer that is down only once in a while', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const keys: JWK[] = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }];
    let up = false;
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      if (up) response.end(JSON.stringify({ keys }));
      else response.writeHead(503).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closes.push(() => server.close());
    const port = (server.address() as AddressInfo).port;
    const callerOf = reader({ jwksUrl: `http://127.0.0.1:${port}/jwks` });
    const jwtOf = (sub: string): Promise<string> => new SignJWT({ sub, exp: inSeconds(60) })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(privateKey);
    const tokens = await Promise.all(['u1', 'u1', 'u2', 'u3'].map(jwtOf));
    for (const token of tokens) expect((await callerOf(token)).validForMs).toBe(0);
    expect(asked).toBe(1);
    up = true;
    clock.advance(5_000);
    for (const token of tokens) expect((await callerOf(token)).validForMs).toBe(55_000);
    expect(asked).toBe(2);
  });

  it('is read as anyone else where the scheme is not Bearer', async () => {
    const read = callerReader({ token: { secret: SECRET }, clock });
    expect(read(new Headers({ authorization: 'Basic x' }))).toMatchObject({
      authenticated: true, validForMs: Number.POSITIVE_INFINITY,
    });
    expect(read(new Headers())).toEqual(ANONYMOUS);
  });

  it.each([
    ['no key', {}],
    ['two keys', { secret: 'x', jwksUrl: 'http://auth/' }],
    ['an empty secret', { secret: '' }],
    ['a URL that is none', { jwksUrl: 'auth' }],
    ['keys that are none', { jwks: { keys: 'hunter2' } as never }],
  ])('is not configured with %s', (_what, token) => {
    expect(() => callerReader({ token })).toThrow(expect.objectContaining({
      code: 'CONFIG_INVALID', message: expect.not.stringContaining('hunter2'),
    }));
  });
});
