/** The resolvers of `schema/notifications.graphql`: nobody is shown what is for somebody else. */
import DataLoader from 'dataloader';
import { perRequest, type Context } from '../context.ts';
import { keysOf } from '../input.ts';
import { connectionOf, readPage } from '../page.ts';
import { rejection } from '../rejection.ts';
import { idOf, type Reference } from '../subgraph.ts';
import type { NotificationRow, NotificationStorage } from './storage.ts';
import type { Resolvers } from './types.generated.ts';

export function notificationResolvers(storage: NotificationStorage): Resolvers {
  const loader = notificationLoader(storage);
  return {
    Query: {
      notifications: async (_, { userId, ...args }, context) => {
        const page = readPage(args);
        await requireCaller(context, userId);
        return connectionOf(context.count(await storage.page(Number(userId), page)), page);
      },
    },
    Notification: {
      __resolveReference: async (reference, context) => {
        const caller = await context.caller();
        const notification = await loader(context).load(idOf(reference));
        return caller?.userId === notification?.userId ? notification : null;
      },
      user: ({ userId }) => ({ id: userId }),
      actor: ({ actorId }) => ({ id: actorId }),
      post: ({ postId }) => referenceTo(postId),
      comment: ({ commentId }) => referenceTo(commentId),
    },
  };
}

async function requireCaller(context: Context, userId: string): Promise<void> {
  const caller = await context.caller();
  if (caller === undefined) throw rejection('UNAUTHENTICATED', 'A valid token was required.');
  if (caller.userId !== userId) {
    throw rejection('FORBIDDEN', 'userId: the caller\'s own id was required, got another.');
  }
}

function notificationLoader(storage: NotificationStorage) {
  return perRequest(() => new DataLoader<string, NotificationRow | null>(async (ids) => {
    const rows = await storage.byKeys(keysOf(ids));
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  }));
}

function referenceTo(id: string | null): Reference | null {
  return id === null ? null : { id };
}
