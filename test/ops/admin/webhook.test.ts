import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

  it('changes nothing as a dry run, and may then be sent in earnest', async () => {
    const body = { type: 'all' };
    expect(await (await send(body, { query: '?dry_run=true' })).json())
      .toMatchObject({ dry_run: true, entries: 1 });
    expect(service.holds('ann')).toBe(true);
    expect((await send(body)).status).toBe(200);
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
