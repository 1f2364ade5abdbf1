import { generateKeyPair, exportJWK, SignJWT } from 'jose';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/invalidation/clock.ts';
import { codeOf, openService, TOKENS, type Asking, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service.close());

const PATTERN = '/invalidate/pattern';

describe('what is asked wrongly', () => {
  it.each<[string, string, Asking, [number, string]]>([
    ['no token', PATTERN, { body: { pattern: 'a' } }, [401, 'TOKEN_REQUIRED']],
    ['another token', PATTERN, { token: 'x', body: { pattern: 'a' } }, [401, 'TOKEN_REQUIRED']],
    ['no JSON', PATTERN, { body: '{' }, [400, 'REQUEST_INVALID']],
    ['no object', PATTERN, { body: [] }, [400, 'REQUEST_INVALID']],
    ['no pattern', PATTERN, { body: {} }, [400, 'REQUEST_INVALID']],
    ['an empty pattern', PATTERN, { body: { pattern: '' } }, [400, 'REQUEST_INVALID']],
    ['a long pattern', PATTERN, { body: { pattern: 'x'.repeat(10_240) } },
      [400, 'REQUEST_INVALID']],
    ['too many stars', PATTERN, { body: { pattern: 'a*'.repeat(17) } }, [400, 'PATTERN_INVALID']],
    ['no expression', PATTERN, { body: { pattern: '/(/' } }, [400, 'PATTERN_INVALID']],
    ['a member that is not known', PATTERN, { body: { pattern: 'a', patern: 'b' } },
      [400, 'REQUEST_INVALID']],
    ['no keys', '/invalidate/key', { body: { keys: [] } }, [400, 'REQUEST_INVALID']],
    ['too many keys', '/invalidate/key', { body: { keys: Array(1_001).fill('a') } },
      [400, 'REQUEST_INVALID']],
    ['a star in a key', '/invalidate/key', { body: { keys: ['user:*'] } },
      [400, 'REQUEST_INVALID']],
    ['a number as key', '/invalidate/key', { body: { keys: [1] } }, [400, 'REQUEST_INVALID']],
    ['a path as type', '/invalidate/type', { body: { type: 'a:b' } }, [400, 'REQUEST_INVALID']],
    ['a line break', PATTERN, { body: { pattern: 'a', reason: 'a\nb' } },
      [400, 'REQUEST_INVALID']],
    ['a request_id with a blank', PATTERN, { body: { pattern: 'a', request_id: 'a b' } },
      [400, 'REQUEST_INVALID']],
    ['a body where none is', '/admin/cache/clear', { method: 'DELETE', body: {} },
      [400, 'REQUEST_INVALID']],
    ['a query where none is', '/admin/cache/stats?dry_run=true', {}, [400, 'REQUEST_INVALID']],
    ['a form', PATTERN, {
      body: 'pattern=a', headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }, [415, 'MEDIA_TYPE_UNSUPPORTED']],
    ['plain text, as pages may send', PATTERN, {
      body: '{"pattern":"a"}', headers: { 'content-type': 'text/plain' },
    }, [415, 'MEDIA_TYPE_UNSUPPORTED']],
    ['another method', PATTERN, { method: 'PUT' }, [405, 'METHOD_NOT_ALLOWED']],
    ['a preflight', PATTERN, { method: 'OPTIONS' }, [405, 'METHOD_NOT_ALLOWED']],
    ['another path', '/invalidate', {}, [404, 'PATH_UNKNOWN']],
  ])('%s', async (name, path, asking, refusal) => {
    const token = name.endsWith('token') ? {} : { token: TOKENS.admin };
    expect(await codeOf(await service.ask(path, { ...token, ...asking }))).toEqual(refusal);
    expect(service.records).toEqual([]);
  });

  it('is not repeated in the refusal', async () => {
    const body = { pattern: 'a', 'sesame-open': 1, reason: 7 };
    const response = await service.ask(PATTERN, { token: TOKENS.admin, body });
    expect(await response.text()).not.toMatch(/sesame|7/);
  });

  it('is limited for each token, and for all who have none', async () => {
    const limited = await openService({ config: { adminRequestsPerMinuteMax: 2 } });
    const asks = (token: string): Promise<Response> =>
      limited.ask('/admin/cache/switch', { token });
    for (const token of ['wrong', TOKENS.read]) {
      await asks(token);
      await asks(token);
      const refused = await asks(token);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(await codeOf(refused)).toEqual([429, 'RATE_LIMITED']);
    }
    expect((await asks(TOKENS.purge)).status).toBe(200);
    await limited.close();
  });
});

describe('a JWT', () => {
  it('lets in whom its issuer gave a role, until it expires', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const keys = { keys: [{ ...await exportJWK(publicKey), kid: 'k', alg: 'ES256' }] };
    const server = createServer((_, response) => response.end(JSON.stringify(keys)))
      .listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const adminJwt = {
      jwksUrl: `http://127.0.0.1:${port}/`, issuer: 'https://login.example', audience: 'freshet',
    };
    let aheadMs = 0;
    const clock = { ...systemClock, wall: () => systemClock.wall() + aheadMs };
    const guarded = await openService({ config: { adminJwt }, clock });
    const tokenWith = (claims: object, audience = 'freshet'): Promise<string> =>
      new SignJWT({ sub: 'ann', ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .setIssuer('https://login.example').setAudience(audience).setExpirationTime('5 min')
        .sign(privateKey);
    const body = { keys: ['user:1'] };
    const asks = async (token: string): Promise<number> =>
      (await guarded.ask('/invalidate/key', { token, body })).status;

    const purger = await tokenWith({ roles: ['staff', 'purge'] });
    expect(await asks(purger)).toBe(200);
    expect(guarded.records.at(-1)?.message.metadata?.actor).toBe('jwt:ann');
    expect(await asks(await tokenWith({ roles: 'read' }))).toBe(403);
    expect(await asks(await tokenWith({ roles: ['staff'] }))).toBe(401);
    expect(await asks(await tokenWith({ roles: 'admin' }, 'another'))).toBe(401);
    expect(await asks(`${purger.slice(0, -4)}AAAA`)).toBe(401);
    aheadMs = 301_000;
    expect(await asks(purger)).toBe(401);
    await guarded.close();
    server.close();
  });
});
