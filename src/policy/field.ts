/** Fields by name: the definition of a selected one, and nodes that select one. */
import {
  getNamedType,
  isCompositeType,
  isLeafType,
  isRequiredArgument,
  isUnionType,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  type NameNode,
} from 'graphql';
import { fault, type FreshetError } from '../invalidation/errors.ts';

export type Field = GraphQLField<unknown, unknown>;

const META_FIELDS: Readonly<Record<string, Field>> = {
  [SchemaMetaFieldDef.name]: SchemaMetaFieldDef,
  [TypeMetaFieldDef.name]: TypeMetaFieldDef,
  [TypeNameMetaFieldDef.name]: TypeNameMetaFieldDef,
};

/** Throws `REQUEST_INVALID` where the type has no such field. */
export function fieldOf(schema: GraphQLSchema, parent: GraphQLCompositeType, name: string): Field {
  const field = findField(parent, name);
  if (field !== undefined) return field;
  const isRoot = parent === schema.getQueryType();
  const meta = isRoot || name === TypeNameMetaFieldDef.name ? META_FIELDS[name] : undefined;
  if (meta === undefined) throw notOfSchema(`a document whose ${parent.name} has only its fields`);
  return meta;
}

export function findField(parent: GraphQLCompositeType, name: string): Field | undefined {
  if (isUnionType(parent)) return undefined;
  const fields = parent.getFields();
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** Names of the fields that reach down to a leaf; `undefined` where they cannot be selected. */
export function pathField(
  type: GraphQLCompositeType,
  path: readonly string[],
  alias?: string,
): FieldNode | undefined {
  const [first = '', ...rest] = path;
  const field = findField(type, first);
  if (field === undefined || field.args.some(isRequiredArgument)) return undefined;
  const named = getNamedType(field.type);
  const node = {
    kind: Kind.FIELD,
    name: nameNode(first),
    ...(alias !== undefined && { alias: nameNode(alias) }),
  } as const;
  if (rest.length === 0) return isLeafType(named) ? node : undefined;
  const inner = isCompositeType(named) ? pathField(named, rest) : undefined;
  if (inner === undefined) return undefined;
  return { ...node, selectionSet: { kind: Kind.SELECTION_SET, selections: [inner] } };
}

export function nameNode(value: string): NameNode {
  return { kind: Kind.NAME, value };
}

/** The caller validates documents; this is what is left to say to one who did not. */
export function notOfSchema(required: string): FreshetError {
  return fault('REQUEST_INVALID', { required, got: 'another' });
}
