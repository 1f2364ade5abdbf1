/** A subgraph's SDL without the directives of this project, and without a trace of them. */
import {
  Kind,
  visit,
  type ASTNode,
  type ConstDirectiveNode,
  type ConstValueNode,
  type DocumentNode,
} from 'graphql';
import { isComposite, isUnion } from './definition-nodes.ts';
import {
  argument, POLICY_DIRECTIVES, readLink, SCOPE_ENUM, textOf, type DirectiveNames,
} from './directive-names.ts';

export function withoutPolicy(sdl: DocumentNode, names: DirectiveNames): DocumentNode {
  const stripped: DocumentNode = visit(sdl, {
    Directive(node) {
      if (names.isPolicy(node.name.value)) return null;
      const composed = names.canonical(node.name.value) === 'composeDirective';
      return composed && composesPolicy(node as ConstDirectiveNode, names) ? null : undefined;
    },
    DirectiveDefinition: (node) => (names.isPolicy(node.name.value) ? null : undefined),
  });
  const used = namesIn(stripped);
  const linked: DocumentNode = visit(stripped, {
    Directive(node) {
      if (node.name.value !== 'link') return undefined;
      return withoutImports(node as ConstDirectiveNode, used);
    },
    EnumTypeDefinition(node) {
      const { value } = node.name;
      return names.isScopeEnum(value) && !used.types.has(value) ? null : undefined;
    },
  });
  return { ...linked, definitions: linked.definitions.filter((node) => !isEmptyExtension(node)) };
}

function composesPolicy(node: ConstDirectiveNode, names: DirectiveNames): boolean {
  const name = textOf(argument(node, 'name'));
  return name !== undefined && names.isPolicy(name.replace(/^@/, ''));
}

interface UsedNames {
  readonly directives: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
}

function namesIn(document: DocumentNode): UsedNames {
  const directives = new Set<string>();
  const types = new Set<string>();
  visit(document, {
    Directive: (node) => void directives.add(node.name.value),
    NamedType: (node) => void types.add(node.name.value),
  });
  return { directives, types };
}

/** The link without the imports of ours; `null` where it was there for nothing else. */
function withoutImports(link: ConstDirectiveNode, used: UsedNames): ConstDirectiveNode | null {
  const { namespace, imports } = readLink(link);
  const kept = imports.filter(({ name, as }) => !isOurs(name) || used.types.has(as));
  const namespaceIsUsed = [...used.directives, ...used.types].some((name) =>
    name.startsWith(`${namespace ?? ''}__`));
  const isApollo = (textOf(argument(link, 'url')) ?? '').startsWith('https://specs.apollo.dev/');
  const wasForUs = imports.length > kept.length || namespace === 'freshet';
  if (wasForUs && kept.length === 0 && !namespaceIsUsed && !isApollo) return null;
  if (imports.length === kept.length) return link;
  const values: readonly ConstValueNode[] = kept.map(({ node }) => node);
  const args = (link.arguments ?? []).map((one) =>
    one.name.value === 'import' && one.value.kind === Kind.LIST
      ? { ...one, value: { ...one.value, values } }
      : one);
  return { ...link, arguments: args };
}

function isOurs(imported: string): boolean {
  return imported === SCOPE_ENUM || POLICY_DIRECTIVES.includes(imported.slice(1));
}

/** What extended a type or the schema by one of our directives only has nothing left to say. */
function isEmptyExtension(node: ASTNode): boolean {
  if (node.kind === Kind.SCHEMA_EXTENSION) {
    return isEmpty(node.directives) && isEmpty(node.operationTypes);
  }
  const isExtension = node.kind === Kind.OBJECT_TYPE_EXTENSION
    || node.kind === Kind.INTERFACE_TYPE_EXTENSION
    || node.kind === Kind.UNION_TYPE_EXTENSION;
  if (!isExtension || !isComposite(node) || !isEmpty(node.directives)) return false;
  return isUnion(node) ? isEmpty(node.types) : isEmpty(node.fields) && isEmpty(node.interfaces);
}

function isEmpty(list: readonly unknown[] | undefined): boolean {
  return list === undefined || list.length === 0;
}
