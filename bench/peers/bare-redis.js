/** The least that a cache in Redis can do: hashes the body, and asks Redis for it. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { account, answerTo } from '../workload.ts';
import { argument, port, ready } from './serve.js';

const redis = new Redis(argument, { enableAutoPipelining: true });

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => void answer(Buffer.concat(chunks), response));
});
server.listen(port, '127.0.0.1', ready);

async function answer(bytes, response) {
  const key = `bare:${createHash('sha256').update(bytes).digest('base64url')}`;
  let body = await redis.getBuffer(key);
  if (body === null) {
    account('');
    body = Buffer.from(answerTo(JSON.parse(bytes.toString()).variables));
    await redis.set(key, body, 'EX', 3_600);
  }
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8', 'content-length': body.length,
  });
  response.end(body);
}
