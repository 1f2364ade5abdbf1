/**
 * Where a value is kept. `home` is the Redis key without the configured prefix (`user:123`,
 * `response:<hash>`); an entity's home is a hash with one `field` for each way it was asked for,
 * so that a plain `DEL user:123` from any service drops all of it at once.
 */
import { createHash } from 'node:crypto';

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
  const text = JSON.stringify([FORMAT_VERSION, ...parts]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 32);
}

/**
 * JSON with the members of every object in one order: equal values, equal texts. What JSON has no
 * form for (undefined, a function) is `null`.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value ?? null, (_name, member: unknown) => {
    if (member === null || typeof member !== 'object' || Array.isArray(member)) return member;
    const sorted = Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return Object.fromEntries(sorted);
  });
}

export function responseKey(parts: readonly unknown[]): CacheKey {
  const home = `response:${hashOf(parts)}`;
  return { id: home, home };
}

export function entityKey(home: string, parts: readonly unknown[]): CacheKey {
  const field = hashOf(parts);
  return { id: `${home}\n${field}`, home, field };
}
