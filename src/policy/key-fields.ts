/**
 * Which fields identify an entity, so that its tag is the same wherever it is met: `id` where one
 * of its keys is exactly that, else its first key; without any key, a scalar field `id`.
 */
import {
  Kind,
  parse,
  specifiedScalarTypes,
  type ConstDirectiveNode,
  type DefinitionNode,
  type FieldDefinitionNode,
  type SelectionSetNode,
  type TypeNode,
} from 'graphql';
import { fieldsOf, isComposite, rootTypes } from './definition-nodes.ts';
import { argument, textOf, type DirectiveNames } from './directive-names.ts';

/** Names from the entity down to a scalar: `['id']`, `['organization', 'id']`. */
export type KeyPath = readonly string[];

export interface TypeKeys {
  /** What tags are made of, in this order. */
  readonly primary: readonly KeyPath[];
  /** All fields of all keys, as `organization.id`: what `{$key.x}` may name. */
  readonly known: ReadonlySet<string>;
}

export interface KeySource {
  readonly definitions: readonly DefinitionNode[];
  readonly names: DirectiveNames;
  /** Of the operator, by type: in place of what the schema says. */
  readonly keyFields: Readonly<Record<string, readonly string[]>>;
  readonly report: (problem: string) => void;
}

export function readKeys({ definitions, names, keyFields, report }: KeySource) {
  const keys = new Map<string, TypeKeys>();
  const roots = rootTypes(definitions);
  const scalars = scalarNames(definitions);
  for (const [type, { directives, fields, isObject }] of typesWithFields(definitions)) {
    const texts = directives.flatMap((directive) => keyText(directive, names) ?? []);
    const configured = Object.hasOwn(keyFields, type) ? keyFields[type] : undefined;
    const all = texts.flatMap((text) => readFieldSet(text, `${type}: key`, report));
    const chosen = configured === undefined
      ? (all.find(isId) ?? all[0])
      : readFieldSet(configured.join(' '), `keyFields.${type}`, report)[0];
    const byDefault = isObject && !roots.has(type) && hasScalarId(fields, scalars)
      ? [['id']]
      : undefined;
    const primary = chosen ?? byDefault;
    if (primary === undefined) continue;
    const known = new Set([primary, ...all].flat().map((path) => path.join('.')));
    keys.set(type, { primary, known });
  }
  for (const type of Object.keys(keyFields)) {
    if (!keys.has(type)) report(`keyFields.${type}: a type of the schema was required, got none.`);
  }
  return keys as ReadonlyMap<string, TypeKeys>;
}

interface TypeWithFields {
  readonly directives: ConstDirectiveNode[];
  readonly fields: FieldDefinitionNode[];
  isObject: boolean;
}

/** Definitions and extensions of one type together. */
function typesWithFields(definitions: readonly DefinitionNode[]): Map<string, TypeWithFields> {
  const types = new Map<string, TypeWithFields>();
  for (const node of definitions.filter(isComposite)) {
    const { value } = node.name;
    const type = types.get(value) ?? { directives: [], fields: [], isObject: false };
    types.set(value, type);
    type.directives.push(...(node.directives ?? []));
    type.fields.push(...fieldsOf(node));
    type.isObject ||= node.kind === Kind.OBJECT_TYPE_DEFINITION
      || node.kind === Kind.OBJECT_TYPE_EXTENSION;
  }
  return types;
}

/** `@key(fields:)` of a subgraph, `@join__type(key:)` of a supergraph (join specification). */
function keyText(directive: ConstDirectiveNode, names: DirectiveNames): string | undefined {
  const { value } = directive.name;
  if (value === 'join__type') return textOf(argument(directive, 'key'));
  return names.canonical(value) === 'key' ? textOf(argument(directive, 'fields')) : undefined;
}

/** The paths of a field set, as a list of one; empty where it cannot be read. */
function readFieldSet(
  text: string,
  at: string,
  report: (problem: string) => void,
): readonly (readonly KeyPath[])[] {
  try {
    const [operation] = parse(`{ ${text} }`, { noLocation: true }).definitions;
    if (operation?.kind === Kind.OPERATION_DEFINITION) {
      const paths = pathsIn(operation.selectionSet, []);
      if (paths.length > 0) return [paths];
    }
  } catch {
    // Reported below, with every other field set that is not one.
  }
  report(`${at}: names of fields were required, got ${JSON.stringify(text)}.`);
  return [];
}

function pathsIn(set: SelectionSetNode, above: KeyPath): KeyPath[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind !== Kind.FIELD || selection.arguments?.length || selection.alias) {
      throw new TypeError('A field set with plain fields was required.');
    }
    if (selection.name.value === '__typename') return [];
    const path = [...above, selection.name.value];
    return selection.selectionSet ? pathsIn(selection.selectionSet, path) : [path];
  });
}

function isId(paths: readonly KeyPath[]): boolean {
  return paths.length === 1 && paths[0]?.join('.') === 'id';
}

export function scalarNames(definitions: readonly DefinitionNode[]): ReadonlySet<string> {
  const names = new Set(specifiedScalarTypes.map(({ name }) => name));
  for (const node of definitions) {
    if (node.kind === Kind.SCALAR_TYPE_DEFINITION) names.add(node.name.value);
  }
  return names;
}

function hasScalarId(
  fields: readonly FieldDefinitionNode[],
  scalars: ReadonlySet<string>,
): boolean {
  const id = fields.find(({ name }) => name.value === 'id');
  const isBare = id?.arguments === undefined || id.arguments.length === 0;
  const type = id === undefined ? undefined : nameWithoutList(id.type);
  return isBare && type !== undefined && scalars.has(type);
}

function nameWithoutList(type: TypeNode): string | undefined {
  if (type.kind === Kind.NON_NULL_TYPE) return nameWithoutList(type.type);
  return type.kind === Kind.NAMED_TYPE ? type.name.value : undefined;
}
