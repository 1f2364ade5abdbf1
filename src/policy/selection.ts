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

/** Beyond it a document is refused: some megabytes, and some ten milliseconds. */
const SELECTED_FIELDS_MAX = 100_000;

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
  readonly #setIds = new Map<SelectionSetNode, number>();
  #selectedCount = 0;

  constructor(schema: GraphQLSchema, document: DocumentNode) {
    this.#schema = schema;
    this.#fragments = new Map(
      document.definitions.flatMap((node) =>
        (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
    );
  }

  expand(type: GraphQLCompositeType, sets: readonly SelectionSetNode[]): Selection {
    const key = `${type.name} ${sets.map((set) => this.#idOf(set)).join(' ')}`;
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
    const visited = new Set<string>();
    for (const set of sets) this.#collect({ parent, nodesByKey, visited }, set);
    this.#selectedCount += nodesByKey.size;
    if (this.#selectedCount > SELECTED_FIELDS_MAX) {
      const limit = 'Fields selected, counted for each type that they can be of';
      const max = SELECTED_FIELDS_MAX;
      throw fault('DOCUMENT_LIMIT_EXCEEDED', { limit, max, got: 'more' });
    }
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
    for (const selection of set.selections) {
      switch (selection.kind) {
        case Kind.FIELD: {
          const key = (selection.alias ?? selection.name).value;
          const nodes = nodesByKey.get(key);
          if (nodes === undefined) nodesByKey.set(key, [selection]);
          else nodes.push(selection);
          break;
        }
        case Kind.INLINE_FRAGMENT:
          if (this.#applies(selection.typeCondition?.name.value, parent)) {
            this.#collect(collection, selection.selectionSet);
          }
          break;
        case Kind.FRAGMENT_SPREAD: {
          const { value } = selection.name;
          if (visited.has(value)) break;
          visited.add(value);
          const fragment = this.#fragments.get(value);
          if (fragment === undefined) throw notOfSchema('a document with its fragments');
          if (this.#applies(fragment.typeCondition.name.value, parent)) {
            this.#collect(collection, fragment.selectionSet);
          }
          break;
        }
        default:
          selection satisfies never;
      }
    }
  }

  /** A condition on a type that this schema lacks can be met by none of its objects. */
  #applies(condition: string | undefined, object: GraphQLObjectType): boolean {
    if (condition === undefined || condition === object.name) return true;
    const type = this.#schema.getType(condition);
    return isAbstractType(type) && this.#schema.isSubType(type, object);
  }

  #idOf(set: SelectionSetNode): number {
    const known = this.#setIds.get(set);
    if (known !== undefined) return known;
    const id = this.#setIds.size;
    this.#setIds.set(set, id);
    return id;
  }
}

interface Collection {
  readonly parent: GraphQLObjectType;
  readonly nodesByKey: Map<string, FieldNode[]>;
  readonly visited: Set<string>;
}
