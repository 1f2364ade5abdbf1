/** What the placeholders of a declared tag or purge may name at each coordinate of a schema. */
import {
  Kind, print, type DefinitionNode, type FieldDefinitionNode, type TypeNode,
} from 'graphql';
import { fieldsOf, isComposite, isUnion, rootTypes } from './definition-nodes.ts';
import { scalarNames, type TypeKeys } from './key-fields.ts';
import type { RulePlace } from './rule.ts';
import type { Placeholder } from './tag-format.ts';

/** Where it is not known yet what the schema has. */
export const ANYWHERE: RulePlace = {
  tags: { sources: ['args', 'key'], patterns: false },
  purges: { sources: ['args', 'result'], patterns: true },
};

type Fields = ReadonlyMap<string, FieldDefinitionNode>;

export class RulePlaces {
  /** What the schema calls it, if it has any. */
  readonly mutationType: string | undefined;
  readonly #fields = new Map<string, Map<string, FieldDefinitionNode>>();
  readonly #objects = new Set<string>();
  readonly #unions = new Set<string>();
  readonly #scalars: ReadonlySet<string>;
  readonly #keys: ReadonlyMap<string, TypeKeys>;

  constructor(definitions: readonly DefinitionNode[], keys: ReadonlyMap<string, TypeKeys>) {
    this.#keys = keys;
    [this.mutationType] = [...rootTypes(definitions)].find(([, as]) => as === 'Mutation') ?? [];
    this.#scalars = scalarNames(definitions);
    for (const node of definitions.filter(isComposite)) {
      const type = node.name.value;
      const fields = this.#fields.get(type) ?? new Map<string, FieldDefinitionNode>();
      for (const field of fieldsOf(node)) fields.set(field.name.value, field);
      this.#fields.set(type, fields);
      const isObject = node.kind === Kind.OBJECT_TYPE_DEFINITION
        || node.kind === Kind.OBJECT_TYPE_EXTENSION;
      if (isObject) this.#objects.add(type);
      if (isUnion(node)) this.#unions.add(type);
    }
  }

  has(type: string, field?: string): boolean {
    const fields = this.#fields.get(type);
    return fields !== undefined && (field === undefined || fields.has(field));
  }

  ofType(type: string): RulePlace {
    const has = ({ path }: Placeholder): boolean => this.#hasKey(type, path);
    return {
      tags: { sources: ['key'], patterns: false, has },
      purges: { sources: [], patterns: true },
      entityProblem: () => this.#entityProblem(type),
      writeThroughProblem: () => this.#entityProblem(type),
      versionProblem: (field) => this.#versionProblem(type, field),
    };
  }

  ofField(type: string, name: string): RulePlace {
    const field = this.#fields.get(type)?.get(name);
    const has = ({ source, path }: Placeholder): boolean => {
      switch (source) {
        case 'args':
          return field?.arguments?.some((one) => one.name.value === path[0]) ?? false;
        case 'key':
          return this.#hasKey(type, path);
        case 'result':
          return field !== undefined && this.#hasPath(nameOf(field.type), path);
        default:
          return source satisfies never;
      }
    };
    return {
      tags: { sources: ['args', 'key'], patterns: false, has },
      purges: { sources: ['args', 'result'], patterns: true, has },
      entityProblem: () => 'an entity type was required, got a field',
      writeThroughProblem: () => (type === this.mutationType
        ? undefined : 'an entity type or a field of Mutation was required, got another field'),
    };
  }

  #entityProblem(type: string): string | undefined {
    if (this.#unions.has(type)) return 'an entity type was required, got a union';
    // Of an interface, it is of those of its types that are entities.
    if (!this.#objects.has(type) || this.#keys.has(type)) return undefined;
    return `an entity type, which has a key, was required, got ${type}`;
  }

  #versionProblem(type: string, name: string): string | undefined {
    const field = this.#fields.get(type)?.get(name);
    if (field === undefined) return `a field of ${type} was required, got ${JSON.stringify(name)}`;
    const needsArgument = field.arguments?.some((one) =>
      one.type.kind === Kind.NON_NULL_TYPE && one.defaultValue === undefined) ?? false;
    if (needsArgument) return `a field without arguments was required, got ${name}`;
    const bare = field.type.kind === Kind.NON_NULL_TYPE ? field.type.type : field.type;
    const scalar = bare.kind === Kind.NAMED_TYPE ? bare.name.value : undefined;
    const holdsVersion = scalar !== undefined && this.#scalars.has(scalar)
      && scalar !== 'Float' && scalar !== 'Boolean';
    return holdsVersion
      ? undefined
      : `a scalar field of whole numbers was required, got ${name}: ${print(field.type)}`;
  }

  /** The types behind an interface may have what it lacks; they are seen when an answer comes. */
  #hasKey(type: string, path: readonly string[]): boolean {
    if (!this.#objects.has(type)) return true;
    return this.#keys.get(type)?.known.has(path.join('.')) ?? false;
  }

  #hasPath(type: string, path: readonly string[]): boolean {
    const [first, ...rest] = path;
    const fields: Fields | undefined = this.#fields.get(type);
    if (first === undefined) return fields === undefined;
    const field = fields?.get(first);
    return field !== undefined && this.#hasPath(nameOf(field.type), rest);
  }
}

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type);
}
