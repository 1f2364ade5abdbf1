/** The resolvers of `schema/users.graphql`. */
import DataLoader from 'dataloader';
import type { Publisher } from '../../invalidation/publisher.ts';
import { perRequest } from '../context.ts';
import { keyOf, keysOf, readChange, readText, readUrl } from '../input.ts';
import { connectionOf, readPage } from '../page.ts';
import { notFound, rejection } from '../rejection.ts';
import { idOf } from '../subgraph.ts';
import type { UserChanges, UserRow, UserStorage } from './storage.ts';
import type { Resolvers, UpdateUserInput } from './types.generated.ts';

export interface UserParts {
  readonly storage: UserStorage;
  readonly publisher: Publisher;
}

export function userResolvers({ storage, publisher }: UserParts): Resolvers {
  const loader = userLoader(storage);
  return {
    Query: {
      user: (_, { id }, context) => loader(context).load(id),
      users: async (_, args, context) => {
        const page = readPage(args);
        return connectionOf(context.count(await storage.page(page)), page);
      },
    },
    Mutation: {
      updateUser: async (_, { id, input }) => {
        const user = await storage.update(keyOf(id) ?? 0, readChanges(input));
        if (user === undefined) throw notFound('user');
        const metadata = { version: user.version };
        await publisher.invalidateUser(id, { action: 'Update', metadata });
        return user;
      },
      deleteUser: async (_, { id }) => {
        const user = await storage.delete(keyOf(id) ?? 0);
        if (user === undefined) throw notFound('user');
        // The collection as well: whether a page of users has a next one may have changed.
        const cascade = [`feed:${id}:*`, `notification:${id}:*`, 'user'];
        const metadata = { version: user.version + 1, cascade };
        await publisher.invalidateUser(id, { action: 'Delete', metadata });
        return id;
      },
    },
    User: {
      __resolveReference: (reference, context) => loader(context).load(idOf(reference)),
      email: async (user, _, context) => {
        const caller = await context.caller();
        return caller?.userId === user.id ? user.email : null;
      },
    },
  };
}

function userLoader(storage: UserStorage) {
  return perRequest(() => new DataLoader<string, UserRow | null>(async (ids) => {
    const rows = await storage.byKeys(keysOf(ids));
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  }));
}

function readChanges({ name, bio, avatarUrl }: UpdateUserInput): UserChanges {
  if (name === undefined && bio === undefined && avatarUrl === undefined) {
    throw rejection('BAD_USER_INPUT', 'input: at least one field was required, got none.');
  }
  return {
    name: readChange('name', name, { lengthMax: 80 }),
    bio: typeof bio === 'string' ? readText('bio', bio, { lengthMin: 0, lengthMax: 500 }) : bio,
    avatarUrl: readUrl('avatarUrl', avatarUrl),
  };
}
