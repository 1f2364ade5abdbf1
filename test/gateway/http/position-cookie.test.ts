import { describe, expect, it } from 'vitest';
import { callerReader } from '../../../src/gateway/http/caller-reader.ts';
import {
  COOKIE_NAME, PositionCookie, withoutCookie,
} from '../../../src/gateway/http/position-cookie.ts';
import { positionOf } from '../../../src/invalidation/position.ts';

const cookie = new PositionCookie({ name: 'at', maxStalenessMs: 5_000 });
const plain = { url: 'http://a.example/graphql', headers: new Headers() };

describe('a cookie with the position', () => {
  it.each([
    ['at=17-3', positionOf(17, 3)],
    ['a=1; at=17-3; b=2', positionOf(17, 3)],
    ['at=18-0; at=17-3', positionOf(18, 0)],
    ['at=x; at=17-3', positionOf(17, 3)],
    ['at=x', undefined],
    ['at', undefined],
    ['at=', undefined],
    ['bat=17-3', undefined],
    ['', undefined],
    [null, undefined],
  ])('is read from %j as %j', (header, position) => {
    expect(cookie.read(header)).toBe(position);
  });

  it('is read as it was written', () => {
    const written = cookie.write(positionOf(17, 3), plain);
    expect(cookie.read(written.split(';')[0] ?? '')).toBe(positionOf(17, 3));
  });

  it('is for the browser alone, on this site, and for as long as it is of use', () => {
    expect(cookie.write(positionOf(17, 3), plain))
      .toBe('at=17-3; Path=/; Max-Age=65; HttpOnly; SameSite=Lax');
  });

  it.each([
    ['by https', 'at', { url: 'https://a.example/graphql', headers: new Headers() }],
    ['through a proxy that was asked by https', 'at', {
      url: 'http://a.example/', headers: new Headers({ 'x-forwarded-proto': 'https, http' }),
    }],
    ['by http, with a name that browsers take only so', '__Host-at', plain],
  ])('is Secure where the request came %s', (_, name, request) => {
    const named = new PositionCookie({ name, maxStalenessMs: 0 });
    expect(named.write(positionOf(1, 1), request)).toMatch(/; Secure$/);
  });

  it.each(['a b', 'a;', 'a=', '', '"a"'])('cannot be named %j', (name) => {
    expect(COOKIE_NAME.test(name)).toBe(false);
  });
});

describe('a caller with that cookie', () => {
  const callerOf = callerReader({ propagate: ['cookie', 'x-tenant'], ownCookie: 'at' });

  it('is nobody, where it is all that they have', async () => {
    const caller = await callerOf(new Headers({ cookie: 'at=17-3' }));
    expect([caller.authenticated, caller.forwarded]).toEqual([false, {}]);
  });

  it('is the same one whatever is in it, and without it', async () => {
    const cookies = ['s=1; at=17-3', 's=1; at=18-0', 'at=x; s=1', 's=1'];
    const callers = await Promise.all(
      cookies.map(async (one) => callerOf(new Headers({ cookie: one }))),
    );
    expect(new Set(callers.map(({ ownScope }) => ownScope)).size).toBe(1);
    expect(callers.map(({ forwarded }) => forwarded['cookie'])).toEqual(Array(4).fill('s=1'));
  });

  it('keeps all other cookies', () => {
    expect(withoutCookie('a=1; at=2; atat=3; b="at=4"', 'at')).toBe('a=1; atat=3; b="at=4"');
  });
});
