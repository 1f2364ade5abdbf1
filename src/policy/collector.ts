/**
 * Walks a result along what was worked out for its document: at each object, which key to read,
 * which members to go down to, what to take out. Members that hold nothing of interest are not
 * looked at.
 */
import { entityTag, type Tag } from '../invalidation/tag.ts';
import { tagsOf } from './declared-tags.ts';
import type { Variables } from './plan.ts';
import type { Placeholder, TagFormat } from './tag-format.ts';

type ResultObject = Record<string, unknown>;

/** Of the values that one selection can have. */
export interface ValueCollector {
  /** Where the values are of one type. */
  readonly only: ObjectCollector | undefined;
  readonly byType: ReadonlyMap<string, ObjectCollector>;
  /** Under which of these members the type's name stands. */
  readonly typenameKeys: readonly string[];
  /** The collections of the entities that a null stands in place of. */
  readonly whenNull: readonly Tag[];
  readonly entityTypes: readonly string[];
  /** Whatever its type, the value has nothing of interest. */
  readonly isIdle: boolean;
}

export interface ObjectCollector {
  readonly entity: EntityCollector | undefined;
  readonly formats: readonly FormatCollector[];
  readonly members: readonly MemberCollector[];
  /** Taken out, in this order: the last first, which leaves the object's shape a fast one. */
  readonly added: readonly string[];
}

export interface EntityCollector {
  /** More than one where it is known by an interface. */
  readonly types: readonly string[];
  /** None where the schema lacks a part of the key. */
  readonly keys: readonly KeyReader[];
  readonly version: KeyReader | undefined;
}

/** The members that hold the first field of the path, of which one is there, and what follows. */
export interface KeyReader {
  readonly members: readonly string[];
  readonly rest: readonly string[];
}

export interface FormatCollector {
  readonly format: TagFormat;
  readonly keyOf: ReadonlyMap<Placeholder, KeyReader>;
  readonly argumentOf: (placeholder: Placeholder, variables: Variables) => unknown;
}

export interface MemberCollector {
  readonly responseKey: string;
  readonly value: ValueCollector;
  /** The entities that the arguments name, whether the value holds them or not. */
  readonly named: ((variables: Variables) => readonly Tag[]) | undefined;
  /** A null in its place is declared to make the answer a negative one. */
  readonly isNegatable: boolean;
}

export interface GatheringOptions {
  readonly variables: Variables;
  readonly tagsMax: number;
  /** Entities alone are looked for, and nothing is taken out. */
  readonly entitiesOnly: boolean;
  readonly isAdded: (responseKey: string) => boolean;
}

/** One walk over one result. */
export class Gathering {
  readonly tags = new Set<Tag>();
  /** The least that was met. */
  readonly versions = new Map<Tag, number>();
  isNegative = false;
  /** Types of entities that were met and whose key was not there. */
  readonly unidentified = new Set<string>();
  /** Not all tags are there. */
  overflow = false;
  readonly #options: GatheringOptions;

  constructor(options: GatheringOptions) {
    this.#options = options;
  }

  walk(value: unknown, member: MemberCollector): void {
    if (typeof value !== 'object') return;
    if (value === null) this.#gatherNull(member);
    else if (Array.isArray(value)) for (const element of value) this.walk(element, member);
    else if (!member.value.isIdle) this.#walkTyped(value as ResultObject, member.value);
  }

