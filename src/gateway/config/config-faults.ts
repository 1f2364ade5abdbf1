/**
 * What is wrong with a configuration: all of it at once, each fault with its place, where the
 * value came from, what was required and what was got.
 */
import type { z } from 'zod';
import { CONFIG_OPTIONS, findOption } from './config-options.ts';

export interface ConfigFault {
  /** `cache.l1.bytesMax` */
  readonly path: string;
  /** The file, environment variable or flag that gave the value; absent where nothing did. */
  readonly source?: string;
  readonly required: string;
  /** As the operator wrote it; a secret is not shown. */
  readonly got: string;
}

export type Path = readonly PropertyKey[];

/** Where the value at a path came from. */
export type SourceOf = (path: Path) => string | undefined;

export function formatFaults(faults: readonly ConfigFault[]): string {
  return faults.map(({ path, source, required, got }) => {
    const from = source === undefined ? '' : ` (${source})`;
    return `  ${path}${from}: required ${required}, got ${got}`;
  }).join('\n');
}

export function makeFault(
  path: Path,
  { required, got, source }: { required: string; got: string; source: string | undefined },
): ConfigFault {
  const place = formatPath(path);
  return { path: place, required, got, ...(source === undefined ? {} : { source }) };
}

/** The faults that one issue of the schema stands for: each unknown key is one of its own. */
export function faultsOf(issue: z.core.$ZodIssue, raw: unknown, sourceOf: SourceOf): ConfigFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return makeFault(path, { ...unknownKey(issue.path, key), source: sourceOf(path) });
    });
  }
  const source = sourceOf(issue.path);
  if (issue.code === 'invalid_key') {
    const key = issue.path.at(-1);
    const got = `the name ${JSON.stringify(String(key))}`;
    return [makeFault(issue.path, { required: requiredName(issue.path), got, source })];
  }
  const option = findOption(issue.path);
  let required = option?.required ?? 'another value';
  if (issue.code === 'too_small' && issue.origin === 'array') required = 'a list that is not empty';
  const got = showValue(valueAt(raw, issue.path), { secret: option?.secret ?? false });
  return [makeFault(issue.path, { required, got, source })];
}

export function formatPath(path: Path): string {
  return path.map(String).join('.');
}

/** A value as a message may show it: short, on one line, and never a secret. */
export function showValue(value: unknown, { secret }: { secret: boolean }): string {
  if (value === undefined) return 'nothing';
  if (secret) return 'a value that is not shown';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return value === null ? 'null' : 'an object';
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (typeof value !== 'string') return `${value as number | boolean | bigint}`;
  // A URL that is not declared a secret may still hold one.
  const shown = value.replace(/\/\/[^@/]*@/, '//***@');
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 77)}...` : shown);
}

/** What stands at `path`; undefined where nothing does. */
export function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function requiredName([group]: Path): string {
  if (group === 'subgraphs') return 'a name that begins with a letter, of letters, digits, - and _';
  if (group === 'cache') return 'the name of a type, or Type.field';
  if (group === 'sources') return 'a name that begins with a letter, of a-z, 0-9 and _';
  return 'a name that is not empty';
}

function unknownKey(parent: Path, key: string): { required: string; got: string } {
  const nearest = nearestKey(parent, key);
  const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
  return { required: `a known key${hint}`, got: `the key ${JSON.stringify(key)}` };
}

/** The known key that was most likely meant: near in spelling, or the same one elsewhere. */
function nearestKey(parent: Path, key: string): string | undefined {
  const siblings = CONFIG_OPTIONS
    .filter(({ path }) => path.length === parent.length + 1 && isUnder(path, parent));
  const spelt = nearestWord(key, siblings.map(({ path }) => path.at(-1) ?? ''));
  if (spelt !== undefined) return formatPath([...parent, spelt]);
  const elsewhere = CONFIG_OPTIONS.find(({ path }) => path.at(-1) === key);
  return elsewhere && formatPath(elsewhere.path);
}

function isUnder(path: readonly string[], parent: Path): boolean {
  return parent.every((part, at) => path[at] === '*' || path[at] === part);
}

/** The word that goes on where `word` ends, or differs in no more than a third of it. */
export function nearestWord(word: string, words: readonly string[]): string | undefined {
  const candidates = words.filter((candidate) => candidate !== '*');
  const longer = candidates.find((candidate) => word.length > 2 && candidate.startsWith(word));
  if (longer !== undefined) return longer;
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .toSorted((a, b) => a.distance - b.distance);
  const farthest = Math.max(2, Math.floor(word.length / 3));
  return best !== undefined && best.distance <= farthest ? best.candidate : undefined;
}

/** Levenshtein's, without regard to case; only the first 64 letters count. */
function editDistance(left: string, right: string): number {
  const a = left.slice(0, 64).toLowerCase();
  const b = right.slice(0, 64).toLowerCase();
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
