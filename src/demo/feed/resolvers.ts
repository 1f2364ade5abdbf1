/** The resolvers of `schema/feed.graphql`. */
import DataLoader from 'dataloader';
import type { Publisher } from '../../invalidation/publisher.ts';
import { perRequest, type Context } from '../context.ts';
import { keyOf, keysOf } from '../input.ts';
import { connectionOf, readPage, type PageRequest } from '../page.ts';
import { notFound, rejection } from '../rejection.ts';
import type { FeedStorage, Follow } from './storage.ts';
import type { MutationResolvers, Resolvers } from './types.generated.ts';

/** A feed, and the page of its posts that was asked for. */
export interface FeedRequest {
  readonly userId: string;
  readonly page: PageRequest;
}

export interface FeedParts {
  readonly storage: FeedStorage;
  readonly publisher: Publisher;
}

const FIRST_PAGE = readPage({ first: 20 });

export function feedResolvers({ storage, publisher }: FeedParts): Resolvers {
  const members = memberLoader(storage);
  const feedOf = async (userId: string, page: PageRequest, context: Context) =>
    await members(context).load(userId) ? { userId, page } : null;
  return {
    Query: {
      feed: (_, { userId, ...page }, context) => feedOf(userId, readPage(page), context),
    },
    Mutation: feedMutations({ storage, publisher }),
    Feed: {
      __resolveReference: ({ userId }, context) =>
        feedOf(typeof userId === 'string' ? userId : '', FIRST_PAGE, context),
      user: ({ userId }) => ({ id: userId }),
      posts: async ({ userId, page }, _, context) =>
        connectionOf(context.count(await storage.page(Number(userId), page)), page),
    },
  };
}

function memberLoader(storage: FeedStorage) {
  return perRequest(() => new DataLoader<string, boolean>(async (ids) => {
    const members = await storage.members(keysOf(ids));
    return ids.map((id) => members.has(keyOf(id) ?? 0));
  }));
}

function feedMutations({ storage, publisher }: FeedParts): MutationResolvers {
  return {
    follow: async (_, { userId, targetId }) => {
      const follow = await readFollow(storage, { userId, targetId });
      if (await storage.follow(follow)) {
        // Notifications listen for `followed_id`.
        const metadata = { cascade: [`feed:${userId}:*`], followed_id: targetId };
        await publisher.invalidateFeed(userId, { action: 'Update', metadata });
      }
      return { userId, page: FIRST_PAGE };
    },
    unfollow: async (_, { userId, targetId }) => {
      const follow = await readFollow(storage, { userId, targetId });
      if (await storage.unfollow(follow)) {
        const metadata = { cascade: [`feed:${userId}:*`] };
        await publisher.invalidateFeed(userId, { action: 'Update', metadata });
      }
      return { userId, page: FIRST_PAGE };
    },
  };
}

async function readFollow(
  storage: FeedStorage,
  { userId, targetId }: { userId: string; targetId: string },
): Promise<Follow> {
  if (userId === targetId) {
    throw rejection('BAD_USER_INPUT', 'targetId: another user was required, got the same.');
  }
  const [user = 0, target = 0] = [keyOf(userId), keyOf(targetId)];
  const members = await storage.members([user, target]);
  if (!members.has(user) || !members.has(target)) throw notFound('user');
  return { user, target };
}
