/**
 * What an operation selects, type by type: fragments are spread out and selections of the same
 * response key merged, as execution does it (GraphQL specification, 6.3.2 Field Collection), for
 * each object type that a value can have. Directives are left out of account: what @include(if:)
 * may leave out is counted in.
 *
 * One selection of a type is expanded once, however many ways lead to it, and the whole is
 * bounded, so a document cannot cost more than its limit.
 */
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { fault } from '../invalidation/errors.ts';
import { fieldOf, notOfSchema } from './field.ts';

export interface Selection {
  readonly type: GraphQLCompositeType;
  /** By the name of the object type: each possible one, also where nothing is selected of it. */
  readonly objects: ReadonlyMap<string, readonly SelectedField[]>;
}

export interface SelectedField {
  readonly responseKey: string;
  /** `__typename`, `__schema` and `__type` included. */
  readonly name: string;
  readonly parent: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  readonly nodes: readonly FieldNode[];
  /** What is selected of its value; `undefined` for a scalar or an enum. */
  readonly below: Selection | undefined;
}

/** Beyond it a document is refused: some ten megabytes, and less than a tenth of a second. */
const STEPS_MAX = 200_000;

export interface SelectionSource {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/** Throws `REQUEST_INVALID` for a document that is not of the schema, `DOCUMENT_LIMIT_EXCEEDED`. */
export function selectionOf({ schema, document, operation }: SelectionSource): Selection {
  const root = schema.getRootType(operation.operation);
  if (!root) throw notOfSchema(`a schema with operations of the kind ${operation.operation}`);
  return new Expansion(schema, document).expand(root, [operation.selectionSet]);
}

class Expansion {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #selections = new Map<string, Selection>();
  readonly #sets = new Map<SelectionSetNode, IndexedSet>();
  readonly #members = new Map<string, ReadonlySet<string>>();
  #steps = 0;

  constructor(schema: GraphQLSchema, document: DocumentNode) {
    this.#schema = schema;
    this.#fragments = fragmentsOf(document);
  }

  expand(type: GraphQLCompositeType, sets: readonly SelectionSetNode[]): Selection {
    const key = `${type.name} ${sets.map((set) => this.#index(set).id).join(' ')}`;
    const known = this.#selections.get(key);
    if (known !== undefined) return known;
    const possible = isAbstractType(type) ? this.#schema.getPossibleTypes(type) : [type];
    const objects = new Map<string, readonly SelectedField[]>();
    const selection = { type, objects };
    this.#selections.set(key, selection);
    for (const object of possible) objects.set(object.name, this.#fieldsOf(object, sets));
    return selection;
  }

  #fieldsOf(parent: GraphQLObjectType, sets: readonly SelectionSetNode[]): SelectedField[] {
    const nodesByKey = new Map<string, FieldNode[]>();
    const visited = new Set<SelectionSetNode>();
    for (const set of sets) this.#collect({ parent, nodesByKey, visited }, set);
    return [...nodesByKey].map(([responseKey, nodes]) => this.#field(parent, responseKey, nodes));
  }

  #field(parent: GraphQLObjectType, responseKey: string, nodes: FieldNode[]): SelectedField {
    const name = (nodes[0] as FieldNode).name.value;
    const field = fieldOf(this.#schema, parent, name);
    const type = getNamedType(field.type);
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const isDescended = isCompositeType(type) && !name.startsWith('__');
    const below = isDescended ? this.expand(type, [...new Set(sets)]) : undefined;
    return { responseKey, name, parent, field, nodes, below };
  }

  #collect(collection: Collection, set: SelectionSetNode): void {
    const { parent, nodesByKey, visited } = collection;
    if (visited.has(set)) return;
    visited.add(set);
    const { fields, byCondition, abstracts } = this.#index(set);
    this.#step(fields.length + abstracts.length + 1);
    for (const node of fields) {
      const key = (node.alias ?? node.name).value;
      const nodes = nodesByKey.get(key);
      if (nodes === undefined) nodesByKey.set(key, [node]);
      else nodes.push(node);
    }
    const applying = abstracts.filter((name) => this.#membersOf(name).has(parent.name));
    for (const condition of ['', parent.name, ...applying]) {
      for (const inner of byCondition.get(condition) ?? []) this.#collect(collection, inner);
    }
  }

  #step(count: number): void {
    this.#steps += count;
    if (this.#steps <= STEPS_MAX) return;
    const limit = 'Selections, counted for each type that they can be of';
    throw fault('DOCUMENT_LIMIT_EXCEEDED', { limit, max: STEPS_MAX, got: 'more' });
  }

  /** So that an object looks only at what is selected of it, not at what is of its siblings. */
  #index(set: SelectionSetNode): IndexedSet {
    const known = this.#sets.get(set);
    if (known !== undefined) return known;
    const fields: FieldNode[] = [];
    const byCondition = new Map<string, SelectionSetNode[]>();
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        fields.push(selection);
        continue;
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD
        ? this.#fragments.get(selection.name.value)
        : selection;
      if (fragment === undefined) throw notOfSchema('a document with its fragments');
      const condition = fragment.typeCondition?.name.value ?? '';
      const inner = byCondition.get(condition);
      if (inner === undefined) byCondition.set(condition, [fragment.selectionSet]);
      else inner.push(fragment.selectionSet);
    }
    // A condition on a type that this schema lacks can be met by none of its objects.
    const abstracts = [...byCondition.keys()]
      .filter((name) => isAbstractType(this.#schema.getType(name)));
    const indexed = { id: this.#sets.size, fields, byCondition, abstracts };
    this.#sets.set(set, indexed);
    return indexed;
  }

  #membersOf(abstract: string): ReadonlySet<string> {
    const known = this.#members.get(abstract);
    if (known !== undefined) return known;
    const type = this.#schema.getType(abstract);
    const possible = isAbstractType(type) ? this.#schema.getPossibleTypes(type) : [];
    const members = new Set(possible.map(({ name }) => name));
    this.#members.set(abstract, members);
    return members;
  }
}

interface IndexedSet {
  readonly id: number;
  readonly fields: readonly FieldNode[];
  /** Of fragments, inline or spread, by their type condition; none is the empty one. */
  readonly byCondition: ReadonlyMap<string, readonly SelectionSetNode[]>;
  /** Those of the conditions that are interfaces and unions. */
  readonly abstracts: readonly string[];
}

interface Collection {
  readonly parent: GraphQLObjectType;
  readonly nodesByKey: Map<string, FieldNode[]>;
  readonly visited: Set<SelectionSetNode>;
}

export function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  return new Map(
    document.definitions.flatMap((node) =>
      (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
}
