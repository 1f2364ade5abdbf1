import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { TOKENS } from '../admin/service.ts';
import { begin, openOperators, run, type Operators } from './operators.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function open(): Promise<Operators> {
  const operators = await openOperators();
  stops.push(() => operators.close());
  return operators;
}

const flagsOf = ({ url }: Operators): string[] => ['--url', url, '--token', TOKENS.admin];

async function purge(operators: Operators, ...args: string[]): Promise<void> {
  expect((await run(['purge', ...args, ...flagsOf(operators)])).code).toBe(0);
}

describe('freshet watch', () => {
  it('shows what is invalidated, from whom and why, until it has shown enough', async () => {
    const operators = await open();
    const filter = ['--pattern', 'user:*', '--action', 'Batch'];
    const watching = begin(['watch', ...filter, '--count', '2', '--json', ...flagsOf(operators)]);
    await until(() => watching.out().includes('"begin"'), { what: 'it watches' });
    await purge(operators, 'user:1', '--reason', 'wrong');
    await purge(operators, 'post:1');
    await purge(operators, 'user:*');
    await purge(operators, 'user:2', 'user:3');
    const { code, out, err } = await watching.ended;
    expect([code, err]).toEqual([0, '']);
    expect(out.trim().split('\n').map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { event: 'begin', position: expect.any(String) },
      { event: 'purge', keys: ['user:1'], actor: 'the-admin', reason: 'wrong' },
      { event: 'purge', keys: ['user:2', 'user:3'], reason: null },
    ]);
  });

  it('shows people a line each, without control characters of others', async () => {
    const operators = await open();
    const watching = begin(['watch', '--count', '1', ...flagsOf(operators)]);
    // Nothing is printed before the first purge.
    await until(async () => {
      await purge(operators, 'user:1', '--by', 'ticket 7', '--reason', 'wrong name');
      return watching.out() !== '';
    }, { what: 'something is shown', everyMs: 50 });
    expect((await watching.ended).out).toMatch(
      /^\S+Z {2}\d+-\d+ {2}Batch user:1 {2}by the-admin for ticket 7 from freshet: wrong name\n$/,
    );
  });

  it.each([
    [['--action', 'delete'], '--action: one of Delete, Update, Batch, Pattern was required'],
    [['--count', '0'], '--count: a whole number from 1'],
    [['--pattern', '/(/'], 'Pattern:'],
    [['user:*'], 'watch: only flags were required'],
  ])('refuses %j', async (args, message) => {
    const operators = await open();
    const { code, err } = await run(['watch', ...args, ...flagsOf(operators)]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it('connects again where the node has gone, and says what it may have missed', async () => {
    const responses: ServerResponse[] = [];
    const server: Server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const position = `9-${responses.push(response)}`;
      response.write(`event: begin\ndata: {"position":"${position}"}\n\n: alive\n\n`);
    }).listen(0, '127.0.0.1');
    stops.push(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const watching = begin(['watch', '--count', '1', '--url', url]);
    await until(() => responses.length === 1, { what: 'it watches' });
    responses[0]?.destroy();
    await until(() => responses.length === 2, { what: 'it watches again' });
    responses[1]?.write('event: missed\ndata: {"count":3,"from":"1-1","to":"1-3"}\n\n' +
      `event: purge\ndata: ${JSON.stringify({
        position: '9-3', action: 'Delete', keys: ['user:\u001b[31m'], keys_count: 1, pattern: null,
        cascade: [], created: true, soft: true, caching: null, caching_type: null,
        source: 'shop\u0007', actor: null, reason: null, request_id: null, triggered_by: null,
        timestamp: 'then', logged_at: '2026-11-21T10:00:00.000Z',
      })}\n\n`);
    const { code, out, err } = await watching.ended;
    expect(code).toBe(0);
    expect(err).toMatch(/connected again; what came after 9-1 and up to 9-2 was not shown\n$/);
    expect(out).toBe('-- missed: 3 records, because this was read too slowly\n' +
      '2026-11-21T10:00:00.000Z  9-3  Delete soft created user:?[31m  from shop?\n');
  });
});
