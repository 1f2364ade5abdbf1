/** What an answer shows of entities: each object in it, with its fields by name and arguments. */
import {
  getNamedType, getOperationAST, isCompositeType, isObjectType, Kind, valueFromASTUntyped,
  type DocumentNode, type FieldNode, type FragmentDefinitionNode, type GraphQLCompositeType,
  type GraphQLSchema, type SelectionSetNode,
} from 'graphql';
import { canonicalJson } from '../../cache/key.ts';
import type { Variables } from '../../policy/plan.ts';

export interface ShownEntity {
  readonly type: string;
  /** By `fieldName`. */
  readonly fields: ReadonlyMap<string, unknown>;
}

export interface Shown {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly variables: Variables;
  readonly data: unknown;
  /** Whether a root field of this name shows entities as they are after it. */
  readonly isTelling: (rootField: string) => boolean;
}

/** Beyond it an answer shows nothing more. */
const ENTITIES_MAX = 1_000;

/**
 * Those below the last root field, which was read after all that the operation wrote: what stands
 * below an earlier one may have been changed by a later one.
 */
export function shownEntities(shown: Shown): readonly ShownEntity[] {
  const operation = getOperationAST(shown.document);
  const root = operation && shown.schema.getRootType(operation.operation);
  if (!operation || !root) return [];
  const walk = new Walk(shown);
  const fields = [...walk.fieldsOf(operation.selectionSet, root.name)];
  const last = fields.at(-1);
  if (last !== undefined && shown.isTelling(last.name.value)) {
    walk.visitField(last, root, shown.data);
  }
  return walk.found;
}

/** One text for a field with its arguments. */
export function fieldName({ name, arguments: given }: {
  readonly name: string;
  readonly arguments: string;
}): string {
  return `${name} ${given}`;
}

/** The arguments that a field is given, as canonical JSON. */
export function argumentsOf({ arguments: given = [] }: FieldNode, variables: Variables): string {
  const values = given.map(({ name, value }) =>
    [name.value, valueFromASTUntyped(value, { ...variables })] as const);
  return canonicalJson(Object.fromEntries(values));
}

class Walk {
  readonly found: ShownEntity[] = [];
  readonly #shown: Shown;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();

  constructor(shown: Shown) {
    this.#shown = shown;
    for (const definition of shown.document.definitions) {
      if (definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
      this.#fragments.set(definition.name.value, definition);
    }
  }

  visitField(field: FieldNode, parent: GraphQLCompositeType, object: unknown): void {
    if (field.selectionSet === undefined || !('getFields' in parent)) return;
    const declared = parent.getFields()[field.name.value];
    const type = declared && getNamedType(declared.type);
    if (!isCompositeType(type)) return;
    const value = (object as Record<string, unknown> | null)?.[responseKeyOf(field)];
    for (const one of itemsOf(value)) this.#visitObject(field.selectionSet, type, one);
  }

  /** Whatever directives say: a field that was left out has no value in the answer. */
  *fieldsOf(set: SelectionSetNode, type: string): Iterable<FieldNode> {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        yield selection;
        continue;
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT
        ? selection
        : this.#fragments.get(selection.name.value);
      if (fragment === undefined || !this.#applies(fragment.typeCondition?.name.value, type)) {
        continue;
      }
      yield* this.fieldsOf(fragment.selectionSet, type);
    }
  }

  #visitObject(set: SelectionSetNode, type: GraphQLCompositeType, object: object): void {
    const { schema, variables } = this.#shown;
    const members = object as Record<string, unknown>;
    const name = isObjectType(type) ? type.name : this.#typeNameIn(set, members);
    const actual = name === undefined ? undefined : schema.getType(name);
    if (name === undefined || !isObjectType(actual) || this.found.length >= ENTITIES_MAX) return;
    const fields = new Map<string, unknown>();
    this.found.push({ type: name, fields });
    for (const field of this.fieldsOf(set, name)) {
      const key = responseKeyOf(field);
      if (!Object.hasOwn(members, key)) continue;
      if (field.selectionSet !== undefined) {
        this.visitField(field, actual, object);
        continue;
      }
      const given = argumentsOf(field, variables);
      fields.set(fieldName({ name: field.name.value, arguments: given }), members[key]);
    }
  }

  /** Under whichever alias it was asked for. */
  #typeNameIn(set: SelectionSetNode, members: Record<string, unknown>): string | undefined {
    for (const selection of set.selections) {
      if (selection.kind !== Kind.FIELD || selection.name.value !== '__typename') continue;
      const name = members[responseKeyOf(selection)];
      if (typeof name === 'string') return name;
    }
    return undefined;
  }

  #applies(condition: string | undefined, type: string): boolean {
    if (condition === undefined || condition === type) return true;
    const { schema } = this.#shown;
    const [above, own] = [schema.getType(condition), schema.getType(type)];
    if (!isCompositeType(above) || isObjectType(above) || !isObjectType(own)) return false;
    return schema.isSubType(above, own);
  }
}

function responseKeyOf({ alias, name }: FieldNode): string {
  return (alias ?? name).value;
}

/** Objects in a value, however deep its lists are. */
function itemsOf(value: unknown): object[] {
  if (Array.isArray(value)) return value.flatMap(itemsOf);
  return typeof value === 'object' && value !== null ? [value] : [];
}
