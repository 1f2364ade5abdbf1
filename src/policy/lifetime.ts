/**
 * How long an answer may be kept, and for whom: the least of what the schema says of each field
 * that the operation can touch. The rules for the age are those that Apollo Server documents
 * (https://www.apollographql.com/docs/apollo-server/performance/caching); the default age is
 * configured, and interfaces count in both directions.
 */
import { isAbstractType } from 'graphql';
import { orStrategy, strictestStrategy, type DeclaredStrategy } from './declared-strategy.ts';
import { isEntityUnion, type EntityTypes } from './entity-types.ts';
import type { Scope } from './plan.ts';
import { least, NO_RULE, type Rule } from './rule.ts';
import type { TypeRule } from './schema-policy.ts';
import type { SelectedField, Selection } from './selection.ts';
import { NO_STRATEGY, type Strategy } from './strategy.ts';
import {
  leastWindows, limitedBy, orWindows, StrategySurvey, windowsOf, type Windows,
} from './strategy-survey.ts';

export interface Lifetime {
  readonly ttlMs: number;
  readonly strategy: Strategy;
  readonly scope: Scope;
  readonly introspection: boolean;
}

/** Is told what each place says, for whoever wants to know which of them decides. */
export interface LifetimeWitness {
  /** One of the places: the first that says so, or none of them, so that it is the default. */
  age(ttlMs: number, coordinates: readonly string[]): void;
  scope(scope: 'PRIVATE' | 'UNDECLARED', coordinates: readonly string[]): void;
}

export function lifetimeOf(
  root: Selection,
  entities: EntityTypes,
  witness?: LifetimeWitness,
): Lifetime {
  const survey = new Survey(entities, witness);
  survey.visitRoot(root);
  return survey.lifetime();
}

class Survey {
  readonly #entities: EntityTypes;
  readonly #visited = new Set<Selection>();
  readonly #terms = new Map<Selection, ValueTerms>();
  readonly #strategies: StrategySurvey;
  readonly #witness: LifetimeWitness | undefined;
  #isPrivate = false;
  #isUndeclared = false;
  #introspects = false;

  constructor(entities: EntityTypes, witness: LifetimeWitness | undefined) {
    this.#entities = entities;
    this.#witness = witness;
    this.#strategies = new StrategySurvey(entities.policy.limits);
  }

  lifetime(): Lifetime {
    const { policy } = this.#entities;
    const { ttlMs: leastMs } = this.#strategies;
    const ttlMs = Number.isFinite(leastMs) ? leastMs : policy.cappedTtlMs(policy.defaultTtlMs);
    const isKept = ttlMs > 0 && !this.#introspects;
    return {
      ttlMs: isKept ? ttlMs : 0,
      strategy: isKept ? this.#strategies.strategy(ttlMs) : NO_STRATEGY,
      scope: this.#isPrivate ? 'PRIVATE' : this.#isUndeclared ? 'UNDECLARED' : 'PUBLIC',
      introspection: this.#introspects,
    };
  }

  visitRoot(root: Selection): void {
    const rule = this.#entities.policy.typeRule(root.type.name);
    if (rule.scope === 'PRIVATE') this.#keepPrivate([root.type.name]);
    this.#strategies.demand(rule.strategy);
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
    const at = `${field.parent.name}.${field.name}`;
    if (rule.scope === 'PRIVATE') this.#keepPrivate([at]);
    if (field.below !== undefined) this.#countValue({ below: field.below, rule, isRoot, at });
    else this.#countLeaf({ rule, isRoot, at });
  }

