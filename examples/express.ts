/** A service on Express: after each change it says what is stale, and answers. */
import express, { type Express } from 'express';
import type { Publisher } from 'freshet-gateway/invalidation';
import type { Users } from './users.ts';

export function createApp({ users, publisher }: { users: Users; publisher: Publisher }): Express {
  const app = express();
  app.use(express.json());

  app.put('/users/:id', async (request, response) => {
    const { id } = request.params;
    const user = await users.rename(id, (request.body as { name: string }).name);
    if (user === undefined) {
      response.status(404).end();
      return;
    }
    // After the commit, before the answer: whoever has the answer reads what was written.
    await publisher.invalidateUser(id, { action: 'Update', metadata: { version: user.version } });
    response.json(user);
  });

  app.post('/users', async (request, response) => {
    const user = await users.add((request.body as { name: string }).name);
    // A new user is in every list of users.
    await publisher.created('User', user.id);
    response.status(201).json(user);
  });
  return app;
}
