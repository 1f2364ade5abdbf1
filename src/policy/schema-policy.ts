/**
 * What a schema and its operator say of caching, by coordinate: how long, for whom, which tags,
 * and which fields identify an entity. All faults are found when it is made, and told together.
 */
import {
  Kind, type ConstDirectiveNode, type DocumentNode, type GraphQLSchema,
} from 'graphql';
import { definitionsOf, fieldsOf, isComposite, isUnion } from './definition-nodes.ts';
import { argument, DirectiveNames, textOf } from './directive-names.ts';
import { readKeys, type KeyPath, type TypeKeys } from './key-fields.ts';
import type { Scope } from './plan.ts';
import {
  invalidPolicy, least, NO_RULE, policyDirective, readRule, strictest,
  type DeclaredScope, type PolicyDirective, type Rule,
} from './rule.ts';
import { RulePlaces } from './rule-place.ts';
import { NO_STRATEGY, type Strategy } from './strategy.ts';
import {
  limitedBy, StrategySurvey, windowsOf, type StrategyLimits,
} from './strategy-survey.ts';
import { configuredRule, type ConfiguredRule } from './configured-rule.ts';

export interface SchemaPolicyOptions {
  /** For a field that returns an object and has no rule, nor has its type. Default 60,000. */
  readonly defaultTtlMs?: number;
  /** No entry lives longer, however often it is used. Default 24 hours. */
  readonly maxTtlMs?: number;
  /** No entry is served longer past its time while it is loaded anew. Default 1 hour. */
  readonly maxStaleWhileRevalidateMs?: number;
  /** No entry is served longer past its time while its origin is out of reach. Default 1 hour. */
  readonly maxStaleIfErrorMs?: number;
  /** By coordinate, `Type` or `Type.field`: each member in place of the directive's. */
  readonly rules?: Readonly<Record<string, ConfiguredRule>>;
  /** By type, the names of its key fields (`['id']`, `['organization { id }', 'number']`). */
  readonly keyFields?: Readonly<Record<string, readonly string[]>>;
}

export interface TypeHint {
  readonly ttlMs: number;
  readonly strategy: Strategy;
  readonly scope: Scope;
}

/** Where something is said of caching. */
export interface Said {
  /** `Type` or `Type.field`. */
  readonly coordinate: string;
  /** `configuration`: `cache.rules`, in place of the directive. */
  readonly by: 'directive' | 'configuration';
}

/** The rule of a type together with what its interfaces forbid. */
export interface TypeRule extends Rule {
  /** Beyond it no interface of the type lets it be kept, whatever its own rule or the default. */
  readonly maxAgeSecondsMax?: number | undefined;
}

export class SchemaPolicy {
  readonly defaultTtlMs: number;
  readonly limits: StrategyLimits;
  readonly #keys: ReadonlyMap<string, TypeKeys>;
  /** By coordinate, as declared. */
  readonly #declared: ReadonlyMap<string, Rule>;
  /** By coordinate, with the interfaces of the type counted in. */
  readonly #effective = new Map<string, TypeRule>();
  readonly #mutationType: string | undefined;
  readonly #hints = new Map<string, TypeHint>();
  readonly #configured: Readonly<Record<string, ConfiguredRule>>;
  readonly #interfaces = new Map<string, Set<string>>();
  readonly #implementations = new Map<string, Set<string>>();

