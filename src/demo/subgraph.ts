/**
 * Makes an executable schema of a subgraph's SDL: the part of the Apollo Federation 2 subgraph
 * specification that the services need (https://www.apollographql.com/docs/graphos/reference/
 * federation/subgraph-spec): `_service { sdl }`, and `_entities`, which calls `__resolveReference`
 * of each type that has a key.
 */
import { readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { IResolvers } from '@graphql-tools/utils';
import {
  Kind, parse, type DefinitionNode, type DocumentNode, type GraphQLSchema,
  type ObjectTypeDefinitionNode,
} from 'graphql';
import type { Context } from './context.ts';
import { rejection } from './rejection.ts';

/** An entity of which this service knows no more than the id. */
export interface Reference {
  readonly id: string;
}

/** The resolvers of one type; `__resolveReference` finds the entity of a representation. */
type TypeResolvers = Readonly<Record<string, unknown>>;
type Resolve = (representation: object, context: Context) => object | null | Promise<object | null>;

const REPRESENTATIONS_MAX = 1_000;

/** The SDL in `schema/<name>.graphql`. */
export function readSdl(name: string): string {
  return readFileSync(new URL(`../../schema/${name}.graphql`, import.meta.url), 'utf8');
}

export function subgraphSchema(sdl: string, resolvers: object): GraphQLSchema {
  const document = parse(sdl);
  const entities = document.definitions.filter(isEntity).map(({ name }) => name.value);
  const { types, references } = splitReferences(resolvers as Record<string, TypeResolvers>);
  return makeExecutableSchema<Context>({
    typeDefs: [withoutLinks(document), FEDERATION, entityTypes(entities)],
    resolvers: [types as IResolvers<object, Context>, {
      Query: {
        _service: () => ({ sdl }),
        ...(entities.length > 0 && {
          _entities: (_: unknown, args: { representations: unknown[] }, context) =>
            resolveEntities(args.representations, { references, context }),
        }),
      },
    }],
  });
}

const FEDERATION = parse(/* GraphQL */ `
  scalar FieldSet
  directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
  directive @shareable repeatable on OBJECT | FIELD_DEFINITION
  scalar _Any
  type _Service {
    sdl: String
  }
  extend type Query {
    _service: _Service!
  }
`);

function entityTypes(entities: readonly string[]): string {
  if (entities.length === 0) return '';
  return `union _Entity = ${entities.join(' | ')}
    extend type Query { _entities(representations: [_Any!]!): [_Entity]! }`;
}

function isEntity(definition: DefinitionNode): definition is ObjectTypeDefinitionNode {
  if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return false;
  const key = definition.directives?.find(({ name }) => name.value === 'key');
  const resolvable = key?.arguments?.find(({ name }) => name.value === 'resolvable')?.value;
  return key !== undefined && !(resolvable?.kind === Kind.BOOLEAN && !resolvable.value);
}

/** What is linked is defined here, so that the links have done their work. */
function withoutLinks(document: DocumentNode): DocumentNode {
  const definitions = document.definitions.filter(({ kind }) => kind !== Kind.SCHEMA_EXTENSION);
  return { ...document, definitions };
}

function splitReferences(resolvers: Readonly<Record<string, TypeResolvers>>) {
  const references = new Map<string, Resolve>();
  const types: Record<string, TypeResolvers> = {};
  for (const [type, { __resolveReference: reference, ...fields }] of Object.entries(resolvers)) {
    if (reference !== undefined) references.set(type, reference as Resolve);
    types[type] = fields;
  }
  return { types, references };
}

interface EntityRequest {
  readonly references: ReadonlyMap<string, Resolve>;
  readonly context: Context;
}

/** All at once, so that loaders can batch; one that fails is an error in its own place. */
function resolveEntities(representations: readonly unknown[], request: EntityRequest) {
  if (representations.length > REPRESENTATIONS_MAX) {
    const required = `at most ${REPRESENTATIONS_MAX} were required`;
    const got = representations.length;
    throw rejection('BAD_USER_INPUT', `representations: ${required}, got ${got}.`);
  }
  return representations.map(async (representation) => resolveEntity(representation, request));
}

async function resolveEntity(
  representation: unknown,
  { references, context }: EntityRequest,
): Promise<object | null> {
  const given = typeof representation === 'object' && representation !== null ? representation : {};
  const { __typename: type } = given as { __typename?: unknown };
  const resolve = typeof type === 'string' ? references.get(type) : undefined;
  if (resolve === undefined) {
    const required = `a __typename of ${[...references.keys()].join(', ')} was required`;
    throw rejection('BAD_USER_INPUT', `representations: ${required}, got another.`);
  }
  const entity = await resolve(given, context);
  return entity === null ? null : { ...entity, __typename: type };
}

/** The id of a representation; anything but a text is no id that a service gives out. */
export function idOf(representation: { readonly id?: unknown }): string {
  return typeof representation.id === 'string' ? representation.id : '';
}
