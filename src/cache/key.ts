/**
 * Where a value is kept. `home` is the Redis key without the configured prefix (`user:123`,
 * `response:<hash>`); an entity's home is a hash with one `field` for each way it was asked for,
 * so that a plain `DEL user:123` from any service drops all of it at once.
 */
import { digestOf } from '../invalidation/digest.ts';
import { ownText } from '../invalidation/own-text.ts';

/** Begins every hashed key: raise it when the form of keys or of stored entries changes. */
export const FORMAT_VERSION = 2;

export interface CacheKey {
  /** Unique among all keys: the key of L1 and of single flight. */
  readonly id: string;
  readonly home: string;
  /** Absent for a value that has its home to itself. */
  readonly field?: string;
}

/** A hash of `parts`; no two different lists of JSON values have the same one. */
export function hashOf(parts: readonly unknown[]): string {
  return digestOf(JSON.stringify([FORMAT_VERSION, ...parts]));
}

/**
 * JSON with the members of every object in one order: equal values, equal texts. What JSON has no
 * form for (undefined, a function) is `null`.
 */
export function canonicalJson(value: unknown): string {
  return textOf(value) ?? 'null';
}

/** `undefined` for what JSON has no form for: a member that is, is left out. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  // A Date, and what else says itself what stands for it.
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return canonicalJson((value as { toJSON: () => unknown }).toJSON());
  }
  const object = value as Record<string, unknown>;
  let members = '';
  for (const name of inOrder(Object.keys(object))) {
    const text = textOf(object[name]);
    if (text === undefined) continue;
    members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${text}`;
  }
  return `{${members}}`;
}

/** Most objects have their members in order, and to sort them again is not free. */
function inOrder(names: string[]): readonly string[] {
  for (let at = 1; at < names.length; at += 1) {
    if ((names[at - 1] as string) > (names[at] as string)) return names.sort();
  }
  return names;
}

export function responseKey(parts: readonly unknown[]): CacheKey {
  const home = ownText(`response:${hashOf(parts)}`);
  return { id: home, home };
}

export function entityKey(home: string, parts: readonly unknown[]): CacheKey {
  return keyIn(home, hashOf(parts));
}

/** `field` is not in use for anything else in that home. */
export function keyIn(home: string, field: string): CacheKey {
  return { id: ownText(`${home}\n${field}`), home, field };
}

/** The key that has this id. */
export function keyOf(id: string): CacheKey {
  const [home = '', field] = id.split('\n', 2);
  return field === undefined ? { id, home } : { id, home, field };
}
