/**
 * Asks for the entities of a request together: those that are wanted of one subgraph with one
 * selection are the representations of one `_entities` field. The stitching would do the same by
 * @graphql-tools/batch-delegate, whose loaders are remembered in a WeakMap: so every request that
 * asks for entities was copied twice, and collected with the old objects (see Attachments).
 */
import type {
  MergedTypeConfig, MergedTypeEntryPoint, MergedTypeResolver, Subschema,
} from '@graphql-tools/delegate';
import { relocatedError } from '@graphql-tools/utils';
import DataLoader from 'dataloader';
import {
  getNamedType, GraphQLError, GraphQLList, print, responsePathAsArray,
  type GraphQLOutputType, type GraphQLResolveInfo, type SelectionSetNode,
} from 'graphql';
import { Attachments } from '../attachments.ts';
import { delegateQuery } from './delegation.ts';

/** By subgraph, then by type and selection. They hang on the request, or on a mutation's step. */
type Loaders = Map<Subschema, Map<string, DataLoader<unknown, unknown>>>;

interface Wanted {
  readonly context: object;
  readonly info: GraphQLResolveInfo;
  readonly subschema: Subschema;
  readonly selectionSet: SelectionSetNode;
  readonly type: GraphQLOutputType;
  readonly skipTypeMerging: boolean;
}

/** Apollo's subgraph specification: `_entities(representations: [_Any!]!): [_Entity]!`. */
const FIELD = '_entities';

const known = new Attachments<object, Loaders>('batches of entities');
const texts = new WeakMap<SelectionSetNode, string>();

/** Has the entities of a type asked for in batches, by whichever of its keys. */
export function batchEntities(typeName: string, config: MergedTypeConfig): void {
  for (const entryPoint of config.entryPoints ?? [config]) {
    if (entryPoint.fieldName === FIELD) entryPoint.resolve = resolverOf(entryPoint, typeName);
  }
}

function resolverOf(
  entryPoint: MergedTypeEntryPoint,
  typeName: string,
): MergedTypeResolver<object> {
  return (...given) => {
    const [, context, info, subschema, selectionSet, , ofValue, skipTypeMerging = true] = given;
    const key = given[5] as unknown;
    // A value that does not say of which type it is.
    const type = ofValue ?? info.schema.getType(typeName) as GraphQLOutputType;
    // A part of the key is not there, and nothing to find it by.
    if (key === null || key === undefined) return null;
    const wanted = { context, info, subschema, selectionSet, type, skipTypeMerging };
    const loader = loaderOf(wanted, entryPoint);
    return loader.load(key).catch((error: unknown) =>
      (error instanceof GraphQLError ? atPathOf(info, error) : error));
  };
}

function loaderOf(wanted: Wanted, entryPoint: MergedTypeEntryPoint): DataLoader<unknown, unknown> {
  const { context, info, subschema, selectionSet, type } = wanted;
  const owner: object = info.rootValue ?? context;
  const bySubschema: Loaders = known.get(owner) ?? new Map();
  if (bySubschema.size === 0) known.set(owner, bySubschema);
  const loaders = bySubschema.get(subschema) ?? new Map<string, DataLoader<unknown, unknown>>();
  if (loaders.size === 0) bySubschema.set(subschema, loaders);
  const name = `${getNamedType(type).name} ${textOf(selectionSet)}`;
  let loader = loaders.get(name);
  if (loader === undefined) {
    // Whoever comes next wants the same: the first one asks for all of them.
    const load = (keys: readonly unknown[]) => loadAll(keys, wanted);
    loader = new DataLoader(load, entryPoint.dataLoaderOptions);
    loaders.set(name, loader);
  }
  return loader;
}

/** One value for each key: null for an entity that there is not, an error for a failed one. */
async function loadAll(
  keys: readonly unknown[],
  { type, ...wanted }: Wanted,
): Promise<unknown[]> {
  try {
    const values = await delegateQuery({
      ...wanted,
      fieldName: FIELD,
      args: { representations: keys },
      eachTime: 'representations',
      returnType: new GraphQLList(getNamedType(type)),
      onLocatedError: withoutIndex,
    });
    return keys.map((_, at) => (Array.isArray(values) ? (values[at] as unknown) ?? null : values));
  } catch (error) {
    return keys.map(() => error);
  }
}

/** `_entities.3.name` is the place of `name` in the one entity that its asker knows of. */
function withoutIndex(error: GraphQLError): GraphQLError {
  const [field, index, ...rest] = error.path ?? [];
  if (field !== FIELD || typeof index !== 'number') return error;
  return relocatedError(error, [field, ...rest]);
}

function atPathOf(info: GraphQLResolveInfo, error: GraphQLError): GraphQLError {
  return relocatedError(error, responsePathAsArray(info.path));
}

function textOf(selectionSet: SelectionSetNode): string {
  const text = texts.get(selectionSet) ?? print(selectionSet);
  texts.set(selectionSet, text);
  return text;
}
