/** The tags that an operation has by its text, whatever its result. */
import { isListType, isNonNullType, type OperationDefinitionNode } from 'graphql';
import { tagOf, type Tag } from '../invalidation/tag.ts';
import { argumentReader, variableDefaults } from './argument.ts';
import { ENTITIES_FIELD, type EntityTypes } from './entity-types.ts';
import type { Variables } from './plan.ts';
import type { SelectedField, Selection } from './selection.ts';
import { fillFormat, plainPath, type Placeholder, type TagFormat } from './tag-format.ts';

export interface Declared {
  readonly tags: readonly Tag[];
  /**
   * False where the arguments do not fill a format. Its tag then ends before what is missing; that
   * is not invalidated by what the format was meant for, so the answer must not be kept.
   */
  readonly complete: boolean;
}

export interface DeclaredTagsSource {
  readonly root: Selection;
  readonly operation: OperationDefinitionNode;
  readonly entities: EntityTypes;
}

export class DeclaredTags {
  readonly #static: readonly Tag[];
  readonly #dynamic: readonly Dynamic[];

  constructor(source: DeclaredTagsSource) {
    const reader = new Reader(source);
    reader.visit(source.root, true);
    this.#static = [...reader.static];
    this.#dynamic = reader.dynamic;
  }

  under(variables: Variables): Declared {
    if (this.#dynamic.length === 0) return { tags: this.#static, complete: true };
    const tags = new Set(this.#static);
    let complete = true;
    for (const { format, valueOf } of this.#dynamic) {
      const filled = tagsOf(format, (placeholder) => valueOf(placeholder, variables));
      for (const tag of filled.tags) tags.add(tag);
      complete &&= filled.complete;
    }
    return { tags: [...tags], complete };
  }
}

/** What a format becomes with these values. */
export function tagsOf(
  format: TagFormat,
  valueOf: (placeholder: Placeholder) => unknown,
): Declared {
  const { choices, unfilled } = fillFormat(format, valueOf);
  const paths = [
    ...choices.map((choice) => plainPath(format, choice)),
    ...(unfilled?.choices.map((choice) => plainPath(format, choice, unfilled.at)) ?? []),
  ];
  const tags = paths.filter((path) => path.length > 0).map(tagOf);
  return { tags, complete: unfilled === undefined };
}

interface Dynamic {
  readonly format: TagFormat;
  readonly valueOf: (placeholder: Placeholder, variables: Variables) => unknown;
}

class Reader {
  readonly static = new Set<Tag>();
  readonly dynamic: Dynamic[] = [];
  readonly #entities: EntityTypes;
  readonly #defaults: ReturnType<typeof variableDefaults>;
  readonly #visited = new Set<Selection>();
  readonly #listed = new Set<Selection>();

  constructor({ entities, operation }: DeclaredTagsSource) {
    this.#entities = entities;
    this.#defaults = variableDefaults(operation);
  }

  visit(selection: Selection, isRoot = false): void {
    if (this.#visited.has(selection)) return;
    this.#visited.add(selection);
    for (const [type] of isRoot ? [] : this.#entities.met(selection)) this.#readType(type);
    for (const [type, fields] of selection.objects) {
      this.#addTypes(this.#entities.listedBy(type));
      for (const field of fields) {
        if (this.#entities.isAdded(field.responseKey) || field.name.startsWith('__')) continue;
        this.#readField(field);
        if (field.below === undefined) continue;
        const isTransparent = isRoot && field.name === ENTITIES_FIELD;
        if (isList(field) && !isTransparent) this.#addCollections(field.below);
        this.visit(field.below);
      }
    }
  }

  #addCollections(elements: Selection): void {
    if (this.#listed.has(elements)) return;
    this.#listed.add(elements);
    this.#addTypes(this.#entities.under(elements));
    this.#addTypes(this.#entities.elementsOf(elements.type));
  }

  #addTypes(types: Iterable<string>): void {
    for (const tag of this.#entities.collections(types)) this.static.add(tag);
  }

  #readField(field: SelectedField): void {
    for (const format of this.#entities.policy.fieldRule(field.parent.name, field.name).tags) {
      if (format.placeholders.some(({ source }) => source !== 'args')) continue;
      if (format.placeholders.length === 0) {
        this.static.add(tagOf(plainPath(format)));
        continue;
      }
      const [node] = field.nodes;
      if (node === undefined) continue;
      const read = argumentReader(field.field, node, this.#defaults);
      const valueOf: Dynamic['valueOf'] = ({ path }, variables) => read(path, variables);
      this.dynamic.push({ format, valueOf });
    }
  }

  #readType(type: string): void {
    for (const format of this.#entities.policy.typeRule(type).tags) {
      if (format.placeholders.length === 0) this.static.add(tagOf(plainPath(format)));
    }
  }
}

function isList({ field: { type } }: SelectedField): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}
