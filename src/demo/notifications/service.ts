/** notifications: who commented on your posts and who follows you, learnt from the log. */
import type { InvalidationMessage } from '../../invalidation/message.ts';
import { metadataKey, readEntityMessage } from '../entity-message.ts';
import type { Service, ServiceParts } from '../service.ts';
import { readSdl, subgraphSchema } from '../subgraph.ts';
import { notificationResolvers } from './resolvers.ts';
import {
  commentSource, followSource, NotificationStorage, type NewNotification,
} from './storage.ts';

export async function startNotifications(
  { database, publisher }: ServiceParts,
): Promise<Service> {
  const storage = await NotificationStorage.open(database);
  return {
    schema: subgraphSchema(readSdl('notifications'), notificationResolvers(storage)),
    async onMessage(message) {
      const entity = readEntityMessage(message);
      if (entity?.type === 'user' && entity.change === 'deleted') {
        await storage.deleteAllOf(entity.key);
        await publisher.invalidatePattern(`notification:${entity.key}:*`);
        return;
      }
      const notification = commentNotification(message) ?? followNotification(message);
      if (notification === undefined) return;
      const { id, userId } = await storage.add(notification);
      const metadata = { user_id: userId, cascade: [`notification:${userId}:*`] };
      await publisher.created('Notification', id, metadata);
    },
  };
}

/** For the author of the post, unless it is their own comment. */
function commentNotification(message: InvalidationMessage): NewNotification | undefined {
  const entity = readEntityMessage(message);
  if (entity?.type !== 'comment' || entity.change !== 'created') return undefined;
  const actor = metadataKey(message, 'author_id');
  const post = metadataKey(message, 'post_id');
  const user = metadataKey(message, 'post_author_id');
  if (actor === undefined || post === undefined || user === undefined) return undefined;
  if (actor === user) return undefined;
  const source = commentSource(entity.key);
  return { kind: 'COMMENT', user, actor, post, comment: entity.key, source };
}

function followNotification(message: InvalidationMessage): NewNotification | undefined {
  const entity = readEntityMessage(message);
  const user = metadataKey(message, 'followed_id');
  if (entity?.type !== 'feed' || user === undefined) return undefined;
  const source = followSource(entity.key, user);
  return { kind: 'FOLLOW', user, actor: entity.key, post: null, comment: null, source };
}
