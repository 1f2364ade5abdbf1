/** Hive Gateway with response caching, in one process; what it stands before is in SUPERGRAPH. */
import { defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  supergraph: process.env.SUPERGRAPH,
  logging: 'error',
  fork: 1,
  ...(process.env.CACHING === 'no' ? {} : {
    cache: { type: 'localforage' },
    responseCaching: {
      session: (request) => request.headers.get('authorization'),
      ttl: 3_600_000,
      scopePerSchemaCoordinate: { 'Query.mine': 'PRIVATE' },
    },
  }),
});
