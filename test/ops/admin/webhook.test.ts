import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import type { Log } from '../../../src/invalidation/log.ts';
import { until } from '../../support/until.ts';
import { codeOf, openService, SECRET, signatureOf, type Service } from './service.ts';

let service: Service;
beforeEach(async () => {
  service = await openService();
  service.fill('ann', 'user:1');
});
afterEach(() => service.close());

function send(
  body: unknown,
  { headers, query = '' }: { headers?: Record<string, string>; query?: string } = {},
): Promise<Response> {
  const text = JSON.stringify(body);
  return service.ask(`/webhook/invalidate${query}`, {
    body: text, headers: headers ?? signatureOf(text),
  });
}

describe('a webhook', () => {
  it.each([
    { type: 'key', keys: ['user:1'] },
    { type: 'pattern', pattern: 'us*' },
    { type: 'type', entity_type: 'User' },
    { type: 'all' },
  ])('that is signed ends %j, without a token', async (body) => {
    const response = await send({ ...body, reason: 'from afar' });
    expect([response.status, await response.json()])
      .toEqual([200, expect.objectContaining({ success: true, position: expect.any(String) })]);
    expect(service.holds('ann')).toBe(false);
    expect(service.records.at(-1)?.message.metadata)
      .toMatchObject({ actor: 'webhook', reason: 'from afar' });
  });

  it('is a dry run where what is signed says so, as often as it is sent', async () => {
    const body = { type: 'all', dry_run: true };
    const headers = signatureOf(JSON.stringify(body));
    for (let time = 0; time < 2; time += 1) {
      expect(await (await send(body, { headers })).json())
        .toMatchObject({ dry_run: true, entries: 1 });
    }
    expect([service.records, service.holds('ann')]).toEqual([[], true]);
    expect((await send({ type: 'all', dry_run: false })).status).toBe(200);
    expect(service.holds('ann')).toBe(false);
  });

  it.each(['true', 'false'])('is refused with dry_run=%s where nobody signed it', async (said) => {
    for (const body of [{ type: 'all' }, { type: 'all', dry_run: true }]) {
      const response = await send(body, { query: `?dry_run=${said}` });
      expect(await response.clone().text()).toContain('member of the signed body');
      expect(await codeOf(response)).toEqual([400, 'REQUEST_INVALID']);
    }
    expect([service.records, service.holds('ann')]).toEqual([[], true]);
  });

  it('of a dry run is never made one in earnest', async () => {
    const headers = signatureOf(JSON.stringify({ type: 'all', dry_run: true }));
    expect((await send({ type: 'all', dry_run: true }, { headers })).status).toBe(200);
    for (const body of [{ type: 'all' }, { type: 'all', dry_run: false }]) {
      expect(await codeOf(await send(body, { headers }))).toEqual([401, 'SIGNATURE_INVALID']);
    }
    expect([service.records, service.holds('ann')]).toEqual([[], true]);
  });

  const all = JSON.stringify({ type: 'all' });
  it.each<[string, Record<string, string>]>([
    ['no signature', {}],
    ['a form of its own', { 'freshet-signature': 'sha256=abc' }],
    ['a token in its place', { authorization: 'Bearer token-of-an-admin' }],
    ['the signature of another body', signatureOf('{"type":"key"}')],
    ['another secret', signatureOf(all, { secret: `${SECRET}x` })],
    ['an old time', signatureOf(all, { at: Date.now() - 302_000 })],
    ['a time to come', signatureOf(all, { at: Date.now() + 303_000 })],
    ['the time of another signature', {
      'freshet-signature': `t=${Math.floor(Date.now() / 1_000) - 7},${
        signatureOf(all)['freshet-signature']?.split(',')[1] ?? ''}`,
    }],
  ])('is refused with %s', async (_, headers) => {
    expect(await codeOf(await send({ type: 'all' }, { headers })))
      .toEqual([401, 'SIGNATURE_INVALID']);
    expect(service.holds('ann')).toBe(true);
  });

  it('is refused the second time, and where it says nothing that is known', async () => {
    const headers = signatureOf(all);
    expect((await send({ type: 'all' }, { headers })).status).toBe(200);
    expect(await codeOf(await send({ type: 'all' }, { headers })))
      .toEqual([409, 'SIGNATURE_REPLAYED']);
    expect(service.records).toHaveLength(1);
    expect(await codeOf(await send({ type: 'none' }))).toEqual([400, 'REQUEST_INVALID']);
  });

  it('is one record where another node takes a copy before it has heard of the first', async () => {
    const log = new MemoryLog();
    const heard = Promise.withResolvers<void>();
    const held = (until: Promise<void>): Log => ({
      append: (message, options) => log.append(message, options),
      async *follow(options) {
        for await (const event of log.follow(options)) {
          if (event.kind === 'records') await until;
          yield event;
        }
      },
      close: async () => undefined,
    });
    const [one, two] = await Promise.all([
      openService({ log: held(Promise.resolve()) }), openService({ log: held(heard.promise) }),
    ]);
    const asking = { body: all, headers: signatureOf(all) };
    const answers = await Promise.all([one, two].map(async (node) => {
      const response = await node.ask('/webhook/invalidate', asking);
      return await response.json() as Record<string, unknown>;
    }));
    expect(answers[0]).toMatchObject({ success: true, request_id: expect.any(String) });
    expect(answers[1]?.['position']).toBe(answers[0]?.['position']);
    heard.resolve();
    await until(() => two.records.length > 0, { what: 'the other node has heard' });
    expect(two.records).toHaveLength(1);
    for (const node of [one, two]) {
      expect(await codeOf(await node.ask('/webhook/invalidate', asking)))
        .toEqual([409, 'SIGNATURE_REPLAYED']);
    }
    await Promise.all([one.close(), two.close()]);
    await log.close();
  });

  it('may be signed with several secrets, while they are changed', async () => {
    const [, good] = signatureOf(all)['freshet-signature']?.split(',') ?? [];
    const [time, bad] = signatureOf(all, { secret: `${SECRET}x` })['freshet-signature']
      ?.split(',') ?? [];
    const headers = { 'freshet-signature': `${time},${bad},${good}` };
    expect((await send({ type: 'all' }, { headers })).status).toBe(200);
  });

  it('is not taken where no secret is configured', async () => {
    const closed = await openService({ config: { webhook: undefined } });
    const asking = { body: all, headers: signatureOf(all) };
    expect(await codeOf(await closed.ask('/webhook/invalidate', asking)))
      .toEqual([404, 'WEBHOOK_UNCONFIGURED']);
    await closed.close();
  });
});
