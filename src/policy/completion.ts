/**
 * Adds to a document what tells which entities its result holds: `__typename` where a value can be
 * of several types, and the key fields of each, where the client does not ask for them anyway.
 * What is added stands under aliases with a prefix that no client can use, so it is known again
 * when it is taken out.
 */
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  Kind,
  visit,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { fault } from '../invalidation/errors.ts';
import { isEntityUnion, type EntityTypes } from './entity-types.ts';
import { fieldOf, nameNode, pathField } from './field.ts';
import { fragmentsOf } from './selection.ts';

export interface Completion {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** Nodes of the client's own that serve as key or `__typename`. */
  readonly reused: ReadonlySet<FieldNode>;
}

export interface CompletionSource {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly entities: EntityTypes;
}

/** The document as it is where nothing needs to be added. Throws `ALIAS_RESERVED`. */
export function complete({ document, operation, entities }: CompletionSource): Completion {
  refuseReserved(document, entities.aliasPrefix);
  const root = entities.schema.getRootType(operation.operation);
  if (operation.operation === 'subscription' || !root) {
    return { document, operation, reused: new Set() };
  }
  const completer = new Completer(document, entities, operation.operation === 'mutation');
  const completed = {
    ...operation,
    selectionSet: completer.completeSet(operation.selectionSet, root),
  };
  const definitions = document.definitions.map((definition) => {
    if (definition === operation) return completed;
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) return definition;
    const type = entities.schema.getType(definition.typeCondition.name.value);
    if (!isCompositeType(type)) return definition;
    return { ...definition, selectionSet: completer.completeSet(definition.selectionSet, type) };
  });
  const { reused, added } = completer;
  if (!added) return { document, operation, reused };
  return { document: { ...document, definitions }, operation: completed, reused };
}

function refuseReserved(document: DocumentNode, prefix: string): void {
  visit(document, {
    Field({ alias, name }) {
      const key = (alias ?? name).value;
      if (key.startsWith(prefix)) throw fault('ALIAS_RESERVED', { prefix, alias: key });
    },
  });
}

/** Of fields that are added; beyond it a document is refused. */
const ADDED_MAX = 50_000;
/** Of looking for what the client asks for anyway; beyond it all is added. */
const SEARCH_STEPS_MAX = 200_000;

class Completer {
  readonly reused = new Set<FieldNode>();
  readonly #entities: EntityTypes;
  readonly #isMutation: boolean;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  #addedCount = 0;
  #searchStepsLeft = SEARCH_STEPS_MAX;

  constructor(document: DocumentNode, entities: EntityTypes, isMutation: boolean) {
    this.#entities = entities;
    this.#isMutation = isMutation;
    this.#fragments = fragmentsOf(document);
  }

  get added(): boolean {
    return this.#addedCount > 0;
  }

  completeSet(set: SelectionSetNode, type: GraphQLCompositeType): SelectionSetNode {
    const selections = set.selections.map((selection): SelectionNode => {
      switch (selection.kind) {
        case Kind.FIELD:
          return this.#completeField(selection, type);
        case Kind.INLINE_FRAGMENT: {
          const name = selection.typeCondition?.name.value;
          const inner = name === undefined ? type : this.#entities.schema.getType(name);
          if (!isCompositeType(inner)) return selection;
          return { ...selection, selectionSet: this.completeSet(selection.selectionSet, inner) };
        }
        case Kind.FRAGMENT_SPREAD:
          return selection;
        default:
          return selection satisfies never;
      }
    });
    return { ...set, selections };
  }

