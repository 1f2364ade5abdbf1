/** Which types of one schema are entities, and how their keys are asked for and read there. */
import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isListType,
  isObjectType,
  type GraphQLCompositeType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { collectionTag, type Tag } from '../invalidation/tag.ts';
import { pathField } from './field.ts';
import type { KeyPath } from './key-fields.ts';
import type { SchemaPolicy } from './schema-policy.ts';
import type { SelectedField, Selection } from './selection.ts';

/** Names in a federated subgraph (Apollo Federation subgraph specification). */
export const ENTITIES_FIELD = '_entities';
const ENTITY_UNION = '_Entity';

export interface EntityTypesSource {
  readonly schema: GraphQLSchema;
  readonly policy: SchemaPolicy;
  /** Begins each alias of an added field. */
  readonly aliasPrefix: string;
}

export class EntityTypes {
  readonly schema: GraphQLSchema;
  readonly policy: SchemaPolicy;
  readonly aliasPrefix: string;
  readonly #paths = new Map<string, readonly KeyPath[]>();
  readonly #under = new Map<Selection, ReadonlySet<string>>();
  readonly #listed = new Map<string, ReadonlySet<string>>();

  constructor({ schema, policy, aliasPrefix }: EntityTypesSource) {
    this.schema = schema;
    this.policy = policy;
    this.aliasPrefix = aliasPrefix;
  }

  isEntity(type: string): boolean {
    return this.policy.keyFields(type).length > 0;
  }

  /** What tells entities of the type apart; none where this schema lacks a part of it. */
  keyPaths(type: GraphQLObjectType): readonly KeyPath[] {
    const paths = this.policy.keyFields(type.name);
    return paths.every((path) => pathField(type, path) !== undefined) ? paths : [];
  }

  /** Of an entity that tells its version, where this schema has the field. */
  versionPath(type: GraphQLObjectType): KeyPath | undefined {
    const field = this.policy.versionField(type.name);
    if (field === undefined || this.keyPaths(type).length === 0) return undefined;
    return pathField(type, [field]) && [field];
  }

  /**
   * The fields to ask for: those of the key, what declared tags name beside them, and the version.
   */
  neededPaths(type: GraphQLObjectType): readonly KeyPath[] {
    const known = this.#paths.get(type.name);
    if (known !== undefined) return known;
    const { policy } = this;
    const needed = new Map(this.keyPaths(type).map((path) => [path.join('.'), path]));
    const version = this.versionPath(type);
    if (version !== undefined) needed.set(version.join('.'), version);
    const fields = Object.keys(type.getFields());
    const rules = [
      policy.typeRule(type.name),
      ...fields.map((field) => policy.fieldRule(type.name, field)),
    ];
    const formats = rules.flatMap(({ tags }) => tags);
    for (const { source, path } of formats.flatMap(({ placeholders }) => placeholders)) {
      if (source === 'key' && pathField(type, path)) needed.set(path.join('.'), path);
    }
    const paths = [...needed.values()];
    this.#paths.set(type.name, paths);
    return paths;
  }

  /** The same wherever the type is met, so that equal selections stay equal. */
  aliasOf(type: string, path: KeyPath): string {
    return `${this.aliasPrefix}${type}_${path[0] ?? ''}`;
  }

  get typenameAlias(): string {
    return `${this.aliasPrefix}type`;
  }

  isAdded(responseKey: string): boolean {
    return responseKey.startsWith(this.aliasPrefix);
  }

  possibleTypes(type: GraphQLCompositeType): readonly GraphQLObjectType[] {
    return isAbstractType(type) ? this.schema.getPossibleTypes(type) : [type];
  }

  /** The objects that a value can be: for `_entities`, only those of which something is asked. */
  met(selection: Selection): readonly (readonly [string, readonly SelectedField[]])[] {
    const objects = [...selection.objects];
    if (!isEntityUnion(selection.type)) return objects;
    return objects.filter(([, fields]) =>
      fields.some(({ name, responseKey }) => name !== '__typename' && !this.isAdded(responseKey)));
  }

