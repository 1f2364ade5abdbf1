/** content: posts and comments. Where a user was deleted, what they wrote goes too. */
import { readEntityMessage } from '../entity-message.ts';
import type { Service, ServiceParts } from '../service.ts';
import { readSdl, subgraphSchema } from '../subgraph.ts';
import { Announcements } from './announcements.ts';
import { contentResolvers } from './resolvers.ts';
import { ContentStorage } from './storage.ts';

export async function startContent({ database, publisher }: ServiceParts): Promise<Service> {
  const storage = await ContentStorage.open(database);
  const announcements = new Announcements(publisher);
  return {
    schema: subgraphSchema(readSdl('content'), contentResolvers({ storage, announcements })),
    async onMessage(message) {
      const entity = readEntityMessage(message);
      if (entity?.type !== 'user' || entity.change !== 'deleted') return;
      await announcements.removed(await storage.deleteAuthor(entity.key));
    },
  };
}
