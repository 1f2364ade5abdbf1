/** The resolvers of `schema/auth.graphql`. */
import { notFound } from '../rejection.ts';
import { idOf } from '../subgraph.ts';
import type { Sessions } from './sessions.ts';
import type { Resolvers } from './types.generated.ts';

export function authResolvers(sessions: Sessions): Resolvers {
  return {
    Query: {
      session: async (_, __, context) => {
        const caller = await context.caller();
        return caller === undefined ? null : await sessions.find(caller.sessionId) ?? null;
      },
      me: async (_, __, context) => {
        const caller = await context.caller();
        return caller === undefined ? null : { id: caller.userId };
      },
    },
    Mutation: {
      login: (_, credentials) => sessions.open(credentials),
      revokeSession: async (_, { id }) => {
        if (!await sessions.revoke(id)) throw notFound('session');
        return id;
      },
    },
    Session: {
      __resolveReference: async (reference, context) => {
        const caller = await context.caller();
        const id = idOf(reference);
        return caller?.sessionId === id ? await sessions.find(id) ?? null : null;
      },
      user: ({ userId }) => ({ id: userId }),
    },
  };
}