  walkObject(object: ResultObject, { entity, formats, members, added }: ObjectCollector): void {
    if (entity !== undefined) this.#gatherEntity(object, entity);
    if (!this.#options.entitiesOnly) {
      for (const format of formats) this.#gatherFormat(object, format);
    }
    for (const member of members) {
      const value = object[member.responseKey];
      if (value !== undefined) this.walk(value, member);
    }
    if (!this.#options.entitiesOnly) for (const name of added) delete object[name];
  }

  #walkTyped(object: ResultObject, { only, byType, typenameKeys, entityTypes }: ValueCollector) {
    if (only !== undefined) {
      this.walkObject(object, only);
      return;
    }
    const typenameKey = typenameKeys.find((key) => typeof object[key] === 'string');
    const typename = typenameKey === undefined ? undefined : object[typenameKey];
    const collector = byType.get(typename as string);
    if (collector !== undefined) {
      this.walkObject(object, collector);
      return;
    }
    // The origin broke the contract, or left out what it was asked for.
    this.overflow = true;
    for (const type of entityTypes) this.unidentified.add(type);
    if (!this.#options.entitiesOnly) this.#clean(object);
  }

  #gatherNull({ value, named, isNegatable }: MemberCollector): void {
    if (this.#options.entitiesOnly) return;
    if (isNegatable) this.isNegative = true;
    for (const tag of value.whenNull) this.#add(tag);
    if (named !== undefined) for (const tag of named(this.#options.variables)) this.#add(tag);
  }

  #gatherEntity(object: ResultObject, { types, keys, version }: EntityCollector): void {
    const ids: string[] = [];
    for (const key of keys) {
      const id = read(object, key);
      if (isId(id)) ids.push(String(id));
    }
    if (ids.length === keys.length && ids.length > 0) {
      const tags = types.map((type) => entityTag(type, ...ids));
      for (const tag of tags) this.#add(tag);
      if (version !== undefined) this.#gatherVersion(tags, read(object, version));
      return;
    }
    this.overflow = true;
    for (const type of types) this.unidentified.add(type);
  }

  #gatherVersion(tags: readonly Tag[], shown: unknown): void {
    const version = versionIn(shown);
    if (version === undefined) return;
    for (const tag of tags) {
      if (!this.tags.has(tag)) continue;
      this.versions.set(tag, Math.min(version, this.versions.get(tag) ?? version));
    }
  }

  #gatherFormat(object: ResultObject, { format, keyOf, argumentOf }: FormatCollector): void {
    const { tags, complete } = tagsOf(format, (placeholder) => {
      const key = keyOf.get(placeholder);
      if (placeholder.source === 'key') return key === undefined ? key : read(object, key);
      return argumentOf(placeholder, this.#options.variables);
    });
    for (const tag of tags) this.#add(tag);
    if (!complete) this.overflow = true;
  }

  #add(tag: Tag): void {
    if (this.tags.size < this.#options.tagsMax) this.tags.add(tag);
    else if (!this.tags.has(tag)) this.overflow = true;
  }

  /** Where the type is not known, whatever has the name of something added was added. */
  #clean(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const element of value) this.#clean(element);
      return;
    }
    const object = value as ResultObject;
    for (const name of Object.keys(object)) {
      if (this.#options.isAdded(name)) delete object[name];
      else this.#clean(object[name]);
    }
  }
}

function read(object: ResultObject, { members, rest }: KeyReader): unknown {
  let value: unknown;
  for (const member of members) {
    value = object[member];
    if (value !== undefined) break;
  }
  for (const name of rest) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as ResultObject)[name];
  }
  return value;
}

/**
 * Whether it tells entities apart. A whole number that is larger than a double can hold has lost
 * digits on the way, so that its tag would be another entity's.
 */
export function isId(value: unknown): value is string | number | boolean | bigint {
  if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value);
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint';
}

/** Digits stand for a whole number; one that a double cannot hold would compare wrongly. */
export function versionIn(value: unknown): number | undefined {
  const isDigits = typeof value === 'string' && /^\d{1,16}$/.test(value);
  const version = isDigits || typeof value === 'bigint' ? Number(value) : value;
  const isVersion = typeof version === 'number' && Number.isSafeInteger(version) && version >= 0;
  return isVersion ? version : undefined;
}

/** The types that the representations of an `_entities` fetch name. */
export function representedTypes(representations: unknown): readonly string[] {
  const list = Array.isArray(representations) ? representations : [];
  const types = list.map((one: unknown) => (one as ResultObject | null)?.['__typename']);
  return [...new Set(types)].filter((type) => typeof type === 'string' && type !== '') as string[];
}
