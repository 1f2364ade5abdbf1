/**
 * feed: the posts of those whom a user follows. Nobody calls it when a post is written: it hears of
 * that from the invalidation log, as the caches do, and then says itself whose feeds have changed.
 */
import { BATCH_LENGTH_MAX } from '../../invalidation/message.ts';
import type { Publisher } from '../../invalidation/publisher.ts';
import { metadataKey, readEntityMessage } from '../entity-message.ts';
import type { Service, ServiceParts } from '../service.ts';
import { readSdl, subgraphSchema } from '../subgraph.ts';
import { feedResolvers } from './resolvers.ts';
import { FeedStorage } from './storage.ts';

export async function startFeed({ database, publisher }: ServiceParts): Promise<Service> {
  const storage = await FeedStorage.open(database);
  return {
    schema: subgraphSchema(readSdl('feed'), feedResolvers({ storage, publisher })),
    async onMessage(message) {
      const entity = readEntityMessage(message);
      if (entity?.type === 'post' && entity.change === 'created') {
        const author = metadataKey(message, 'author_id');
        if (author === undefined) return;
        await publishFeeds(publisher, await storage.addPost(entity.key, author));
      } else if (entity?.type === 'post' && entity.change === 'deleted') {
        await publishFeeds(publisher, await storage.deletePost(entity.key));
      } else if (entity?.type === 'user' && entity.change === 'deleted') {
        await storage.deleteMember(entity.key);
        const metadata = { cascade: [`feed:${entity.key}:*`] };
        await publisher.invalidateFeed(entity.key, { action: 'Delete', metadata });
      }
    },
  };
}

/** One message, however many followers an author has. */
async function publishFeeds(publisher: Publisher, userIds: readonly string[]): Promise<void> {
  const keys = userIds.flatMap((id) => [`feed:${id}`, `feed:${id}:home`]);
  for (let start = 0; start < keys.length; start += BATCH_LENGTH_MAX) {
    await publisher.invalidateBatch(keys.slice(start, start + BATCH_LENGTH_MAX));
  }
}
