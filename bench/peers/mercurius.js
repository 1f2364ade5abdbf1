/** mercurius with mercurius-cache, which keeps what resolvers return, and its JIT. */
import Fastify from 'fastify';
import mercurius from 'mercurius';
import cache from 'mercurius-cache';
import { PLAIN_SDL, RESOLVERS } from '../workload.ts';
import { port, ready } from './serve.js';

const app = Fastify({ logger: false, keepAliveTimeout: 600_000 });
app.register(mercurius, {
  schema: PLAIN_SDL,
  resolvers: RESOLVERS,
  jit: 1,
  context: (request) => ({ caller: request.headers.authorization ?? '' }),
});
app.register(cache, {
  ttl: 3_600,
  storage: { type: 'memory', options: { size: 100_000 } },
  policy: {
    Query: {
      account: true,
      mine: { extendKey: (_source, _args, { caller }) => caller },
    },
    Account: { rows: true },
  },
});
await app.listen({ port, host: '127.0.0.1' });
ready();
