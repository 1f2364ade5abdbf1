/**
 * The measure of all others: `node:http`, which reads the body and answers fixed bytes. The second
 * argument is how many bytes; `/?bytes=n` answers another size, for what caches in front of it.
 */
import { createServer } from 'node:http';
import { account, answerTo, idOf, SIZES } from '../workload.ts';
import { port, ready } from './serve.js';

const answers = new Map(Object.values(SIZES).map((bytes) =>
  [bytes, Buffer.from(answerTo({ id: idOf(1), bytes }))]));
let fixed = answers.get(2_000);
process.on('message', ({ bytes } = {}) => {
  if (bytes !== undefined) fixed = answers.get(bytes);
});

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    let body = fixed;
    if (request.method === 'GET') {
      account('');
      body = answers.get(Number(/bytes=(\d+)/.exec(request.url)?.[1])) ?? fixed;
    }
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': body.length,
      'cache-control': 'public, max-age=3600',
    });
    response.end(body);
  });
});
server.listen(port, '127.0.0.1', ready);