  #completeField(node: FieldNode, parent: GraphQLCompositeType): FieldNode {
    const { selectionSet } = node;
    if (selectionSet === undefined || node.name.value.startsWith('__')) return node;
    const type = getNamedType(fieldOf(this.#entities.schema, parent, node.name.value).type);
    if (!isCompositeType(type)) return node;
    const additions = [
      ...(isAbstractType(type)
        ? this.#abstractAdditions(type, selectionSet)
        : this.#keyAdditions(type, selectionSet)),
      ...(this.#isMutation ? this.#resultAdditions(node, parent, type) : []),
    ];
    const completed = this.completeSet(selectionSet, type);
    if (additions.length === 0) return { ...node, selectionSet: completed };
    this.#addedCount += additions.length;
    if (this.#addedCount > ADDED_MAX) {
      const limit = 'Key fields to be asked for in addition';
      throw fault('DOCUMENT_LIMIT_EXCEEDED', { limit, max: ADDED_MAX, got: 'more' });
    }
    const selections = [...completed.selections, ...additions];
    return { ...node, selectionSet: { ...completed, selections } };
  }

  #keyAdditions(
    type: ReturnType<EntityTypes['possibleTypes']>[number],
    set: SelectionSetNode,
  ): readonly FieldNode[] {
    const paths = this.#entities.neededPaths(type);
    if (paths.length === 0) return [];
    const own = this.#unconditional(set, type);
    return paths.flatMap((path) => {
      const present = path.length === 1 ? own.get(path[0] ?? '') : undefined;
      if (present !== undefined) {
        this.reused.add(present);
        return [];
      }
      return pathField(type, path, this.#entities.aliasOf(type.name, path)) ?? [];
    });
  }

  #abstractAdditions(type: GraphQLCompositeType, set: SelectionSetNode): readonly SelectionNode[] {
    const entities = this.#entities;
    const possible = entities.possibleTypes(type);
    const asked = isEntityUnion(type) ? this.#conditionsIn(set) : undefined;
    const met = possible.filter((object) => asked === undefined
      || [...asked].some((condition) => this.#isMetBy(condition, object)));
    const isFlat = set.selections.every((one) => one.kind === Kind.FIELD && !one.selectionSet);
    if (isFlat && !met.some(({ name }) => entities.isEntity(name))) return [];
    const fragments = met.flatMap((object): SelectionNode[] => {
      const selections = this.#keyAdditions(object, set);
      if (selections.length === 0) return [];
      const typeCondition = { kind: Kind.NAMED_TYPE, name: nameNode(object.name) } as const;
      const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
      return [{ kind: Kind.INLINE_FRAGMENT, typeCondition, selectionSet }];
    });
    const typename = this.#unconditional(set, type).get('__typename');
    if (typename !== undefined) {
      this.reused.add(typename);
      return fragments;
    }
    const alias = nameNode(entities.typenameAlias);
    return [...fragments, { kind: Kind.FIELD, alias, name: nameNode('__typename') }];
  }

  /** What `@cachePurge` of this field wants to know of its answer. */
  #resultAdditions(
    { name }: FieldNode,
    parent: GraphQLCompositeType,
    type: GraphQLCompositeType,
  ): readonly FieldNode[] {
    const { purges = [] } = this.#entities.policy.fieldRule(parent.name, name.value);
    return purges.flatMap(({ placeholders }) =>
      placeholders.flatMap(({ source, path }) => {
        if (source !== 'result' || path.length === 0) return [];
        return pathField(type, path, resultAlias(this.#entities, path)) ?? [];
      }));
  }

  /** Fields that are in the answer for every value of the type, whatever the variables. */
  #unconditional(
    set: SelectionSetNode,
    type: GraphQLCompositeType,
    { found, visited }: Found = { found: new Map(), visited: new Set() },
  ): ReadonlyMap<string, FieldNode> {
    this.#searchStepsLeft -= set.selections.length;
    if (this.#searchStepsLeft < 0) return new Map();
    for (const selection of set.selections) {
      if (selection.directives?.length) continue;
      if (selection.kind === Kind.FIELD) {
        const isPlain = !selection.arguments?.length && !selection.selectionSet;
        if (isPlain && !found.has(selection.name.value)) found.set(selection.name.value, selection);
        continue;
      }
      const isSpread = selection.kind === Kind.FRAGMENT_SPREAD;
      const name = isSpread ? selection.name.value : undefined;
      if (name !== undefined && visited.has(name)) continue;
      if (name !== undefined) visited.add(name);
      const fragment = isSpread ? this.#fragments.get(selection.name.value) : selection;
      const condition = fragment?.typeCondition?.name.value;
      const applies = condition === undefined || this.#isMetBy(condition, type);
      if (fragment && applies) {
        this.#unconditional(fragment.selectionSet, type, { found, visited });
      }
    }
    return found;
  }

  /** The type conditions at the top of a selection, through fragments. */
  #conditionsIn(set: SelectionSetNode, conditions = new Set<string>()): ReadonlySet<string> {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) continue;
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD
        ? this.#fragments.get(selection.name.value)
        : selection;
      const condition = fragment?.typeCondition?.name.value;
      if (condition !== undefined && conditions.has(condition)) continue;
      if (condition !== undefined) conditions.add(condition);
      const isPlain = fragment !== undefined && condition === undefined;
      if (isPlain) this.#conditionsIn(fragment.selectionSet, conditions);
    }
    return conditions;
  }

  #isMetBy(condition: string, type: GraphQLCompositeType): boolean {
    if (condition === type.name) return true;
    const { schema } = this.#entities;
    const above = schema.getType(condition);
    return isAbstractType(above) && !isUnion(type) && schema.isSubType(above, type);
  }
}

interface Found {
  readonly found: Map<string, FieldNode>;
  readonly visited: Set<string>;
}

function isUnion(type: GraphQLCompositeType): type is Extract<typeof type, { getTypes: unknown }> {
  return 'getTypes' in type;
}

export function resultAlias(entities: EntityTypes, path: readonly string[]): string {
  return `${entities.aliasPrefix}result_${path[0] ?? ''}`;
}
