/**
 * What is declared at one schema coordinate, and how two declarations become one: the strictest
 * wins, tags and purges are united.
 */
import { Kind, type ConstDirectiveNode, type ConstValueNode } from 'graphql';
import { fault, type FreshetError } from '../invalidation/errors.ts';
import { readPattern } from '../invalidation/pattern.ts';
import { isExpression, readFormat, type FormatPlace, type TagFormat } from './tag-format.ts';

export type DeclaredScope = 'PUBLIC' | 'PRIVATE';

export interface Rule {
  readonly maxAgeSeconds?: number | undefined;
  readonly inheritMaxAge?: boolean | undefined;
  readonly scope?: DeclaredScope | undefined;
  readonly staleWhileRevalidateSeconds?: number | undefined;
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

/** What the formats of a rule may hold where it stands. */
export interface RulePlace {
  readonly tags: FormatPlace;
  readonly purges: FormatPlace;
}

/** What was required and what was got; where, is added by who knows it. */
export type Report = (problem: string) => void;

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
  const reader = new ArgumentReader(args, at);
  let rule: Rule = NO_RULE;
  switch (name) {
    case 'cacheControl':
      rule = {
        maxAgeSeconds: reader.seconds('maxAge'),
        inheritMaxAge: reader.flag('inheritMaxAge'),
        scope: reader.scope('scope'),
        staleWhileRevalidateSeconds: reader.seconds('staleWhileRevalidate'),
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

export function secondsProblem(value: unknown): string | undefined {
  const isRight = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  return isRight ? undefined : `whole seconds, 0 or more, were required, got ${String(value)}.`;
}

/** Reads the arguments of one directive, and reports what is not as the directive defines it. */
class ArgumentReader {
  readonly #args: ReadonlyMap<string, ConstValueNode>;
  readonly #report: Report;
  readonly #read = new Set<string>();

  constructor(args: ReadonlyMap<string, ConstValueNode>, report: Report) {
    this.#args = args;
    this.#report = report;
  }

  seconds(name: string): number | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    const value = node.kind === Kind.INT ? Number(node.value) : kindOf(node);
    const problem = secondsProblem(value);
    if (problem !== undefined) this.#report(`${name}: ${problem}`);
    return problem === undefined ? (value as number) : undefined;
  }

  flag(name: string): boolean | undefined {
    const node = this.#take(name);
    if (node === undefined || node.kind === Kind.BOOLEAN) return node?.value;
    this.#report(`${name}: true or false was required, got ${kindOf(node)}.`);
    return undefined;
  }

  scope(name: string): DeclaredScope | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    const value = node.kind === Kind.ENUM || node.kind === Kind.STRING ? node.value : kindOf(node);
    if (isScope(value)) return value;
    this.#report(`${name}: PUBLIC or PRIVATE was required, got ${value}.`);
    return undefined;
  }

  /** A required string, or a list of them. */
  strings(name: string): readonly string[] {
    const node = this.#take(name);
    const nodes = node?.kind === Kind.LIST ? node.values : node === undefined ? [] : [node];
    if (node === undefined) this.#report(`${name}: a string was required, got none.`);
    return nodes.flatMap((value) => {
      if (value.kind === Kind.STRING) return [value.value];
      this.#report(`${name}: a string was required, got ${kindOf(value)}.`);
      return [];
    });
  }

  /** A misspelt argument would leave something cached that should not be. */
  end(): void {
    for (const name of this.#args.keys()) {
      if (!this.#read.has(name)) {
        const known = [...this.#read].join(', ');
        this.#report(`one of the arguments ${known} was required, got ${name}.`);
      }
    }
  }

  #take(name: string): ConstValueNode | undefined {
    this.#read.add(name);
    const node = this.#args.get(name);
    return node?.kind === Kind.NULL ? undefined : node;
  }
}

export function isScope(value: unknown): value is DeclaredScope {
  return value === 'PUBLIC' || value === 'PRIVATE';
}

function kindOf(node: ConstValueNode): string {
  return 'value' in node ? String(node.value) : node.kind;
}

export function invalidPolicy(problems: readonly string[]): FreshetError {
  return fault('POLICY_INVALID', { faults: problems.map((one) => `- ${one}`).join('\n') });
}
