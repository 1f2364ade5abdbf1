import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/ops/logger.ts';

function open(production: boolean) {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', production, write: (line) => void lines.push(line) });
  return { log, lines };
}

describe('the log of a process', () => {
  it('is JSON in production, one line an event', () => {
    const { log, lines } = open(true);
    log.info({ url: 'http://a' }, 'listening');
    log.debug('not asked for');
    expect(lines.map((line) => JSON.parse(line) as object))
      .toEqual([{ level: 'info', time: expect.any(String), url: 'http://a', msg: 'listening' }]);
  });

  it('is readable in development, one line an event', () => {
    const { log, lines } = open(false);
    log.warn({ reason: 'two words\nand a line', count: 2 }, 'lost');
    expect(lines).toHaveLength(1);
    expect(lines[0])
      .toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}lost reason="two words\\nand a line" count=2\n$/);
  });

  it.each([true, false])('never shows a secret (production: %s)', (production) => {
    const { log, lines } = open(production);
    const secrets = { authorization: 'hunter2', cookie: 'hunter2', 'set-cookie': 'hunter2' };
    const options = { password: 'hunter2', secret: 'hunter2', adminToken: 'hunter2' };
    log.error({ headers: secrets, ...secrets, jwt: options, request: secrets, token: 'hunter2' });
    expect(lines.join()).not.toContain('hunter2');
    expect(lines.join()).toContain('(hidden)');
  });

  it.each([true, false])('shows nothing of what a caller sent (production: %s)', (production) => {
    const { log, lines } = open(production);
    const sent = { variables: { email: 'a@b.c' }, body: 'a@b.c', payload: ['a@b.c'] };
    log.warn({ ...sent, request: { method: 'POST', headers: { 'x-mail': 'a@b.c' }, ...sent } });
    expect(lines.join()).not.toContain('a@b.c');
    expect(lines.join()).toContain('POST');
  });

  it('shows the stack of a bug, and of a known fault only what it says', () => {
    const { log, lines } = open(true);
    log.error({ error: new TypeError('a bug') }, 'unexpected');
    log.error({ error: Object.assign(new Error('in use'), { code: 'PORT_IN_USE' }) }, 'known');
    const [bug, known] = lines.map((line) => (JSON.parse(line) as { error: object }).error);
    expect(bug).toMatchObject({ message: 'a bug', stack: expect.stringContaining('logger.test') });
    expect(known).toEqual({ message: 'in use', code: 'PORT_IN_USE' });
  });
});
