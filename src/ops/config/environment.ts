/**
 * The configuration from the environment: every option has the variable FRESHET_ and its path in
 * capitals (`cache.l1.bytesMax`: FRESHET_CACHE_L1_BYTES_MAX), and four have a plain one as well.
 */
import {
  makeFault,
  nearestWord,
  type ConfigFault,
} from '../../gateway/config/config-faults.ts';
import { CONFIG_OPTIONS, type ConfigOption } from '../../gateway/config/config-options.ts';
import { PLACE_VARIABLE } from '../workers/place-variable.ts';
import { layerOf, type Assignment, type Layer } from './layer.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that other programs use as well; the one with FRESHET_ comes before it. */
export const PLAIN_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  PORT: ['port'],
  ADMIN_PORT: ['adminPort'],
  REDIS_URL: ['redis', 'url'],
  DATABASE_URL: ['database'],
};

/**
 * What OpenTelemetry has a standard variable for. Other programs on the machine heed it as well, so
 * it holds only where nothing of ours says otherwise; and a value that is of no use here is no
 * fault (OpenTelemetry, Environment Variable Specification).
 */
export const STANDARD_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  OTEL_EXPORTER_OTLP_ENDPOINT: ['tracing', 'endpoint'],
};

/** No options: the file, stack traces of faults, whom the command line asks, a worker's place. */
const OTHER_VARIABLES = [
  'FRESHET_CONFIG', 'FRESHET_DEBUG', 'FRESHET_ADMIN_URL', PLACE_VARIABLE,
];

const OPTIONS = new Map(CONFIG_OPTIONS
  .filter(({ path, kind }) => !path.includes('*') && kind !== 'group')
  .map((option) => [variableOf(option.path), option]));

/** A URL may be given for the whole of Redis, as in a file. */
const SHORTHANDS: Readonly<Record<string, readonly string[]>> = {
  [variableOf(['redis'])]: ['redis', 'url'],
};

export interface EnvironmentLayer {
  readonly layer: Layer;
  /** Variables that begin with FRESHET_ and name no option. */
  readonly faults: readonly ConfigFault[];
}

export function readEnvironment(environment: Environment): EnvironmentLayer {
  const assignments: Assignment[] = [];
  const faults: ConfigFault[] = [];
  for (const [name, path] of Object.entries(PLAIN_VARIABLES)) {
    const text = environment[name];
    const kind = OPTIONS.get(variableOf(path))?.kind;
    if (text) assignments.push({ path, value: parse(text, kind), source: sourceOf(name) });
  }
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('FRESHET_') || OTHER_VARIABLES.includes(name)) continue;
    if (!text || isServiceLink(name, text)) continue;
    const option = OPTIONS.get(name);
    const path = option?.path ?? SHORTHANDS[name];
    if (path === undefined) faults.push(unknownVariable(name));
    else assignments.push({ path, value: parse(text, option?.kind), source: sourceOf(name) });
  }
  return { layer: layerOf(assignments), faults };
}

/** To be laid below all others. */
export function readStandardEnvironment(environment: Environment): Layer {
  if (environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return layerOf([]);
  return layerOf(Object.entries(STANDARD_VARIABLES).flatMap(([name, path]) => {
    const value = environment[name]?.trim() ?? '';
    return /^https?:$/.test(URL.parse(value)?.protocol ?? '')
      ? [{ path, value, source: sourceOf(name) }]
      : [];
  }));
}

/** `cache.l1.bytesMax`: FRESHET_CACHE_L1_BYTES_MAX */
export function variableOf(path: readonly string[]): string {
  const words = path.map((part) => part.replace(/[A-Z]/g, '_$&').toUpperCase());
  return ['FRESHET', ...words].join('_');
}

function sourceOf(name: string): string {
  return `environment variable ${name}`;
}

/** The text as the kind of value that is required; what does not look like one stays a text. */
function parse(text: string, kind: ConfigOption['kind'] | undefined): unknown {
  const value = text.trim();
  const isNumber = kind === 'integer' || kind === 'number';
  if (isNumber) return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (kind === 'boolean') return BOOLEANS[value.toLowerCase()] ?? value;
  if (kind === 'list' && !value.startsWith('[')) return value.split(',').map((one) => one.trim());
  if (kind === 'list' || kind === 'map') return parseJson(value);
  return value;
}

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false };

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Kubernetes gives every container such variables for each service: FRESHET_PORT=tcp://... */
function isServiceLink(name: string, text: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(text) ||
    /_SERVICE_(HOST|PORT(_\w+)?)$/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$/.test(name);
}

function unknownVariable(name: string): ConfigFault {
  const nearest = nearestWord(name, [...OPTIONS.keys()]);
  const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
  return makeFault([name], {
    required: `a variable that names an option${hint}`,
    got: 'another',
    source: 'environment',
  });
}
