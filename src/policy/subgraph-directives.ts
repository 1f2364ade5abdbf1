/**
 * Carries the directives of this project round composition, which knows nothing of them: they are
 * taken from each subgraph's SDL, and put on the supergraph that was composed of the rest.
 */
import {
  Kind,
  parse,
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  type FieldDefinitionNode,
} from 'graphql';
import {
  fieldsOf, isComposite, isUnion, rootTypes, type CompositeNode,
} from './definition-nodes.ts';
import { FRESHET_DEFINITIONS } from './freshet-definitions.ts';
import { DirectiveNames } from './directive-names.ts';
import { STRATEGY_MEMBERS } from './declared-strategy.ts';
import { policyDirective, readRule, type PolicyDirective, type Rule } from './rule.ts';
import { ANYWHERE } from './rule-place.ts';
import { withoutPolicy } from './without-policy.ts';

/** By coordinate (`Type` or `Type.field`): the directives there, under their specified names. */
export type SubgraphHints = ReadonlyMap<string, readonly ConstDirectiveNode[]>;

export interface TakenDirectives {
  /** The SDL without our directives, their definitions and imports. */
  readonly document: DocumentNode;
  readonly hints: SubgraphHints;
}

/**
 * Works whether the subgraph defines the directives, imports them by `@link` (also under another
 * name), uses them in the namespace of a `@link`, or just uses them.
 */
export function takeDirectives(subgraphSdl: DocumentNode): TakenDirectives {
  const names = new DirectiveNames(subgraphSdl.definitions);
  // Composition gives root types their customary names.
  const roots = rootTypes(subgraphSdl.definitions);
  const hints = new Map<string, ConstDirectiveNode[]>();
  const take = (coordinate: string, directives: readonly ConstDirectiveNode[] = []): void => {
    const own = directives
      .filter((directive) => names.isPolicy(directive.name.value))
      .map((directive) => renamed(directive, names.canonical(directive.name.value) ?? ''));
    if (own.length > 0) hints.set(coordinate, [...(hints.get(coordinate) ?? []), ...own]);
  };
  for (const node of subgraphSdl.definitions.filter(isComposite)) {
    const type = roots.get(node.name.value) ?? node.name.value;
    take(type, node.directives);
    for (const field of fieldsOf(node)) take(`${type}.${field.name.value}`, field.directives);
  }
  return { document: withoutPolicy(subgraphSdl, names), hints };
}

function renamed(directive: ConstDirectiveNode, name: string): ConstDirectiveNode {
  return { ...directive, name: { kind: Kind.NAME, value: name } };
}

/**
 * The supergraph with the directives of its subgraphs and their definitions; where several
 * subgraphs declare something for the same coordinate, the strictest of it. What cannot be read is
 * put on as it is: `SchemaPolicy` reports it with all the rest.
 */
export function attachDirectives(
  supergraph: DocumentNode,
  ...hints: readonly SubgraphHints[]
): DocumentNode {
  const attachedTo = (coordinate: string): readonly ConstDirectiveNode[] =>
    merged(hints.flatMap((one) => one.get(coordinate) ?? []));
  const definitions = supergraph.definitions.map((node) =>
    isComposite(node) ? withDirectives(node, attachedTo) : node);
  return { ...supergraph, definitions: [...missingDefinitions(definitions), ...definitions] };
}

function withDirectives(
  node: CompositeNode,
  attachedTo: (coordinate: string) => readonly ConstDirectiveNode[],
): CompositeNode {
  const type = node.name.value;
  const directives = [...(node.directives ?? []), ...attachedTo(type)];
  if (isUnion(node)) return { ...node, directives };
  const fields = fieldsOf(node).map((field): FieldDefinitionNode => {
    const attached = attachedTo(`${type}.${field.name.value}`);
    const before = field.directives ?? [];
    return attached.length === 0 ? field : { ...field, directives: [...before, ...attached] };
  });
  return { ...node, directives, fields };
}

function merged(directives: readonly ConstDirectiveNode[]): readonly ConstDirectiveNode[] {
  let isReadable = true;
  const rule = readRule(directives.map(asPolicy), ANYWHERE, () => {
    isReadable = false;
  });
  return isReadable ? directivesOf(rule) : directives;
}

function asPolicy(directive: ConstDirectiveNode): PolicyDirective {
  return policyDirective(directive.name.value, directive);
}

/** The inverse of `readRule`. */
function directivesOf(rule: Rule): readonly ConstDirectiveNode[] {
  const control = [
    rule.maxAgeSeconds === undefined ? '' : `maxAge: ${rule.maxAgeSeconds}`,
    rule.scope === undefined ? '' : `scope: ${rule.scope}`,
    rule.inheritMaxAge === true ? 'inheritMaxAge: true' : '',
    rule.staleWhileRevalidateSeconds === undefined
      ? ''
      : `staleWhileRevalidate: ${rule.staleWhileRevalidateSeconds}`,
  ].filter((argument) => argument !== '');
  const texts = [
    ...(control.length === 0 ? [] : [`@cacheControl(${control.join(', ')})`]),
    ...strategiesOf(rule),
    ...rule.tags.map(({ text }) => `@cacheTag(format: ${JSON.stringify(text)})`),
    ...(rule.purges === undefined
      ? []
      : [`@cachePurge(tags: ${JSON.stringify(rule.purges.map(({ text }) => text))})`]),
  ];
  if (texts.length === 0) return [];
  const { definitions } = parse(`extend type T ${texts.join(' ')}`, { noLocation: true });
  const [extension] = definitions;
  return extension !== undefined && isComposite(extension) ? (extension.directives ?? []) : [];
}

/** One for each version field, so that `SchemaPolicy` sees where they disagree. */
function strategiesOf({ strategy, versionFields = [], writeThrough }: Rule): readonly string[] {
  const members = STRATEGY_MEMBERS.flatMap(({ name, argument }) => {
    const value = strategy?.[name];
    return value === undefined ? [] : [`${argument}: ${value}`];
  });
  if (writeThrough !== undefined) members.push(`writeThrough: ${writeThrough}`);
  const [first, ...others] = versionFields.map((field) => `version: ${JSON.stringify(field)}`);
  const all = first === undefined ? members : [...members, first];
  return [...(all.length === 0 ? [] : [all.join(', ')]), ...others]
    .map((list) => `@cacheStrategy(${list})`);
}

/** The supergraph may bring its own: of an enum in use elsewhere, of a composed directive. */
function missingDefinitions(definitions: readonly DefinitionNode[]): readonly DefinitionNode[] {
  const nameOf = (node: DefinitionNode): string =>
    node.kind === Kind.DIRECTIVE_DEFINITION ? `@${node.name.value}`
      : 'name' in node ? (node.name?.value ?? '') : '';
  const present = new Set(definitions.map(nameOf));
  return FRESHET_DEFINITIONS.definitions.filter((node) => !present.has(nameOf(node)));
}
