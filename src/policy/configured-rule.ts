/** A rule that the operator configures for a coordinate, in place of what the schema says there. */
import {
  numberProblem, orStrategy, SECONDS, STRATEGY_MEMBERS, strategyOf,
  type DeclaredStrategy, type NumberRange,
} from './declared-strategy.ts';
import { isScope, readFormats, typeMembers, type DeclaredScope, type Rule } from './rule.ts';
import type { RulePlaces } from './rule-place.ts';

export interface ConfiguredRule extends DeclaredStrategy {
  readonly maxAgeSeconds?: number | undefined;
  readonly scope?: DeclaredScope | undefined;
  readonly staleWhileRevalidateSeconds?: number | undefined;
  /** Of an entity type: the field that holds its version. */
  readonly versionField?: string | undefined;
  /** Of an entity type: what a mutation answers of it fills its entries. */
  readonly writeThrough?: boolean | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly purges?: readonly string[] | undefined;
}

export interface ConfiguredRuleSource {
  readonly coordinate: string;
  readonly configured: ConfiguredRule;
  /** What the schema declares. */
  readonly before: Rule;
  readonly places: RulePlaces;
  readonly report: (problem: string) => void;
}

const COORDINATE = /^([_A-Za-z]\w*)(?:\.([_A-Za-z]\w*))?$/;

export function configuredRule(source: ConfiguredRuleSource): Rule {
  const { coordinate, configured, before, places } = source;
  const report = (problem: string): void => source.report(`rules["${coordinate}"]: ${problem}`);
  const [, type = '', field] = COORDINATE.exec(coordinate) ?? [];
  if (!places.has(type, field)) {
    // One that no longer fits would leave cached or shared what the operator meant to forbid.
    report('a type or a Type.field of the schema was required, got another.');
    return before;
  }
  const { maxAgeSeconds, scope, staleWhileRevalidateSeconds, tags, purges } = configured;
  const check = (name: keyof ConfiguredRule, range: NumberRange): void => {
    const value = configured[name];
    const problem = value === undefined ? undefined : numberProblem(value, range);
    if (problem !== undefined) report(`${name}: ${problem}`);
  };
  check('maxAgeSeconds', SECONDS);
  check('staleWhileRevalidateSeconds', SECONDS);
  for (const { name, range } of STRATEGY_MEMBERS) check(name, range);
  if (scope !== undefined && !isScope(scope)) {
    report(`scope: PUBLIC or PRIVATE was required, got ${String(scope)}.`);
  }
  const place = field === undefined ? places.ofType(type) : places.ofField(type, field);
  const { versionField: version, writeThrough } = configured;
  return {
    ...before,
    strategy: orStrategy(strategyOf(({ name }) => configured[name]), before.strategy),
    ...typeMembers({ version, writeThrough }, { place, names: MEMBER_NAMES, at: report }),
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds, inheritMaxAge: false }),
    ...(scope !== undefined && { scope }),
    ...(staleWhileRevalidateSeconds !== undefined && { staleWhileRevalidateSeconds }),
    ...(tags && { tags: readFormats(tags, place.tags, (one) => report(`tags: ${one}`)) }),
    ...(purges && { purges: readFormats(purges, place.purges, (one) => report(`purges: ${one}`)) }),
  };
}

const MEMBER_NAMES = { version: 'versionField', writeThrough: 'writeThrough' };
