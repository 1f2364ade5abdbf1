/** Puts something around every resolver of a schema. */
import { isObjectType, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql';

export type Resolver = GraphQLFieldResolver<unknown, unknown, unknown>;

/** Changes `schema` itself, and returns it. A field without a resolver stays without. */
export function wrapResolvers(
  schema: GraphQLSchema,
  wrap: (resolve: Resolver) => Resolver,
): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.resolve !== undefined) field.resolve = wrap(field.resolve);
    }
  }
  return schema;
}
