/**
 * The fields of a mutation run one after the other, and each may change what the one before it has
 * read. The stitching remembers what it loaded for one root value, or without any for the whole
 * request, and would answer the last field by what was true before the first had written. So each
 * field of a mutation gets a root value of its own.
 */
import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import { Attachments } from '../attachments.ts';
import { wrapResolvers, type Resolver } from './wrap-resolvers.ts';

export function separateMutationSteps(schema: GraphQLSchema): GraphQLSchema {
  /** By context, then by the key of the mutation's field in the answer. */
  const steps = new Attachments<object, Map<string | number, object>>('steps of a mutation');
  const stepOf = (context: object, info: GraphQLResolveInfo): object => {
    const known = steps.get(context) ?? new Map<string | number, object>();
    steps.set(context, known);
    const key = rootKey(info);
    const step = known.get(key) ?? {};
    known.set(key, step);
    return step;
  };
  const withOwnStep = (resolve: Resolver): Resolver => (...given) => {
    const [source, args, context, info] = given;
    const isStep = info.operation.operation === 'mutation' && isObject(context);
    if (!isStep) return resolve(...given);
    return resolve(source, args, context, { ...info, rootValue: stepOf(context, info) });
  };
  return wrapResolvers(schema, withOwnStep);
}

function rootKey({ path }: GraphQLResolveInfo): string | number {
  let root = path;
  while (root.prev !== undefined) root = root.prev;
  return root.key;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