  #keepPrivate(coordinates: readonly string[]): void {
    this.#isPrivate = true;
    this.#witness?.scope('PRIVATE', coordinates);
  }

  #keepUndeclared(coordinates: readonly string[]): void {
    this.#isUndeclared = true;
    this.#witness?.scope('UNDECLARED', coordinates);
  }

  /** A scalar without a rule has what its parent has; at the root there is no parent. */
  #countLeaf({ rule, isRoot, at }: Counted): void {
    if (isRoot && rule.scope !== 'PUBLIC') this.#keepUndeclared([at]);
    if (rule === NO_RULE && !isRoot) return;
    const unsetMs = isRoot ? this.#entities.policy.defaultTtlMs : Number.POSITIVE_INFINITY;
    const { maxAgeSeconds } = rule;
    const ttlMs = maxAgeSeconds === undefined ? unsetMs : maxAgeSeconds * 1_000;
    this.#strategies.bound(ttlMs, windowsOf(rule));
    this.#witness?.age(ttlMs, [at]);
    this.#strategies.demand(rule.strategy);
  }

  #countValue({ below, rule, isRoot, at }: CountedValue): void {
    const terms = this.#termsOf(below);
    const types = terms.objects.map(({ type }) => type);
    if (terms.isPrivate) this.#keepPrivate([at, ...types, below.type.name]);
    if (rule.scope !== 'PUBLIC' && !terms.isPublic) this.#keepUndeclared([at]);
    this.#strategies.demand(orStrategy(rule.strategy, terms.demands));

    const own = windowsOf(rule);
    if (rule.maxAgeSeconds !== undefined) {
      this.#strategies.bound(rule.maxAgeSeconds * 1_000, orWindows(own, terms.windows));
      this.#witness?.age(rule.maxAgeSeconds * 1_000, [at]);
      return;
    }
    // Entities stand at the root of a subgraph's answer, and somewhere below in the client's.
    const mayInherit = !isRoot || isEntityUnion(below.type);
    for (const { type, ttlMs, ttlMsMax, inherits, windows } of terms.objects) {
      const isInherited = ttlMs === undefined && mayInherit
        && (inherits || rule.inheritMaxAge === true);
      const unsetMs = isInherited ? Number.POSITIVE_INFINITY : this.#entities.policy.defaultTtlMs;
      const boundMs = Math.min(ttlMs ?? unsetMs, ttlMsMax);
      this.#strategies.bound(boundMs, orWindows(own, windows));
      this.#witness?.age(boundMs, [type, below.type.name]);
    }
  }

  #termsOf(below: Selection): ValueTerms {
    const known = this.#terms.get(below);
    if (known !== undefined) return known;
    const terms = valueTerms(below, this.#entities);
    this.#terms.set(below, terms);
    return terms;
  }
}

interface Counted {
  readonly rule: Rule;
  readonly isRoot: boolean;
  /** The coordinate of the field. */
  readonly at: string;
}

interface CountedValue extends Counted {
  readonly below: Selection;
}

/** What the types of a value say, each different thing once. */
interface ValueTerms {
  readonly isPrivate: boolean;
  readonly isPublic: boolean;
  /** The least of them. */
  readonly windows: Windows;
  readonly demands: DeclaredStrategy | undefined;
  readonly objects: readonly ObjectTerms[];
}

interface ObjectTerms {
  /** One of those that say so. */
  readonly type: string;
  /** `undefined`: no rule. */
  readonly ttlMs: number | undefined;
  /** Whatever the default: by the interface or union that the field returns, or the type's. */
  readonly ttlMsMax: number;
  readonly inherits: boolean;
  readonly windows: Windows;
  readonly demands: DeclaredStrategy | undefined;
}

function valueTerms(below: Selection, entities: EntityTypes): ValueTerms {
  const { policy } = entities;
  const { type } = below;
  const abstractRule = isAbstractType(type) ? policy.typeRule(type.name) : NO_RULE;
  const names = entities.met(below).map(([name]) => name);
  const rules = names.map((name) => policy.typeRule(name));
  const objects = new Map<string, ObjectTerms>();
  // Of a type that nothing can be of, its own rule is all there is.
  for (const [at, rule] of (rules.length > 0 ? rules : [abstractRule]).entries()) {
    const terms = objectTerms(rule, abstractRule);
    objects.set(JSON.stringify(terms), { ...terms, type: names[at] ?? type.name });
  }
  const all = [...objects.values()];
  const scopes = rules.map(({ scope }) => scope);
  return {
    isPrivate: abstractRule.scope === 'PRIVATE' || scopes.includes('PRIVATE'),
    isPublic: abstractRule.scope === 'PUBLIC'
      || (scopes.length > 0 && scopes.every((scope) => scope === 'PUBLIC')),
    windows: leastWindows(all.map(({ windows }) => windows)),
    demands: all.map(({ demands }) => demands).reduce(strictestStrategy, undefined),
    objects: all,
  };
}

function objectTerms(rule: TypeRule, abstractRule: Rule): Omit<ObjectTerms, 'type'> {
  const seconds = rule.maxAgeSeconds ?? abstractRule.maxAgeSeconds;
  const secondsMax = least(abstractRule.maxAgeSeconds, rule.maxAgeSecondsMax);
  const limited = limitedBy(rule, abstractRule);
  return {
    ttlMs: seconds === undefined ? undefined : seconds * 1_000,
    ttlMsMax: (secondsMax ?? Number.POSITIVE_INFINITY) * 1_000,
    inherits: rule.inheritMaxAge === true || abstractRule.inheritMaxAge === true,
    windows: orWindows(windowsOf(limited), windowsOf(abstractRule)),
    demands: limited.strategy,
  };
}
