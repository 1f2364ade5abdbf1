/**
 * Yoga with its response cache. The second argument says which: `documented`, `tuned`, or a Redis
 * URL, which is tuned as well.
 *
 * Tuned is all that was found to help: no limit on the body's size (else every body is piped
 * through a stream), no logging and no pages, an own key for the cache in place of SHA-256 over the
 * printed document, no entities followed through the answer, and one turn of the event loop
 * between the request and the answer.
 */
import { createServer } from 'node:http';
import { createInMemoryCache, useResponseCache } from '@graphql-yoga/plugin-response-cache';
import { createRedisCache } from '@envelop/response-cache-redis';
import { createSchema, createYoga } from 'graphql-yoga';
import { Redis } from 'ioredis';
import { PLAIN_SDL, RESOLVERS } from '../workload.ts';
import { argument, port, ready } from './serve.js';

const ttl = 3_600_000;
const schema = createSchema({ typeDefs: PLAIN_SDL, resolvers: RESOLVERS });
const session = (request) => request.headers.get('authorization');
const scopePerSchemaCoordinate = { 'Query.mine': 'PRIVATE' };
const documented = argument === 'documented';

const yoga = documented
  ? createYoga({ schema, plugins: [useResponseCache({ session, ttl, scopePerSchemaCoordinate })] })
  : createYoga({
    schema,
    logging: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
    maxRequestBodySize: false,
    plugins: [useResponseCache({
      session, ttl, scopePerSchemaCoordinate,
      cache: argument === 'tuned'
        ? createInMemoryCache()
        : createRedisCache({ redis: new Redis(argument, { enableAutoPipelining: true }) }),
      buildResponseCacheKey: ({ documentString, variableValues, sessionId }) =>
        Promise.resolve(JSON.stringify([documentString, variableValues, sessionId])),
    })],
  });

const answer = (request, response) => void yoga(request, response);
const answerNextTurn = (request, response) => void setImmediate(answer, request, response);
const listener = documented ? answer : answerNextTurn;
createServer({ keepAliveTimeout: 600_000 }, listener).listen(port, '127.0.0.1', ready);