  /**
   * `schema`: a supergraph, a subgraph's SDL, or a schema whose nodes carry the directives.
   * Throws `POLICY_INVALID`, with every fault in it.
   */
  constructor(schema: DocumentNode | GraphQLSchema, options: SchemaPolicyOptions = {}) {
    const { defaultTtlMs = 60_000, rules = {}, keyFields = {} } = options;
    const problems: string[] = [];
    const report = (problem: string): void => void problems.push(problem);
    if (!(Number.isFinite(defaultTtlMs) && defaultTtlMs >= 0)) {
      report(`defaultTtlMs: 0 or more was required, got ${defaultTtlMs}.`);
    }
    this.defaultTtlMs = defaultTtlMs;
    this.#configured = rules;
    this.limits = limitsOf(options, report);
    const definitions = definitionsOf(schema);
    const names = new DirectiveNames(definitions);
    this.#keys = readKeys({ definitions, names, keyFields, report });
    const places = new RulePlaces(definitions, this.#keys);
    this.#mutationType = places.mutationType;

    const declared = new Map<string, Rule>();
    const declare = (type: string, field: string | undefined, nodes: Directives): void => {
      const directives = (nodes ?? []).flatMap((node) => policyDirectives(node, names));
      if (directives.length === 0) return;
      const coordinate = field === undefined ? type : `${type}.${field}`;
      const place = field === undefined ? places.ofType(type) : places.ofField(type, field);
      const rule = readRule(directives, place, (problem) => report(`${coordinate}: ${problem}`));
      declared.set(coordinate, strictest(declared.get(coordinate) ?? NO_RULE, rule));
    };
    for (const node of definitions.filter(isComposite)) {
      const type = node.name.value;
      declare(type, undefined, node.directives);
      for (const field of fieldsOf(node)) declare(type, field.name.value, field.directives);
      if (isUnion(node)) continue;
      const isObject = node.kind === Kind.OBJECT_TYPE_DEFINITION
        || node.kind === Kind.OBJECT_TYPE_EXTENSION;
      for (const { name } of node.interfaces ?? []) {
        relate(this.#interfaces, type, name.value);
        if (isObject) relate(this.#implementations, name.value, type);
      }
    }
    for (const [coordinate, configured] of Object.entries(rules)) {
      const before = declared.get(coordinate) ?? NO_RULE;
      declared.set(coordinate, configuredRule({ coordinate, configured, before, places, report }));
    }
    this.#declared = declared;
    this.#checkVersions(report);
    if (problems.length > 0) throw invalidPolicy(problems);
  }

  /** What holds for a value of the type as a whole, with all that its fields may hold. */
  typeHint(type: string): TypeHint {
    const known = this.#hints.get(type);
    if (known !== undefined) return known;
    const rule = this.typeRule(type);
    const { scope: declared } = rule;
    const scope = declared === 'PUBLIC' && this.#hasPrivateField(type) ? undefined : declared;
    const survey = new StrategySurvey(this.limits);
    survey.bound(this.#typeTtlMs(type), windowsOf(rule));
    survey.demand(rule.strategy);
    const { ttlMs } = survey;
    const hint: TypeHint = {
      ttlMs,
      strategy: ttlMs === 0 ? NO_STRATEGY : survey.strategy(ttlMs),
      scope: scope ?? 'UNDECLARED',
    };
    this.#hints.set(type, hint);
    return hint;
  }

  /** The field of the type that holds its version, which only grows; `undefined`: it has none. */
  versionField(type: string): string | undefined {
    return this.#keys.has(type) ? this.#versionFields(type)[0] : undefined;
  }

  /** Whether answers of mutations, of those that are declared so, fill entries of the type. */
  writesThrough(type: string): boolean {
    if (!this.#keys.has(type)) return false;
    const own = this.#declared.get(type)?.writeThrough;
    const above = [...(this.#interfaces.get(type) ?? [])];
    return own ?? above.some((name) => this.#declared.get(name)?.writeThrough === true);
  }

  /** Whether what the answer of the mutation shows of entities is what they are after it. */
  mutationWritesThrough(field: string): boolean {
    return this.#declared.get(`${this.#mutationType}.${field}`)?.writeThrough === true;
  }

  cappedTtlMs(ttlMs: number): number {
    return Math.min(ttlMs, this.limits.maxTtlMs);
  }

  /** In the order in which they stand in the entity's tag; none where the type is no entity. */
  keyFields(type: string): readonly KeyPath[] {
    return this.#keys.get(type)?.primary ?? [];
  }

  /** Under which types an entity is tagged: a subgraph may know only its interface. */
  identities(type: string): readonly string[] {
    return [type, ...(this.#implementations.get(type) ?? [])];
  }

  typeRule(type: string): TypeRule {
    return this.#remember(type, () => {
      let rule: TypeRule = this.#declared.get(type) ?? NO_RULE;
      for (const name of this.#interfaces.get(type) ?? []) {
        const above = this.#declared.get(name);
        if (above !== undefined) rule = forbidden(rule, above);
      }
      return rule;
    });
  }

  /** With what the interfaces of the type declare for the same field. */
  fieldRule(type: string, field: string): Rule {
    return this.#remember(`${type}.${field}`, () => {
      let rule = this.#declared.get(`${type}.${field}`) ?? NO_RULE;
      for (const name of this.#interfaces.get(type) ?? []) {
        rule = strictest(rule, this.#declared.get(`${name}.${field}`) ?? NO_RULE);
      }
      return rule;
    });
  }

  /** The first of the coordinates, or of what their interfaces declare, that says so itself. */
  whoSays<Member extends 'maxAgeSeconds' | 'scope'>(
    member: Member,
    { value, coordinates }: { value: Rule[Member]; coordinates: readonly string[] },
  ): Said | undefined {
    for (const coordinate of coordinates.flatMap((one) => this.#withAbove(one))) {
      if (this.#declared.get(coordinate)?.[member] !== value) continue;
      const isConfigured = this.#configured[coordinate]?.[member] !== undefined;
      return { coordinate, by: isConfigured ? 'configuration' : 'directive' };
    }
    return undefined;
  }

  #withAbove(coordinate: string): readonly string[] {
    const [type = '', field] = coordinate.split('.');
    const suffix = field === undefined ? '' : `.${field}`;
    const above = [...this.#interfaces.get(type) ?? []];
    return [coordinate, ...above.map((name) => `${name}${suffix}`)];
  }

  /** The type's own, or what its interfaces say. */
  #versionFields(type: string): readonly string[] {
    const own = this.#declared.get(type)?.versionFields;
    if (own !== undefined) return own;
    const above = [...(this.#interfaces.get(type) ?? [])];
    const fields = above.flatMap((name) => this.#declared.get(name)?.versionFields ?? []);
    return [...new Set(fields)];
  }

  #checkVersions(report: (problem: string) => void): void {
    for (const type of new Set([...this.#declared.keys(), ...this.#interfaces.keys()])) {
      const fields = this.#versionFields(type);
      if (fields.length < 2) continue;
      report(`${type}: @cacheStrategy: version: one field was required, got ${fields.join(', ')}.`);
    }
  }

  #hasPrivateField(type: string): boolean {
    const above = [type, ...(this.#interfaces.get(type) ?? [])].map((name) => `${name}.`);
    return [...this.#declared].some(([coordinate, { scope }]) =>
      scope === 'PRIVATE' && above.some((prefix) => coordinate.startsWith(prefix)));
  }

  #typeTtlMs(type: string): number {
    const { maxAgeSeconds, maxAgeSecondsMax = Number.POSITIVE_INFINITY } = this.typeRule(type);
    const ownMs = maxAgeSeconds === undefined ? this.defaultTtlMs : maxAgeSeconds * 1_000;
    return Math.min(ownMs, maxAgeSecondsMax * 1_000);
  }

  #remember<Made extends TypeRule>(coordinate: string, make: () => Made): Made {
    const known = this.#effective.get(coordinate);
    if (known !== undefined) return known as Made;
    const made = make();
    this.#effective.set(coordinate, made);
    return made;
  }
}

const HOUR_MS = 60 * 60 * 1_000;

function limitsOf(options: SchemaPolicyOptions, report: (problem: string) => void): StrategyLimits {
  const limits: StrategyLimits = {
    maxTtlMs: options.maxTtlMs ?? 24 * HOUR_MS,
    maxStaleWhileRevalidateMs: options.maxStaleWhileRevalidateMs ?? HOUR_MS,
    maxStaleIfErrorMs: options.maxStaleIfErrorMs ?? HOUR_MS,
  };
  for (const [name, value] of Object.entries(limits) as [string, number][]) {
    const isRight = Number.isFinite(value) && value >= 0;
    if (!isRight) report(`${name}: 0 or more was required, got ${value}.`);
  }
  return limits;
}

type Directives = readonly ConstDirectiveNode[] | undefined;

/** An interface may make its types stricter; what it allows, it allows for itself only. */
function forbidden(rule: TypeRule, above: Rule): TypeRule {
  const scope: DeclaredScope | undefined = above.scope === 'PRIVATE' ? 'PRIVATE' : rule.scope;
  return {
    ...limitedBy(rule, above),
    scope,
    maxAgeSecondsMax: least(rule.maxAgeSecondsMax, above.maxAgeSeconds),
    tags: [...rule.tags, ...above.tags],
  };
}

/** `@join__directive(name: "cacheTag", args: {...})` is how a supergraph may carry a directive. */
function policyDirectives(node: ConstDirectiveNode, names: DirectiveNames): PolicyDirective[] {
  const isJoined = node.name.value === 'join__directive';
  const local = isJoined ? (textOf(argument(node, 'name')) ?? '') : node.name.value;
  if (!names.isPolicy(local)) return [];
  const name = names.canonical(local) ?? '';
  if (!isJoined) return [policyDirective(name, node)];
  const args = argument(node, 'args');
  const fields = args?.kind === Kind.OBJECT ? args.fields : [];
  return [{ name, arguments: new Map(fields.map((one) => [one.name.value, one.value])) }];
}

function relate(relations: Map<string, Set<string>>, from: string, to: string): void {
  const known = relations.get(from);
  if (known === undefined) relations.set(from, new Set([to]));
  else known.add(to);
}
