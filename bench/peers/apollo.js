/** Apollo Server with its response cache plugin, and its own standalone listener. */
import { ApolloServer } from '@apollo/server';
import responseCache from '@apollo/server-plugin-response-cache';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { startStandaloneServer } from '@apollo/server/standalone';
import { PLAIN_SDL, RESOLVERS } from '../workload.ts';
import { port, ready } from './serve.js';

const directives = `
  enum CacheControlScope { PUBLIC PRIVATE }
  directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean)
    on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
`;
const typeDefs = directives
  + PLAIN_SDL.replace('mine(id: ID!): Account', '$& @cacheControl(scope: PRIVATE, maxAge: 3600)');
const server = new ApolloServer({
  typeDefs,
  resolvers: RESOLVERS,
  plugins: [
    ApolloServerPluginCacheControl({ defaultMaxAge: 3_600 }),
    responseCache({
      sessionId: async ({ request }) => request.http?.headers.get('authorization') ?? null,
    }),
  ],
});
await startStandaloneServer(server, { listen: { port, host: '127.0.0.1' } });
ready();
