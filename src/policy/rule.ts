/**
 * What is declared at one schema coordinate, and how two declarations become one: the strictest
 * wins, tags and purges are united.
 */
import type { ConstDirectiveNode, ConstValueNode } from 'graphql';
import { fault, type FreshetError } from '../invalidation/errors.ts';
import { readPattern } from '../invalidation/pattern.ts';
import {
  SECONDS, strategyOf, strictestStrategy, type DeclaredStrategy,
} from './declared-strategy.ts';
import { DirectiveReader, type Report } from './directive-reader.ts';
import { isExpression, readFormat, type FormatPlace, type TagFormat } from './tag-format.ts';

const SCOPES = ['PUBLIC', 'PRIVATE'] as const;
export type DeclaredScope = (typeof SCOPES)[number];

export interface Rule {
  readonly maxAgeSeconds?: number | undefined;
  readonly inheritMaxAge?: boolean | undefined;
  readonly scope?: DeclaredScope | undefined;
  readonly staleWhileRevalidateSeconds?: number | undefined;
  readonly strategy?: DeclaredStrategy | undefined;
  /** Of a type. More than one where its declarations disagree, which is a fault. */
  readonly versionFields?: readonly string[] | undefined;
  /** Of a type. */
  readonly writeThrough?: boolean | undefined;
  readonly tags: readonly TagFormat[];
  /** `undefined`: the default purges of a mutation; an empty list: none. */
  readonly purges?: readonly TagFormat[] | undefined;
}

export const NO_RULE: Rule = { tags: [] };

export function strictest(a: Rule, b: Rule): Rule {
  if (a === NO_RULE) return b;
  if (b === NO_RULE) return a;
  const united = a.purges !== undefined || b.purges !== undefined;
  return {
    maxAgeSeconds: least(a.maxAgeSeconds, b.maxAgeSeconds),
    inheritMaxAge: a.inheritMaxAge === true || b.inheritMaxAge === true,
    scope: a.scope === 'PRIVATE' || b.scope === 'PRIVATE' ? 'PRIVATE' : (a.scope ?? b.scope),
    staleWhileRevalidateSeconds: least(
      a.staleWhileRevalidateSeconds,
      b.staleWhileRevalidateSeconds,
    ),
    strategy: strictestStrategy(a.strategy, b.strategy),
    versionFields: a.versionFields && b.versionFields
      ? [...new Set([...a.versionFields, ...b.versionFields])]
      : (a.versionFields ?? b.versionFields),
    writeThrough: a.writeThrough === undefined || b.writeThrough === undefined
      ? (a.writeThrough ?? b.writeThrough)
      : a.writeThrough && b.writeThrough,
    tags: unite(a.tags, b.tags),
    ...(united && { purges: unite(a.purges ?? [], b.purges ?? []) }),
  };
}

export function least(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function unite(a: readonly TagFormat[], b: readonly TagFormat[]): readonly TagFormat[] {
  const byText = new Map([...a, ...b].map((format) => [format.text, format]));
  return [...byText.values()];
}

/** What a rule may hold where it stands. */
export interface RulePlace {
  readonly tags: FormatPlace;
  readonly purges: FormatPlace;
  /** What is wrong with a rule for an entity type here. Default: it is taken to be right. */
  readonly entityProblem?: () => string | undefined;
  /** What is wrong with saying here that answers of mutations are kept. Default: nothing. */
  readonly writeThroughProblem?: () => string | undefined;
  /** What is wrong with a field of this name as the version. Default: it is taken to be right. */
  readonly versionProblem?: (field: string) => string | undefined;
}

/** A directive with its specified name, whatever the document calls it. */
export interface PolicyDirective {
  readonly name: string;
  readonly arguments: ReadonlyMap<string, ConstValueNode>;
}

export function policyDirective(name: string, node: ConstDirectiveNode): PolicyDirective {
  const entries = (node.arguments ?? []).map((one) => [one.name.value, one.value] as const);
  return { name, arguments: new Map(entries) };
}

export function readRule(
  directives: readonly PolicyDirective[],
  place: RulePlace,
  report: Report,
): Rule {
  let rule = NO_RULE;
  for (const directive of directives) {
    const at: Report = (problem) => report(`@${directive.name}: ${problem}`);
    rule = strictest(rule, readDirective(directive, place, at));
  }
  return rule;
}

function readDirective({ name, arguments: args }: PolicyDirective, place: RulePlace, at: Report) {
  const reader = new DirectiveReader(args, at);
  let rule: Rule = NO_RULE;
  switch (name) {
    case 'cacheControl':
      rule = {
        maxAgeSeconds: reader.number('maxAge', SECONDS),
        inheritMaxAge: reader.flag('inheritMaxAge'),
        scope: reader.choice('scope', SCOPES),
        staleWhileRevalidateSeconds: reader.number('staleWhileRevalidate', SECONDS),
        tags: [],
      };
      break;
    case 'cacheStrategy':
      rule = {
        strategy: strategyOf(({ argument, range }) => reader.number(argument, range)),
        ...typeMembers(
          { version: reader.string('version'), writeThrough: reader.flag('writeThrough') },
          { place, names: DIRECTIVE_NAMES, at },
        ),
        tags: [],
      };
      break;
    case 'cacheTag':
      rule = { tags: readFormats(reader.strings('format'), place.tags, at) };
      break;
    case 'cachePurge':
      rule = { tags: [], purges: readFormats(reader.strings('tags'), place.purges, at) };
      break;
    default:
      break;
  }
  reader.end();
  return rule;
}

interface TypeMembers {
  readonly version: string | undefined;
  readonly writeThrough: boolean | undefined;
}

interface TypeMembersPlace {
  readonly place: RulePlace;
  /** What the members are called here. */
  readonly names: { readonly version: string; readonly writeThrough: string };
  readonly at: Report;
}

const DIRECTIVE_NAMES = { version: 'version', writeThrough: 'writeThrough' };

/** What only an entity type has; what cannot be is reported and left out. */
export function typeMembers(
  { version, writeThrough }: TypeMembers,
  { place, names, at }: TypeMembersPlace,
): Pick<Rule, 'versionFields' | 'writeThrough'> {
  const isRight = (name: string, problem: string | undefined): boolean => {
    if (problem !== undefined) at(`${name}: ${problem}.`);
    return problem === undefined;
  };
  const hasVersion = version !== undefined
    && isRight(names.version, place.entityProblem?.() ?? place.versionProblem?.(version));
  const isSaid = writeThrough !== undefined
    && isRight(names.writeThrough, place.writeThroughProblem?.());
  return { ...(hasVersion && { versionFields: [version] }), ...(isSaid && { writeThrough }) };
}

/** Of the configuration as of a directive; what cannot be read is reported and left out. */
export function readFormats(
  texts: readonly string[],
  place: FormatPlace,
  at: Report,
): readonly TagFormat[] {
  return texts.flatMap((text) => {
    const format = readFormat(text, place);
    if (typeof format === 'string') {
      at(`${format}.`);
      return [];
    }
    if (isExpression(text) && !isReadable(text, at)) return [];
    return [format];
  });
}

function isReadable(text: string, at: Report): boolean {
  try {
    readPattern(text);
    return true;
  } catch (error) {
    at((error as FreshetError).message);
    return false;
  }
}

export function isScope(value: unknown): value is DeclaredScope {
  return value === 'PUBLIC' || value === 'PRIVATE';
}

export function invalidPolicy(problems: readonly string[]): FreshetError {
  return fault('POLICY_INVALID', { faults: problems.map((one) => `- ${one}`).join('\n') });
}
