/**
 * auth: sessions and their tokens. Beside GraphQL it answers who a token belongs to, and publishes
 * the key by which anybody can verify one.
 */
import { readEntityMessage } from '../entity-message.ts';
import type { Service, ServiceParts } from '../service.ts';
import type { Route } from '../server.ts';
import { readSdl, subgraphSchema } from '../subgraph.ts';
import { authResolvers } from './resolvers.ts';
import { Sessions } from './sessions.ts';
import { AuthStorage } from './storage.ts';
import { Tokens } from './tokens.ts';

export const JWKS_PATH = '/.well-known/jwks.json';
export const INTROSPECTION_PATH = '/introspect';

export async function startAuth({ database, publisher }: ServiceParts): Promise<Service> {
  const storage = await AuthStorage.open(database);
  const tokens = await Tokens.open(await storage.privateJwk());
  const sessions = new Sessions({ storage, publisher, tokens });
  return {
    schema: subgraphSchema(readSdl('auth'), authResolvers(sessions)),
    identity: sessions,
    routes: {
      [JWKS_PATH]: () => Response.json(tokens.jwks, {
        headers: { 'cache-control': 'public, max-age=300' },
      }),
      [INTROSPECTION_PATH]: introspection(sessions),
    },
    async onMessage(message) {
      const entity = readEntityMessage(message);
      if (entity?.type !== 'user' || entity.change !== 'deleted') return;
      await sessions.userDeleted(entity.key);
    },
  };
}

/** RFC 7662. Whoever asks must hold the token, and learns no more than it says itself. */
function introspection(sessions: Sessions): Route {
  return async (request) => {
    if (request.method !== 'POST') return new Response(null, { status: 405 });
    const token = new URLSearchParams(await request.text()).get('token');
    const claims = token === null ? undefined : await sessions.check(token);
    return Response.json(claims === undefined ? { active: false } : { active: true, ...claims });
  };
}
