/** A rule that the operator configures for a coordinate, in place of what the schema says there. */
import { isScope, readFormats, secondsProblem, type DeclaredScope, type Rule } from './rule.ts';
import type { RulePlaces } from './rule-place.ts';

export interface ConfiguredRule {
  readonly maxAgeSeconds?: number | undefined;
  readonly scope?: DeclaredScope | undefined;
  readonly staleWhileRevalidateSeconds?: number | undefined;
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
  const seconds = (name: string, value: number | undefined): void => {
    const problem = value === undefined ? undefined : secondsProblem(value);
    if (problem !== undefined) report(`${name}: ${problem}`);
  };
  seconds('maxAgeSeconds', maxAgeSeconds);
  seconds('staleWhileRevalidateSeconds', staleWhileRevalidateSeconds);
  if (scope !== undefined && !isScope(scope)) {
    report(`scope: PUBLIC or PRIVATE was required, got ${String(scope)}.`);
  }
  const place = field === undefined ? places.ofType(type) : places.ofField(type, field);
  return {
    ...before,
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds, inheritMaxAge: false }),
    ...(scope !== undefined && { scope }),
    ...(staleWhileRevalidateSeconds !== undefined && { staleWhileRevalidateSeconds }),
    ...(tags && { tags: readFormats(tags, place.tags, (one) => report(`tags: ${one}`)) }),
    ...(purges && { purges: readFormats(purges, place.purges, (one) => report(`purges: ${one}`)) }),
  };
}
