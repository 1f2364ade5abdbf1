/**
 * How long an answer may be kept, and for whom: the least of what the schema says of each field
 * that the operation can touch. The rules for the age are those that Apollo Server documents
 * (https://www.apollographql.com/docs/apollo-server/performance/caching); the default age is
 * configured, and interfaces count in both directions.
 */
import { isAbstractType } from 'graphql';
import { ENTITIES_FIELD, type EntityTypes } from './entity-types.ts';
import type { Scope } from './plan.ts';
import { NO_RULE, type Rule } from './rule.ts';
import type { SelectedField, Selection } from './selection.ts';

export interface Lifetime {
  readonly ttlMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly scope: Scope;
  readonly introspection: boolean;
}

export function lifetimeOf(root: Selection, entities: EntityTypes): Lifetime {
  const survey = new Survey(entities);
  survey.visitRoot(root);
  return survey.lifetime();
}

class Survey {
  readonly #entities: EntityTypes;
  readonly #visited = new Set<Selection>();
  #ttlMs = Number.POSITIVE_INFINITY;
  /** The least of age and stale window together: how long it may be of any use. */
  #usableMs = Number.POSITIVE_INFINITY;
  #isPrivate = false;
  #isUndeclared = false;
  #introspects = false;

  constructor(entities: EntityTypes) {
    this.#entities = entities;
  }

  lifetime(): Lifetime {
    const isBounded = Number.isFinite(this.#ttlMs);
    const ttlMs = isBounded ? this.#ttlMs : this.#entities.policy.defaultTtlMs;
    const isKept = ttlMs > 0 && !this.#introspects;
    const windowMs = isBounded ? this.#usableMs - this.#ttlMs : 0;
    return {
      ttlMs: isKept ? ttlMs : 0,
      staleWhileRevalidateMs: isKept ? windowMs : 0,
      scope: this.#isPrivate ? 'PRIVATE' : this.#isUndeclared ? 'UNDECLARED' : 'PUBLIC',
      introspection: this.#introspects,
    };
  }

  visitRoot(root: Selection): void {
    if (this.#entities.policy.typeRule(root.type.name).scope === 'PRIVATE') this.#isPrivate = true;
    this.#visit(root, true);
  }

  #visit(selection: Selection, isRoot = false): void {
    if (this.#visited.has(selection)) return;
    this.#visited.add(selection);
    for (const fields of selection.objects.values()) {
      for (const field of fields) {
        if (this.#entities.isAdded(field.responseKey)) continue;
        this.#count(field, isRoot);
        if (field.below !== undefined) this.#visit(field.below);
      }
    }
  }

  #count(field: SelectedField, isRoot: boolean): void {
    if (field.name.startsWith('__')) {
      this.#introspects ||= field.name !== '__typename';
      return;
    }
    const rule = this.#entities.policy.fieldRule(field.parent.name, field.name);
    if (rule.scope === 'PRIVATE') this.#isPrivate = true;
    if (field.below !== undefined) this.#countValue({ field, below: field.below, rule, isRoot });
    else this.#countLeaf(rule, isRoot);
  }

  /** A scalar without a rule has what its parent has; at the root there is no parent. */
  #countLeaf(rule: Rule, isRoot: boolean): void {
    if (isRoot && rule.scope !== 'PUBLIC') this.#isUndeclared = true;
    const { maxAgeSeconds, staleWhileRevalidateSeconds: staleSeconds = 0 } = rule;
    if (maxAgeSeconds !== undefined) this.#bound(maxAgeSeconds * 1_000, staleSeconds * 1_000);
    else if (isRoot) this.#bound(this.#entities.policy.defaultTtlMs, staleSeconds * 1_000);
  }

  #countValue({ field, below, rule, isRoot }: CountedValue): void {
    const { policy } = this.#entities;
    const { type } = below;
    const abstractRule = isAbstractType(type) ? policy.typeRule(type.name) : NO_RULE;
    const objects = this.#entities.met(below).map(([name]) => name);
    this.#countScope(rule, abstractRule, objects);

    const { maxAgeSeconds, staleWhileRevalidateSeconds: ownStaleSeconds } = rule;
    const staleMs = (other: Rule): number =>
      (ownStaleSeconds ?? other.staleWhileRevalidateSeconds
        ?? abstractRule.staleWhileRevalidateSeconds ?? 0) * 1_000;
    // Without a known type to be of, it is as a type without a rule.
    const typeRules = objects.length > 0
      ? objects.map((name) => [name, policy.typeRule(name)] as const)
      : [[type.name, abstractRule] as const];
    if (maxAgeSeconds !== undefined) {
      for (const [, typeRule] of typeRules) this.#bound(maxAgeSeconds * 1_000, staleMs(typeRule));
      return;
    }
    const isTransparent = field.name === ENTITIES_FIELD && isRoot;
    const abstractMs = (abstractRule.maxAgeSeconds ?? Number.POSITIVE_INFINITY) * 1_000;
    for (const [name, typeRule] of typeRules) {
      const inherits = [rule, typeRule, abstractRule].some((one) => one.inheritMaxAge === true);
      const isInherited = inherits && (!isRoot || isTransparent);
      const unsetMs = isInherited ? Number.POSITIVE_INFINITY : policy.defaultTtlMs;
      const whenUnset = Number.isFinite(abstractMs) ? abstractMs : unsetMs;
      this.#bound(Math.min(policy.typeTtlMs(name, whenUnset), abstractMs), staleMs(typeRule));
    }
  }

  #countScope(rule: Rule, abstractRule: Rule, objects: readonly string[]): void {
    const scopes = objects.map((name) => this.#entities.policy.typeRule(name).scope);
    if (abstractRule.scope === 'PRIVATE' || scopes.includes('PRIVATE')) this.#isPrivate = true;
    const isPublic = rule.scope === 'PUBLIC' || abstractRule.scope === 'PUBLIC'
      || (scopes.length > 0 && scopes.every((scope) => scope === 'PUBLIC'));
    if (!isPublic) this.#isUndeclared = true;
  }

  #bound(ttlMs: number, staleMs: number): void {
    this.#ttlMs = Math.min(this.#ttlMs, ttlMs);
    this.#usableMs = Math.min(this.#usableMs, ttlMs + staleMs);
  }
}

interface CountedValue {
  readonly field: SelectedField;
  readonly below: Selection;
  readonly rule: Rule;
  readonly isRoot: boolean;
}
