import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { resolveConfig, type FreshetConfig } from '../../src/gateway/config/config.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { systemClock, systemRandom } from '../../src/invalidation/clock.ts';
import { createLogger } from '../../src/ops/logger.ts';
import { startNode, type NodeDependencies } from '../../src/ops/node.ts';

const closers: (() => Promise<unknown>)[] = [];

async function closeAll(): Promise<void> {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
}

afterEach(closeAll);

function configWith(options: object = {}): FreshetConfig {
  const quick = { supergraph: 'unused', port: 0, adminPort: 0, rehearsal: false };
  return resolveConfig({ ...quick, ...options });
}

function gatewayThat(part: Partial<Gateway> = {}): Gateway {
  return {
    handler: (_, response) => response.end('from the gateway'),
    listener: () => false,
    repeats: () => undefined,
    operations: {} as Gateway['operations'],
    explainer: {} as Gateway['explainer'],
    status: () => ({ hears: false, position: '1-0' }) as ReturnType<Gateway['status']>,
    ready: () => true,
    close: async () => undefined,
    ...part,
  };
}

function dependenciesWith(create: NonNullable<NodeDependencies['create']>): NodeDependencies {
  return {
    log: createLogger({ level: 'silent', production: true }),
    clock: systemClock,
    random: systemRandom,
    lifecycle: { onClose: (_, close) => void closers.push(close) },
    version: '1.2.3',
    create,
  };
}

describe('startNode', () => {
  it('serves the gateway to clients, and its state to operators', async () => {
    const node = await startNode(configWith(), dependenciesWith(async () => gatewayThat()));
    expect(node.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/graphql$/);
    expect(await (await fetch(node.url)).text()).toBe('from the gateway');
    expect(await (await fetch(`${node.adminUrl}/readyz`)).json())
      .toEqual({ status: 'ready', hearing: false });
    expect(await (await fetch(`${node.adminUrl}/stats`)).json()).toMatchObject({
      version: '1.2.3',
      memoryBytes: expect.any(Number),
      gateway: { position: '1-0' },
    });
  });

  it('can be seen starting: alive, not ready', async () => {
    const { promise: created, resolve: create } = Promise.withResolvers<Gateway>();
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port: adminPort } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const starting = startNode(configWith({ adminPort }), dependenciesWith(() => {
      enter();
      return created;
    }));
    await entered;
    const base = `http://127.0.0.1:${adminPort}`;
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    const notReady = await fetch(`${base}/readyz`);
    expect([notReady.status, await notReady.json()])
      .toEqual([503, { status: 'not ready', reason: 'starting' }]);
    create(gatewayThat());
    await starting;
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
  });

  it('closes the door first, then the gateway, and is not ready meanwhile', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const events: string[] = [];
    const node = await startNode(configWith(), dependenciesWith(async () => gatewayThat({
      handler: async (_, response) => {
        enter();
        await held;
        events.push('answered');
        response.end();
      },
      close: async () => void events.push('gateway closed'),
    })));
    const answer = fetch(node.url);
    await entered;
    const closed = closeAll();
    const notReady = await fetch(`${node.adminUrl}/readyz`);
    expect([notReady.status, await notReady.json()])
      .toEqual([503, { status: 'not ready', reason: 'not listening', hearing: false }]);
    release();
    expect((await answer).status).toBe(200);
    await closed;
    expect(events).toEqual(['answered', 'gateway closed']);
    await expect(fetch(`${node.adminUrl}/healthz`)).rejects.toThrow();
  });

  it('leaves nothing open when the gateway cannot be made or its port is taken', async () => {
    let adminUrl = '';
    const failing = dependenciesWith(async () => {
      throw new Error('no supergraph');
    });
    await expect(startNode(configWith(), failing)).rejects.toThrow('no supergraph');
    await closeAll();

    const node = await startNode(configWith(), dependenciesWith(async () => gatewayThat()));
    adminUrl = node.adminUrl;
    const port = Number(new URL(node.url).port);
    await expect(startNode(configWith({ port }), dependenciesWith(async () => gatewayThat())))
      .rejects.toMatchObject({ code: 'PORT_IN_USE' });
    await closeAll();
    await expect(fetch(`${adminUrl}/healthz`)).rejects.toThrow();
  });
});
