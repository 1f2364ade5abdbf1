/**
 * Puts the fields of a result in the order in which the operation asks for them (GraphQL, section
 * 7.1: a serialized map should keep it). The executor has them in the order in which they came, so
 * that one and the same answer had other bytes, and another entity tag, each time.
 *
 * Where the text alone does not tell the order of an object, since it hangs on its type or on a
 * directive, the object stays as it came.
 */
import {
  getOperationAST, Kind, type DocumentNode, type FragmentDefinitionNode, type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

interface Executed {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

const orders = new WeakMap<DocumentNode, Map<string, Order>>();

/** Changes `data` in place. */
export function putInOrder(data: unknown, { document, operationName }: Executed): void {
  const known = orders.get(document) ?? new Map<string, Order>();
  orders.set(document, known);
  const name = operationName ?? '';
  const order = known.get(name) ?? orderOf(document, operationName);
  if (order === undefined) return;
  known.set(name, order);
  order.putIn(data);
}

function orderOf(document: DocumentNode, operationName?: string | null): Order | undefined {
  const operation = getOperationAST(document, operationName);
  if (operation === null || operation === undefined) return undefined;
  const fragments = new Map(document.definitions.flatMap((definition) =>
    (definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [])));
  return new Order([operation.selectionSet], fragments);
}

/** Of all objects in one place of a result. */
class Order {
  readonly #fragments: Fragments;
  /** By response key, in order: where its own fields are selected. */
  readonly #fields = new Map<string, SelectionSetNode[]>();
  readonly #places = new Map<string, number>();
  readonly #below = new Map<string, Order>();
  readonly #conditional = new Set<string>();
  #isTold = true;

  constructor(selectionSets: readonly SelectionSetNode[], fragments: Fragments) {
    this.#fragments = fragments;
    for (const { selections } of selectionSets) this.#collect(selections, false);
    for (const key of this.#fields.keys()) this.#places.set(key, this.#places.size);
  }

  putIn(value: unknown): void {
    if (Array.isArray(value)) {
      for (const one of value) this.putIn(one);
    } else if (typeof value === 'object' && value !== null) {
      this.#putInObject(value as Record<string, unknown>);
    }
  }

  #collect(selections: readonly SelectionNode[], isConditional: boolean): void {
    for (const selection of selections) {
      const isMaybe = isConditional || (selection.directives ?? []).length > 0;
      switch (selection.kind) {
        case Kind.FIELD:
          this.#add((selection.alias ?? selection.name).value, {
            isMaybe, below: selection.selectionSet,
          });
          break;
        case Kind.INLINE_FRAGMENT:
          this.#collect(
            selection.selectionSet.selections, isMaybe || selection.typeCondition !== undefined);
          break;
        case Kind.FRAGMENT_SPREAD: {
          const fragment = this.#fragments.get(selection.name.value);
          this.#collect(fragment?.selectionSet.selections ?? [], true);
          break;
        }
        default:
          selection satisfies never;
      }
    }
  }

  /** Twice, and perhaps not there the first time: then its place is not told. */
  #add(
    key: string,
    { isMaybe, below }: { isMaybe: boolean; below: SelectionSetNode | undefined },
  ): void {
    const fields = this.#fields.get(key);
    if (fields === undefined) this.#fields.set(key, []);
    else if (this.#conditional.has(key)) this.#isTold = false;
    if (fields === undefined && isMaybe) this.#conditional.add(key);
    if (below !== undefined) this.#fields.get(key)?.push(below);
  }

  #putInObject(object: Record<string, unknown>): void {
    const keys = Object.keys(object);
    for (const key of keys) {
      const selectionSets = this.#fields.get(key);
      if (selectionSets === undefined || selectionSets.length === 0) continue;
      this.#orderBelow(key, selectionSets).putIn(object[key]);
    }
    if (this.#isTold && !this.#isInOrder(keys)) this.#sort(object, keys);
  }

  #orderBelow(key: string, selectionSets: readonly SelectionSetNode[]): Order {
    const known = this.#below.get(key);
    if (known !== undefined) return known;
    const order = new Order(selectionSets, this.#fragments);
    this.#below.set(key, order);
    return order;
  }

  #isInOrder(keys: readonly string[]): boolean {
    let last = -1;
    return keys.every((key) => {
      const isAfter = this.#placeOf(key) >= last;
      last = this.#placeOf(key);
      return isAfter;
    });
  }

  #sort(object: Record<string, unknown>, keys: readonly string[]): void {
    const sorted = keys.toSorted((one, other) => this.#placeOf(one) - this.#placeOf(other));
    for (const key of sorted) {
      const value = object[key];
      delete object[key];
      object[key] = value;
    }
  }

  /** What nobody asked for is at the end. */
  #placeOf(key: string): number {
    return this.#places.get(key) ?? this.#places.size;
  }
}
