/** Works out from what a document selects how its results are walked. */
import { isObjectType, type FieldNode, type OperationDefinitionNode } from 'graphql';
import { argumentReader, variableDefaults } from './argument.ts';
import {
  representedTypes,
  type EntityCollector,
  type FormatCollector,
  type KeyReader,
  type MemberCollector,
  type ObjectCollector,
  type ValueCollector,
} from './collector.ts';
import { ENTITIES_FIELD, isEntityUnion, type EntityTypes } from './entity-types.ts';
import type { KeyPath } from './key-fields.ts';
import { namedEntities } from './named-entities.ts';
import type { Rule } from './rule.ts';
import type { SelectedField, Selection } from './selection.ts';
import type { TagFormat } from './tag-format.ts';

export interface CollectorSource {
  readonly entities: EntityTypes;
  readonly operation: OperationDefinitionNode;
  /** Nodes of the client's own that serve as key or `__typename`. */
  readonly reused: ReadonlySet<FieldNode>;
}

export class CollectorPlan {
  readonly #entities: EntityTypes;
  readonly #reused: ReadonlySet<FieldNode>;
  readonly #defaults: ReturnType<typeof variableDefaults>;
  readonly #values = new Map<Selection, ValueCollector>();
  readonly #negatable = new Map<Selection, boolean>();

  constructor({ entities, operation, reused }: CollectorSource) {
    this.#entities = entities;
    this.#reused = reused;
    this.#defaults = variableDefaults(operation);
  }

  /** `undefined` where nothing in the value is of interest. */
  member(field: SelectedField): MemberCollector | undefined {
    const { below, responseKey } = field;
    if (this.#entities.isAdded(responseKey)) return undefined;
    const isNegatable = this.#isNegatable(field);
    const value = below === undefined ? LEAF : this.#value(below);
    const named = below && this.#namedBy(field, below);
    if (value.isIdle && named === undefined && !isNegatable) return undefined;
    return { responseKey, value, named, isNegatable };
  }

  /** Whether the field, a type of its values or, at the root, the type that has it says so. */
  #isNegatable({ name, parent, below }: SelectedField): boolean {
    const { policy } = this.#entities;
    return saysNegative(policy.fieldRule(parent.name, name))
      || (below !== undefined && this.#hasNegatable(below))
      || (this.#entities.isRoot(parent) && saysNegative(policy.typeRule(parent.name)));
  }

  #hasNegatable(below: Selection): boolean {
    const known = this.#negatable.get(below);
    if (known !== undefined) return known;
    const types = [below.type.name, ...this.#entities.met(below).map(([type]) => type)];
    const has = types.some((type) => saysNegative(this.#entities.policy.typeRule(type)));
    this.#negatable.set(below, has);
    return has;
  }

  object(type: string, fields: readonly SelectedField[]): ObjectCollector {
    const members = fields.flatMap((field) => this.member(field) ?? []);
    const formats = this.#formats(type, fields);
    const added = fields.map(({ responseKey }) => responseKey)
      .filter((key) => this.#entities.isAdded(key)).toReversed();
    return { entity: this.#entity(type, fields), formats, members, added };
  }

  #value(selection: Selection): ValueCollector {
    const known = this.#values.get(selection);
    if (known !== undefined) return known;
    const byType = new Map<string, ObjectCollector>();
    for (const [type, fields] of selection.objects) byType.set(type, this.object(type, fields));
    const { type } = selection;
    const under = this.#entities.under(selection);
    const whenNull = isEntityUnion(type) ? [] : this.#entities.collections(under);
    const isIdle = [...byType.values()].every(isIdleObject);
    const value: ValueCollector = {
      only: isObjectType(type) ? byType.get(type.name) : undefined,
      byType,
      typenameKeys: this.#typenameKeys(selection),
      whenNull,
      entityTypes: [...under],
      isIdle: isIdle && whenNull.length === 0,
    };
    this.#values.set(selection, value);
    return value;
  }

  #typenameKeys({ objects }: Selection): readonly string[] {
    const keys = [...objects.values()].flatMap((fields) =>
      fields.filter(({ name }) => name === '__typename').map(({ responseKey }) => responseKey));
    return [...new Set(keys)];
  }

  #entity(type: string, fields: readonly SelectedField[]): EntityCollector | undefined {
    if (!this.#entities.isEntity(type)) return undefined;
    const object = this.#entities.schema.getType(type);
    const paths = isObjectType(object) ? this.#entities.keyPaths(object) : [];
    const types = this.#entities.policy.identities(type);
    const version = isObjectType(object) ? this.#entities.versionPath(object) : undefined;
    return {
      types,
      keys: paths.map((path) => this.#key(type, path, fields)),
      version: version && this.#key(type, version, fields),
    };
  }

  #key(type: string, path: KeyPath, fields: readonly SelectedField[]): KeyReader {
    const alias = this.#entities.aliasOf(type, path);
    const [first, ...rest] = path;
    const members = fields
      .filter(({ responseKey, name, nodes }) => responseKey === alias
        || (name === first && rest.length === 0 && nodes.some((node) => this.#reused.has(node))))
      .map(({ responseKey }) => responseKey);
    return { members, rest };
  }

  #formats(type: string, fields: readonly SelectedField[]): readonly FormatCollector[] {
    const { policy } = this.#entities;
    const ofType = policy.typeRule(type).tags.filter(namesKey)
      .map((format) => this.#format(format, { type, fields }));
    const ofFields = fields.flatMap((field) =>
      (field.name.startsWith('__') || this.#entities.isAdded(field.responseKey)
        ? []
        : policy.fieldRule(type, field.name).tags.filter(namesKey)
          .map((format) => this.#format(format, { type, fields, field }))));
    return [...ofType, ...ofFields];
  }

  #format(
    format: TagFormat,
    { type, fields, field }: {
      type: string;
      fields: readonly SelectedField[];
      field?: SelectedField;
    },
  ): FormatCollector {
    const keyOf = new Map(
      format.placeholders
        .filter(({ source }) => source === 'key')
        .map((placeholder) => [placeholder, this.#key(type, placeholder.path, fields)]),
    );
    const [node] = field?.nodes ?? [];
    const reader = field && node && argumentReader(field.field, node, this.#defaults);
    return { format, keyOf, argumentOf: ({ path }, variables) => reader?.(path, variables) };
  }

  #namedBy(field: SelectedField, below: Selection): MemberCollector['named'] {
    const [node] = field.nodes;
    if (node === undefined || field.field.args.length === 0) return undefined;
    const reader = argumentReader(field.field, node, this.#defaults);
    if (field.name === ENTITIES_FIELD && isEntityUnion(below.type)) {
      return (variables) =>
        this.#entities.collections(representedTypes(reader(['representations'], variables)));
    }
    const types = [...below.objects.keys()].filter((type) => this.#entities.isEntity(type));
    return namedEntities({ types, field: field.field, reader }, this.#entities.policy);
  }
}

const LEAF: ValueCollector = {
  only: undefined, byType: new Map(), typenameKeys: [], whenNull: [], entityTypes: [], isIdle: true,
};

function saysNegative({ strategy }: Rule): boolean {
  return strategy?.negativeTtlSeconds !== undefined;
}

function isIdleObject({ entity, formats, members, added }: ObjectCollector): boolean {
  return entity === undefined && formats.length + members.length + added.length === 0;
}

function namesKey({ placeholders }: TagFormat): boolean {
  return placeholders.some(({ source }) => source === 'key');
}