  /** The entities that a value can be or hold, each way down to the first. */
  under(selection: Selection): ReadonlySet<string> {
    const known = this.#under.get(selection);
    if (known !== undefined) return known;
    const types = new Set<string>();
    this.#under.set(selection, types);
    for (const [type, fields] of this.met(selection)) {
      if (this.isEntity(type)) {
        types.add(type);
        continue;
      }
      for (const one of this.listedBy(type)) types.add(one);
      for (const { below } of fields) for (const one of this.#below(below)) types.add(one);
    }
    return types;
  }

  #below(selection: Selection | undefined): Iterable<string> {
    return selection === undefined ? [] : this.under(selection);
  }

  collections(types: Iterable<string>): readonly Tag[] {
    return [...types].flatMap((type) => this.policy.identities(type).map(collectionTag));
  }

  /**
   * The entities that a value of the type is or directly holds, whether they are selected or not:
   * of the payload of a mutation, and of edges in it.
   */
  heldBy(type: GraphQLCompositeType, depth = HELD_DEPTH): ReadonlySet<string> {
    const held = new Set<string>();
    for (const object of this.possibleTypes(type)) {
      if (this.isEntity(object.name)) held.add(object.name);
      else if (depth > 0 && !this.isRoot(object)) {
        for (const field of Object.values(object.getFields())) {
          const inner = getNamedType(field.type);
          if (!isCompositeType(inner)) continue;
          for (const one of this.heldBy(inner, depth - 1)) held.add(one);
        }
      }
    }
    return held;
  }

  /**
   * The entities in the lists of an object that is none itself, whether they are selected or not:
   * the number of elements that a connection tells changes with its list.
   */
  listedBy(type: string): ReadonlySet<string> {
    const known = this.#listed.get(type);
    if (known !== undefined) return known;
    const object = this.schema.getType(type);
    const isOwner = isObjectType(object) && !this.isEntity(type) && !this.isRoot(object);
    const fields = isOwner ? Object.values(object.getFields()) : [];
    const lists = fields.filter((field) => isListType(getNullableType(field.type)));
    const listed = new Set(lists.flatMap((list) => this.elementsOf(getNamedType(list.type))));
    this.#listed.set(type, listed);
    return listed;
  }

  /** What a list of the type is one of: of its elements, or of what they stand for, as edges do. */
  elementsOf(type: GraphQLNamedType): readonly string[] {
    const entities = this.#entitiesOf(type);
    if (entities.length > 0 || !isCompositeType(type)) return entities;
    return this.possibleTypes(type).flatMap((object) => {
      const { node, ...others } = object.getFields();
      const fields = node === undefined ? Object.values(others) : [node];
      return fields.flatMap((field) => this.#entitiesOf(getNamedType(field.type)));
    });
  }

  #entitiesOf(type: GraphQLNamedType): readonly string[] {
    if (!isCompositeType(type)) return [];
    return this.possibleTypes(type).map(({ name }) => name).filter((name) => this.isEntity(name));
  }

  isRoot(type: GraphQLObjectType): boolean {
    const { schema } = this;
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    return roots.includes(type);
  }
}

/** A payload, and an edge in it. Further down it is what the client asked for beside. */
const HELD_DEPTH = 2;

export function isEntityUnion(type: GraphQLCompositeType): boolean {
  return type.name === ENTITY_UNION && !isObjectType(type);
}

/** Those that something is selected of, in the order of the text. */
export function entityTypesIn(root: Selection, entities: EntityTypes): readonly string[] {
  const types = new Set<string>();
  const seen = new Set<Selection>([root]);
  for (const { objects } of seen) {
    for (const [type, fields] of objects) {
      const isAsked = fields.some(({ responseKey }) => !entities.isAdded(responseKey));
      if (isAsked && entities.isEntity(type)) types.add(type);
      for (const { below } of fields) if (below !== undefined) seen.add(below);
    }
  }
  return [...types];
}
