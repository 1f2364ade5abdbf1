/**
 * A service on Fastify: its routes collect what they change, and a hook publishes it at once, when
 * the answer is ready and before it leaves.
 */
import fastify, { type FastifyInstance } from 'fastify';
import type { Publisher } from 'freshet-gateway/invalidation';
import type { Users } from './users.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Keys of what the request has changed: `user:7`. */
    stale: string[];
  }
}

export function createApp({ users, publisher }: { users: Users; publisher: Publisher }):
FastifyInstance {
  const app = fastify();
  app.decorateRequest('stale');
  app.addHook('onRequest', async (request) => {
    request.stale = [];
  });
  app.addHook('onSend', async (request) => {
    if (request.stale.length > 0) await publisher.invalidateBatch(request.stale);
  });
  // When the server is closed, what Redis has not taken yet is given a moment to get there.
  app.addHook('onClose', async () => {
    await publisher.close();
  });

  app.put<{ Params: { id: string }; Body: { name: string } }>(
    '/users/:id',
    async (request, reply) => {
      const { id } = request.params;
      const user = await users.rename(id, request.body.name);
      if (user === undefined) return reply.code(404).send();
      request.stale.push(`user:${id}`);
      return user;
    },
  );
  return app;
}
