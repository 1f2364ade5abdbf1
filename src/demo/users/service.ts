/** users: who the members are. */
import type { Service, ServiceParts } from '../service.ts';
import { readSdl, subgraphSchema } from '../subgraph.ts';
import { userResolvers } from './resolvers.ts';
import { UserStorage } from './storage.ts';

export async function startUsers({ database, publisher }: ServiceParts): Promise<Service> {
  const storage = await UserStorage.open(database);
  return { schema: subgraphSchema(readSdl('users'), userResolvers({ storage, publisher })) };
}
