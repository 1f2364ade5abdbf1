import { describe, expect, it } from 'vitest';
import type { FreshetOptions } from '../../../src/gateway/config/config.ts';
import type { AdminOptions } from '../../../src/ops/admin/app.ts';
import type { Health } from '../../../src/ops/admin/health.ts';
import { codeOf, openService } from './service.ts';

const READY: Health = { notReadyBecause: undefined, hearing: true };
const TOKEN = 'a-token-of-operators';

async function ask(
  path: string,
  { headers = {}, config = {}, ...admin }: Partial<Omit<AdminOptions, 'config'>> & {
    headers?: Record<string, string>;
    config?: Partial<FreshetOptions>;
  } = {},
): Promise<Response> {
  const service = await openService({
    config: { adminTokens: [], ...config },
    admin: {
      health: () => READY,
      stats: async () => ({
        processId: 7, version: '1', ready: true, uptimeSeconds: 2, memoryBytes: 3,
        gateway: undefined,
      }),
      ...admin,
    },
  });
  try {
    return await service.ask(path, { headers });
  } finally {
    await service.close();
  }
}

describe("the operators' app", () => {
  it('says that the process lives', async () => {
    expect(await (await ask('/healthz')).json()).toEqual({ status: 'alive' });
  });

  it('is ready without hearing the log, and says so', async () => {
    const health = (): Health => ({ notReadyBecause: undefined, hearing: false });
    const response = await ask('/readyz', { health });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ status: 'ready', hearing: false });
  });

  it('answers 503 with the reason while it is not ready', async () => {
    const health = (): Health => ({ notReadyBecause: 'starting', hearing: undefined });
    const response = await ask('/readyz', { health });
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: 'not ready', reason: 'starting' });
  });

  it('shows its figures', async () => {
    expect(await (await ask('/stats')).json())
      .toEqual({ processId: 7, version: '1', ready: true, uptimeSeconds: 2, memoryBytes: 3 });
  });

  it('answers what it does not know with 404, and says what there is', async () => {
    const response = await ask('/nothing');
    const { errors: [{ message }] } = await response.clone().json() as {
      errors: [{ message: string }];
    };
    expect(await codeOf(response)).toEqual([404, 'PATH_UNKNOWN']);
    expect(message).toMatch(/\/healthz.*\/readyz.*\/stats/);
  });
});

describe("access to the operators' app", () => {
  it.each([
    ['none', undefined],
    ['another', `Bearer ${TOKEN.slice(0, -1)}x`],
    ['a shorter one', 'Bearer a'],
    ['one of another scheme', `Basic ${TOKEN}`],
    ['more than one', `Bearer ${TOKEN} ${TOKEN}`],
  ])('wants the token for all but health, and refuses %s', async (_, authorization) => {
    const headers: Record<string, string> = authorization ? { authorization } : {};
    const options = { config: { adminToken: TOKEN }, headers };
    const refused = await ask('/stats', options);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await codeOf(refused)).toEqual([401, 'TOKEN_REQUIRED']);
    expect((await ask('/nothing', options)).status).toBe(401);
    expect((await ask('/healthz', options)).status).toBe(200);
    expect((await ask('/readyz', options)).status).toBe(200);
  });

  it('lets whoever bears the token in, under any name', async () => {
    const headers = { authorization: `bearer ${TOKEN}`, host: 'operators.example' };
    expect((await ask('/stats', { config: { adminToken: TOKEN }, headers })).status).toBe(200);
  });

  it.each(['127.0.0.1:4001', '[::1]:4001', 'localhost'])('needs no token on %s', async (host) => {
    expect((await ask('/stats', { headers: { host } })).status).toBe(200);
  });

  it.each(['evil.example', 'localhost.evil.example:4001', '127.0.0.1.evil.example', ''])(
    'without a token refuses a page that has made its own name %j point here',
    async (host) => {
      expect(await codeOf(await ask('/stats', { headers: { host } })))
        .toEqual([403, 'HOST_REFUSED']);
    },
  );

  it('without a token lets nobody in in production, but tells its health', async () => {
    const config = { adminOpen: false };
    expect(await codeOf(await ask('/stats', { config }))).toEqual([401, 'TOKEN_REQUIRED']);
    expect((await ask('/healthz', { config })).status).toBe(200);
  });

  it('refuses pages of other origins, and answers none of their questions before', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://localhost:4002']) {
      const response = await ask('/stats', { headers: { origin } });
      const names = [...response.headers.keys()];
      expect(names.filter((name) => /access-control/.test(name))).toEqual([]);
      expect(await codeOf(response)).toEqual([403, 'ORIGIN_REFUSED']);
    }
    const own = { origin: 'http://localhost:4001' };
    expect((await ask('/stats', { headers: own })).status).toBe(200);
  });
});
