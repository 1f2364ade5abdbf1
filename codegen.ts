/**
 * Types for the resolvers of the sample services, from their SDL: `schema/users.graphql` becomes
 * `src/demo/users/types.generated.ts`. Run it with `npm run codegen` after a change of the SDL; a
 * test says when it was forgotten.
 */

import { existsSync } from 'node:fs';
import type { CodegenConfig } from '@graphql-codegen/cli';

interface Service {
  /** What the resolvers of a type are handed, where that is a row and not the type itself. */
  mappers?: Record<string, string>;
}

/** Paths are seen from the service's folder. */
const services: Record<string, Service> = {
  auth: { mappers: { Session: './storage.ts#SessionRow' } },
  content: {
    mappers: {
      Post: './storage.ts#PostRow',
      Comment: './storage.ts#CommentRow',
      User: '../subgraph.ts#Reference',
    },
  },
  feed: { mappers: { Feed: './resolvers.ts#FeedRequest' } },
  notifications: { mappers: { Notification: './storage.ts#NotificationRow' } },
  users: { mappers: { User: './storage.ts#UserRow' } },
};

/** What subgraphs import from the federation specification (2.x) with @link. */
const federation = /* GraphQL */ `
  scalar FieldSet
  scalar link__Import
  directive @link(url: String!, as: String, import: [link__Import]) repeatable on SCHEMA
  directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
  directive @external on OBJECT | FIELD_DEFINITION
  directive @requires(fields: FieldSet!) on FIELD_DEFINITION
  directive @provides(fields: FieldSet!) on FIELD_DEFINITION
  directive @shareable repeatable on OBJECT | FIELD_DEFINITION
  directive @composeDirective(name: String!) repeatable on SCHEMA
`;

/** The one schema in the folder that is no service's: the directives of Freshet itself. */
const directives = 'schema/freshet.graphql';

const config: CodegenConfig = {
  generates: Object.fromEntries(
    Object.entries(services)
      .filter(([name]) => existsSync(`schema/${name}.graphql`))
      .map(([name, service]) => [
        `src/demo/${name}/types.generated.ts`,
        {
          schema: [`schema/${name}.graphql`, directives, federation],
          plugins: ['typescript', 'typescript-resolvers'],
          config: {
            contextType: '../context.ts#Context',
            mappers: service.mappers ?? {},
            federation: true,
            disableFederationDirectiveAndScalarInjection: true,
            enumsAsTypes: true,
            immutableTypes: true,
            strictScalars: true,
            scalars: {
              ID: 'string', DateTime: 'string', FieldSet: 'string', link__Import: 'string',
            },
            useTypeImports: true,
            importExtension: '.ts',
          },
        },
      ]),
  ),
};

export default config;
