/**
 * Puts the fields of a result in the order in which the operation asks for them (GraphQL, section
 * 7.1: a serialized map should keep it). The executor has them in the order in which they came, so
 * that one and the same answer had other bytes, and another entity tag, each time.
 *
 * It goes by the text, and by no more than can be said without a schema (`policy/selection.ts` does
 * with one, for what a result may hold): where the order of an object hangs on its type or on a
 * directive, it stays as it came. What it remembers of a document grows with its text alone.
 */
import {
  getOperationAST, Kind, type DocumentNode, type FragmentDefinitionNode, type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

interface Executed {
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
}

const known = new WeakMap<DocumentNode, Orders>();

/** Changes `data` in place. */
export function putInOrder(data: unknown, { document, operationName }: Executed): void {
  const operation = getOperationAST(document, operationName);
  if (operation === null || operation === undefined) return;
  const orders = known.get(document) ?? new Orders(document);
  known.set(document, orders);
  orders.of([operation.selectionSet]).putIn(data);
}

/** Of one document: the same for all places where the same is selected. */
class Orders {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #numbers = new Map<SelectionSetNode, number>();
  readonly #orders = new Map<string, Order>();

  constructor({ definitions }: DocumentNode) {
    this.fragments = new Map(definitions.flatMap((definition) =>
      (definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [])));
  }

  of(selectionSets: readonly SelectionSetNode[]): Order {
    const name = selectionSets.map((one) => this.#numberOf(one)).join();
    const order = this.#orders.get(name) ?? new Order(selectionSets, this);
    this.#orders.set(name, order);
    return order;
  }

  #numberOf(selectionSet: SelectionSetNode): number {
    const number = this.#numbers.get(selectionSet) ?? this.#numbers.size;
    this.#numbers.set(selectionSet, number);
    return number;
  }
}

/** Of all objects of which the same is selected. */
class Order {
  readonly #orders: Orders;
  /** By response key, in order. */
  readonly #fields = new Map<string, Field>();
  readonly #conditional = new Set<string>();
  /** Names of fragments: each is looked at once, as fragments may spread others many times. */
  readonly #spread = new Set<string>();
  #isTold = true;

  constructor(selectionSets: readonly SelectionSetNode[], orders: Orders) {
    this.#orders = orders;
    for (const { selections } of selectionSets) this.#collect(selections, false);
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
        case Kind.FRAGMENT_SPREAD:
          this.#collectFragment(selection.name.value);
          break;
        default:
          selection satisfies never;
      }
    }
  }

  /** As for a field: twice, and perhaps not there the first time. */
  #collectFragment(name: string): void {
    if (this.#spread.has(name)) {
      this.#isTold = false;
      return;
    }
    this.#spread.add(name);
    this.#collect(this.#orders.fragments.get(name)?.selectionSet.selections ?? [], true);
  }

  /** Twice, and perhaps not there the first time: then its place is not told. */
  #add(
    key: string,
    { isMaybe, below }: { isMaybe: boolean; below: SelectionSetNode | undefined },
  ): void {
    const known = this.#fields.get(key);
    const field = known ?? { place: this.#fields.size, selectionSets: [], order: undefined };
    if (known === undefined) this.#fields.set(key, field);
    else if (this.#conditional.has(key)) this.#isTold = false;
    if (known === undefined && isMaybe) this.#conditional.add(key);
    if (below !== undefined) field.selectionSets.push(below);
  }

  #putInObject(object: Record<string, unknown>): void {
    let [last, isInOrder] = [-1, true];
    const keys = Object.keys(object);
    for (const key of keys) {
      const field = this.#fields.get(key);
      const place = field?.place ?? this.#fields.size;
      if (place < last) isInOrder = false;
      last = place;
      if (field !== undefined && field.selectionSets.length > 0) {
        field.order ??= this.#orders.of(field.selectionSets);
        field.order.putIn(object[key]);
      }
    }
    if (this.#isTold && !isInOrder) this.#sort(object, keys);
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
    return this.#fields.get(key)?.place ?? this.#fields.size;
  }
}

interface Field {
  readonly place: number;
  /** Where its own fields are selected. */
  readonly selectionSets: SelectionSetNode[];
  /** Of these, once it was wanted. */
  order: Order | undefined;
}
