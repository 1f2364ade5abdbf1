/** The type definitions of a schema, in whichever form it is at hand. */
import {
  isIntrospectionType,
  isSpecifiedScalarType,
  Kind,
  parse,
  printType,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  type InterfaceTypeDefinitionNode,
  type InterfaceTypeExtensionNode,
  type ObjectTypeDefinitionNode,
  type ObjectTypeExtensionNode,
  type UnionTypeDefinitionNode,
  type UnionTypeExtensionNode,
} from 'graphql';

export type CompositeNode =
  | ObjectTypeDefinitionNode
  | ObjectTypeExtensionNode
  | InterfaceTypeDefinitionNode
  | InterfaceTypeExtensionNode
  | UnionTypeDefinitionNode
  | UnionTypeExtensionNode;

const COMPOSITE_KINDS: ReadonlySet<string> = new Set([
  Kind.OBJECT_TYPE_DEFINITION,
  Kind.OBJECT_TYPE_EXTENSION,
  Kind.INTERFACE_TYPE_DEFINITION,
  Kind.INTERFACE_TYPE_EXTENSION,
  Kind.UNION_TYPE_DEFINITION,
  Kind.UNION_TYPE_EXTENSION,
]);

export function isComposite(node: DefinitionNode): node is CompositeNode {
  return COMPOSITE_KINDS.has(node.kind);
}

export function isUnion(
  node: CompositeNode,
): node is UnionTypeDefinitionNode | UnionTypeExtensionNode {
  return node.kind === Kind.UNION_TYPE_DEFINITION || node.kind === Kind.UNION_TYPE_EXTENSION;
}

export function fieldsOf(node: CompositeNode): readonly FieldDefinitionNode[] {
  return isUnion(node) ? [] : (node.fields ?? []);
}

/**
 * A schema made in code has no nodes for its types: those are printed, which shows their fields
 * and so their keys; rules for them come from the configuration.
 */
export function definitionsOf(schema: DocumentNode | GraphQLSchema): readonly DefinitionNode[] {
  if ('kind' in schema) return schema.definitions;
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
  return [
    ...(schema.astNode ? [schema.astNode] : rootDefinition(schema)),
    ...schema.extensionASTNodes,
    ...types.flatMap((type): readonly DefinitionNode[] =>
      type.astNode
        ? [type.astNode, ...type.extensionASTNodes]
        : parse(printType(type), { noLocation: true }).definitions),
  ];
}

/** A schema may name its root types as it likes; a node that says so may be missing. */
function rootDefinition(schema: GraphQLSchema): readonly DefinitionNode[] {
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const;
  const named = roots.flatMap(([operation, type]) => (type ? [`${operation}: ${type.name}`] : []));
  if (named.length === 0) return [];
  return parse(`schema { ${named.join(' ')} }`, { noLocation: true }).definitions;
}

/** The type of each operation: as the schema definition says, else by the customary names. */
export function rootTypes(definitions: readonly DefinitionNode[]): ReadonlyMap<string, string> {
  const roots = new Map<string, string>();
  let isDefined = false;
  for (const node of definitions) {
    const isDefinition = node.kind === Kind.SCHEMA_DEFINITION;
    if (!isDefinition && node.kind !== Kind.SCHEMA_EXTENSION) continue;
    isDefined ||= isDefinition && node.operationTypes.length > 0;
    for (const { operation, type } of node.operationTypes ?? []) {
      roots.set(type.name.value, CUSTOMARY[operation]);
    }
  }
  if (!isDefined) for (const name of Object.values(CUSTOMARY)) roots.set(name, name);
  return roots;
}

const CUSTOMARY = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' } as const;
