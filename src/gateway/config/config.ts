/**
 * The configuration of a gateway: what an operator writes (`FreshetOptions`), and the same with
 * every default filled in (`FreshetConfig`). It is validated whole: nothing starts from half of
 * it, and every fault is reported at once.
 */
import type { z } from 'zod';
import { fault } from '../../invalidation/errors.ts';
import {
  faultsOf,
  formatFaults,
  valueAt,
  type ConfigFault,
  type Path,
  type SourceOf,
} from './config-faults.ts';
import { findBrokenRelations } from './config-relations.ts';
import { configSchema, DEVELOPMENT_DEFAULTS } from './config-schema.ts';

/** Every option, with defaults filled in. Each is described in docs/configuration.md. */
export type FreshetConfig = z.output<typeof configSchema>;

type Input = z.input<typeof configSchema>;
type SubgraphInput = NonNullable<Input['subgraphs']>[string];

/** What is written in `freshet.config.ts`. A URL may stand in place of an object that has one. */
export type FreshetOptions = Omit<Input, 'redis' | 'subgraphs'> & {
  redis?: string | Input['redis'];
  subgraphs?: Record<string, string | SubgraphInput> | undefined;
};

/** Gives `freshet.config.ts` its types: `export default defineConfig({ ... })`. */
export function defineConfig(options: FreshetOptions): FreshetOptions {
  return options;
}

export interface ResolveOptions {
  /** Default: whether NODE_ENV is `production`. Else it listens on loopback and has GraphiQL. */
  readonly production?: boolean;
  /** Names where a value came from, for the message. Default: nothing is named. */
  readonly sourceOf?: SourceOf;
}

/** Fills in the defaults. Throws `CONFIG_INVALID` with all faults. */
export function resolveConfig(
  options: FreshetOptions | Readonly<Record<string, unknown>>,
  settings: ResolveOptions = {},
): FreshetConfig {
  const { config, faults } = checkConfig(options, settings);
  if (config === undefined) throw fault('CONFIG_INVALID', { faults: formatFaults(faults) });
  return config;
}

export type CheckedConfig =
  | { readonly config: FreshetConfig; readonly faults?: never }
  | { readonly config?: never; readonly faults: readonly ConfigFault[] };

/** As `resolveConfig`, with the faults as a value. */
export function checkConfig(
  options: FreshetOptions | Readonly<Record<string, unknown>>,
  { production = process.env['NODE_ENV'] === 'production', sourceOf }: ResolveOptions = {},
): CheckedConfig {
  const raw = expandShorthands({ ...(production ? {} : DEVELOPMENT_DEFAULTS), ...options });
  return check(raw, sourceOf ?? (() => undefined));
}

/** A URL in place of `redis`, or of a subgraph, becomes the object that it stands for. */
export function expandShorthands(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const expanded = { ...raw };
  const { redis, subgraphs } = raw;
  if (typeof redis === 'string') expanded['redis'] = { url: redis };
  if (isObject(subgraphs)) {
    expanded['subgraphs'] = Object.fromEntries(Object.entries(subgraphs)
      .map(([name, value]) => [name, typeof value === 'string' ? { url: value } : value]));
  }
  return expanded;
}

function check(raw: Readonly<Record<string, unknown>>, sourceOf: SourceOf): CheckedConfig {
  const parsed = configSchema.safeParse(raw);
  const found = parsed.success
    ? []
    : parsed.error.issues.flatMap((issue) => faultsOf(issue, raw, sourceOf));
  // Several checks of one value say the same of it.
  const faults = [...new Map(found.map((one) => [one.path, one])).values()];
  // Relations are looked at even where single options are wrong, so that all is told at once.
  const whole = parsed.success ? parsed.data : parseWithoutFaults(raw);
  if (whole !== undefined) {
    faults.push(...findBrokenRelations(whole, { raw, known: faults, sourceOf }));
  }
  if (parsed.success && faults.length === 0) return { config: parsed.data };
  return { faults };
}

/** The configuration with what is faulty left out; undefined where that is no cure. */
function parseWithoutFaults(raw: Readonly<Record<string, unknown>>): FreshetConfig | undefined {
  const rest = copyOf(raw);
  // What is left out may be missed in turn by the group that it stood in, three levels up at most.
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const parsed = configSchema.safeParse(rest);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const paths = issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => [...issue.path, key])
        : [issue.path];
      for (const path of paths) {
        removeAt(rest, valueAt(rest, path) === undefined ? path.slice(0, -1) : path);
      }
    }
  }
  return undefined;
}

/** A copy that can be taken apart; what is neither object nor list is shared. */
function copyOf(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(raw)
    .map(([key, value]) => [key, isObject(value) ? copyOf(value) : value]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

/** Takes out what stands at `path`, or the list that it stands in. */
function removeAt(target: Record<string, unknown>, [first, ...rest]: Path): void {
  if (first === undefined) return;
  const key = String(first);
  const child = target[key];
  if (rest.length > 0 && isObject(child)) removeAt(child, rest);
  else delete target[key];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
