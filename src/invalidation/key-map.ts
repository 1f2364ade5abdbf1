/**
 * Maps the keys of services that spell them otherwise to tags: `user:profile:{id}` -> `user:{id}`,
 * `v2/post/{id}` -> `post:{id}`. Texts go in and texts come out; what they mean as tags is decided
 * afterwards, as for any key.
 *
 * It promises: what a key or a pattern purges when mapped is never less than the mapped keys that
 * it names. Of two templates that fit a key, the one with more literal text is taken.
 */
import { fault, type FreshetError } from './errors.ts';

/** From template -> to template; `{name}` stands for one or more characters. */
export type KeyTemplates = Readonly<Record<string, string>>;

const TEMPLATES_MAX = 100;
const TEMPLATE_LENGTH_MAX = 256;

/** `a:{x}:b` is the literals `a:`, `:b` around the name `x`. */
interface Template {
  readonly literals: readonly [string, ...string[]];
  readonly names: readonly string[];
}

interface Mapping {
  readonly from: Template;
  readonly to: Template;
}

export class KeyMap {
  readonly #mappings: readonly Mapping[];

  /** Throws `KEY_MAP_INVALID`. At most 100 templates of 256 characters. */
  constructor(templates: KeyTemplates) {
    const entries = Object.entries(templates);
    if (entries.length > TEMPLATES_MAX) {
      throw invalid(`at most ${TEMPLATES_MAX} templates`, String(entries.length));
    }
    const mappings = entries.map(([from, to]) => mappingOf(from, to));
    this.#mappings = mappings.sort((a, b) => literalLength(b.from) - literalLength(a.from));
  }

  /** The key as its tag is spelled; a key that no template fits stays as it is. */
  key(key: string): string {
    for (const { from, to } of this.#mappings) {
      const values = match(from, key);
      if (values !== undefined) return fill(to, (name) => values.get(name) as string);
    }
    return key;
  }

  /**
   * The pattern itself and those that purge what the keys are mapped to that it matches. A
   * regular expression is left as it is: it is matched against tags.
   */
  patterns(pattern: string): readonly string[] {
    if (pattern.startsWith('/') || /^\*+$/.test(pattern)) return [pattern];
    if (!pattern.includes('*')) return [...new Set([pattern, this.key(pattern)])];
    return [...new Set([pattern, ...this.#mappings.flatMap((each) => mapPattern(each, pattern))])];
  }
}

function mapPattern({ from, to }: Mapping, pattern: string): readonly string[] {
  const [head, ...others] = from.literals;
  const tail = others.at(-1) ?? head;
  const rests = residuals(pattern, head);
  const end = pattern.slice(pattern.lastIndexOf('*') + 1);
  if (rests.length === 0 || !endsAlike(end, tail)) return [];
  if (from.names.length === 0) return rests.some(matchesNothing) ? [fill(to, () => '')] : [];
  // Where the key is a head and one value, the value is what the rest of the pattern matches.
  // Otherwise a star may stand across several values, so all of them are purged.
  if (others.length > 1 || tail !== '') return [fill(to, () => '*')];
  return rests.filter((rest) => rest !== '').map((rest) => fill(to, () => rest));
}

function endsAlike(a: string, b: string): boolean {
  return a.endsWith(b) || b.endsWith(a);
}

/** What is left of a pattern for the text that follows `literal`; several where stars choose. */
function residuals(pattern: string, literal: string): readonly string[] {
  let states = new Set(withoutStar(pattern));
  for (let at = 0; at < literal.length; at += 1) {
    const kept = [...states].flatMap((state) => {
      if (state.startsWith('*')) return withoutStar(state);
      return state[0] === literal[at] ? withoutStar(state.slice(1)) : [];
    });
    states = new Set(kept);
  }
  return [...states].filter((state) => !states.has(`*${state}`));
}

/** A star may also match nothing. */
function withoutStar(pattern: string): readonly string[] {
  return pattern.startsWith('*') ? [pattern, pattern.replace(/^\*+/, '')] : [pattern];
}

function matchesNothing(pattern: string): boolean {
  return /^\**$/.test(pattern);
}

/** Each value is the shortest that fits; the last one takes the rest, colons and all. */
function match({ literals, names }: Template, key: string): Map<string, string> | undefined {
  const [head, ...others] = literals;
  const tail = others.pop();
  if (tail === undefined) return key === head ? new Map() : undefined;
  if (!key.startsWith(head) || !key.endsWith(tail)) return undefined;
  const values: string[] = [];
  let start = head.length;
  for (const literal of others) {
    const end = key.indexOf(literal, start + 1);
    if (end === -1) return undefined;
    values.push(key.slice(start, end));
    start = end + literal.length;
  }
  const end = key.length - tail.length;
  if (end <= start) return undefined;
  values.push(key.slice(start, end));
  return new Map(names.map((name, index) => [name, values[index] as string]));
}

function fill({ literals, names }: Template, valueOf: (name: string) => string): string {
  const [head, ...others] = literals;
  return others.reduce((text, literal, index) =>
    text + valueOf(names[index] as string) + literal, head);
}

function mappingOf(fromText: string, toText: string): Mapping {
  const from = templateOf(fromText);
  const to = templateOf(toText);
  if (new Set(from.names).size < from.names.length) {
    throw invalid('each name once', fromText);
  }
  if (from.literals.slice(1, -1).includes('')) {
    throw invalid('some text between two names', fromText);
  }
  const unknown = to.names.find((name) => !from.names.includes(name));
  if (unknown !== undefined) throw invalid(`a name that is in ${fromText}`, `{${unknown}}`);
  return { from, to };
}

function templateOf(text: unknown): Template {
  const length = typeof text === 'string' ? text.length : 0;
  if (typeof text !== 'string' || length === 0 || length > TEMPLATE_LENGTH_MAX) {
    throw invalid(`a template of 1 to ${TEMPLATE_LENGTH_MAX} characters`, String(length));
  }
  const parts = text.split(/\{([A-Za-z_]\w*)\}/);
  const literals = parts.filter((_, index) => index % 2 === 0) as [string, ...string[]];
  if (literals.some((literal) => /[{}*]/.test(literal))) {
    throw invalid('text without stars, and names in braces', text);
  }
  return { literals, names: parts.filter((_, index) => index % 2 === 1) };
}

function literalLength({ literals }: Template): number {
  return literals.join('').length;
}

function invalid(required: string, got: string): FreshetError {
  return fault('KEY_MAP_INVALID', { required, got });
}
