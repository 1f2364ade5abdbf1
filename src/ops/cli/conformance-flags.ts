/** The flags of `freshet conformance`, and what was given by them. */
import type { AdapterChoice } from '../conformance/adapters/choice.ts';
import type { ConformOptions } from '../conformance/conform.ts';
import { UsageError, type Flag, type FlagValues } from './command.ts';

const KINDS: readonly AdapterChoice['kind'][] = [
  'mutation', 'freshet-redis', 'http', 'command', 'module',
];

export const CONFORMANCE_FLAGS: readonly Flag[] = [
  {
    name: 'target',
    value: 'URL',
    multiple: true,
    description: 'a node of the cache to check; once for each',
  },
  {
    name: 'origin-port',
    value: 'N',
    description: 'port of the origin that the cache stands before (default 4400)',
  },
  {
    name: 'origin-host',
    value: 'HOST',
    description: 'its address (default 127.0.0.1, or all where a target is elsewhere)',
  },
  {
    name: 'adapter',
    value: 'NAME',
    description: 'mutation (default), freshet-redis, http, command or module',
  },
  { name: 'redis', value: 'URL', description: 'freshet-redis: where to publish' },
  {
    name: 'channel',
    value: 'NAME',
    description: 'freshet-redis: the channel (default cache:invalidate)',
  },
  {
    name: 'purge-url',
    value: 'URL',
    description: 'http: what to ask; {type}, {id}, {tag} and {action} are filled in',
  },
  { name: 'purge-method', value: 'NAME', description: 'http: the method (default POST)' },
  { name: 'purge-body', value: 'TEXT', description: 'http: the body, filled in as JSON' },
  {
    name: 'purge-header',
    value: 'TEXT',
    multiple: true,
    description: "http: a header, 'Name: value'",
  },
  {
    name: 'purge-command',
    value: 'LINE',
    description: 'command: run with CHANGE_TAG, CHANGE_TYPE, CHANGE_ID, CHANGE_ACTION',
  },
  { name: 'cut-command', value: 'LINE', description: 'command: cuts the target number $NODE off' },
  { name: 'reconnect-command', value: 'LINE', description: 'command: connects it again' },
  { name: 'module', value: 'FILE', description: 'module: a file that exports purge(change)' },
  {
    name: 'relay',
    value: 'PORT=HOST:PORT',
    description: 'a wire to cut: let the last target hear of purges through this port',
  },
  {
    name: 'caller',
    value: 'TEXT',
    multiple: true,
    description: 'a value of Authorization; give two (default: two bearer tokens)',
  },
  {
    name: 'settle-ms',
    value: 'N',
    description: 'a purge may take this long to reach every node (default 500)',
  },
  { name: 'check-ms', value: 'N', description: 'time limit of one check (default 20000)' },
  { name: 'total-ms', value: 'N', description: 'time limit of all checks (default 120000)' },
  { name: 'wait', value: 'SECONDS', description: 'time for the targets to answer (default 60)' },
  { name: 'only', value: 'CHECK', multiple: true, description: 'run this check' },
  { name: 'skip', value: 'CHECK', multiple: true, description: 'leave this check out' },
  { name: 'list', description: 'print the checks, and run none' },
  { name: 'json', description: 'print the result as JSON' },
];

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** @throws UsageError */
export function conformOptions(values: FlagValues, { checks, directory }: {
  /** The names of all checks. */
  checks: readonly string[];
  directory: string;
}): ConformOptions & { json: boolean } {
  const targets = (values.get('target') ?? []).map((text) => urlOf('target', text));
  if (targets.length === 0) throw new UsageError('--target: at least one was required');
  const isLocal = targets.every(({ hostname }) => LOOPBACK.includes(hostname));
  return {
    targets: targets.map(({ href }) => href),
    adapter: choiceOf(values, directory),
    originHost: last(values, 'origin-host') ?? (isLocal ? '127.0.0.1' : '0.0.0.0'),
    originPort: numberOf(values, 'origin-port', 4400),
    relay: relayOf(values),
    chosen: chosenOf(values, checks),
    callers: callersOf(values),
    settleMs: numberOf(values, 'settle-ms', 500),
    checkMs: numberOf(values, 'check-ms', 20_000),
    totalMs: numberOf(values, 'total-ms', 120_000),
    waitMs: numberOf(values, 'wait', 60) * 1_000,
    json: values.has('json'),
  };
}

function choiceOf(values: FlagValues, directory: string): AdapterChoice {
  const name = last(values, 'adapter') ?? 'mutation';
  const kind = KINDS.find((one) => one === name);
  switch (kind) {
    case 'mutation':
      return { kind };
    case 'freshet-redis': {
      const channel = last(values, 'channel');
      return { kind, url: required(values, 'redis'), ...(channel !== undefined && { channel }) };
    }
    case 'http': {
      const [method, body] = [last(values, 'purge-method'), last(values, 'purge-body')];
      return {
        kind,
        url: required(values, 'purge-url'),
        headers: values.get('purge-header') ?? [],
        ...(method !== undefined && { method }),
        ...(body !== undefined && { body }),
      };
    }
    case 'command':
      return {
        kind,
        purge: required(values, 'purge-command'),
        cut: last(values, 'cut-command'),
        reconnect: last(values, 'reconnect-command'),
      };
    case 'module':
      return { kind, file: required(values, 'module'), directory };
    case undefined:
      throw new UsageError(`--adapter: one of ${KINDS.join(', ')} was required, got ` +
        JSON.stringify(name));
    default:
      return kind satisfies never;
  }
}

function relayOf(values: FlagValues): ConformOptions['relay'] {
  const text = last(values, 'relay');
  if (text === undefined) return undefined;
  const [, port, targetHost, targetPort] = /^(\d{1,5})=\[?(.+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (targetHost === undefined) {
    throw new UsageError(`--relay: PORT=HOST:PORT was required, got ${JSON.stringify(text)}`);
  }
  return { port: Number(port), targetHost, targetPort: Number(targetPort) };
}

function chosenOf(values: FlagValues, checks: readonly string[]): ConformOptions['chosen'] {
  const [only, skip] = ['only', 'skip'].map((flag) => {
    const names = values.get(flag) ?? [];
    const unknown = names.find((name) => !checks.includes(name));
    if (unknown === undefined) return names;
    throw new UsageError(`--${flag}: a check was required (see --list), got ` +
      JSON.stringify(unknown));
  });
  return (name) => (!only?.length || only.includes(name)) && !skip?.includes(name);
}

function callersOf(values: FlagValues): readonly [string, string] {
  const given = values.get('caller') ?? [];
  const [one = 'Bearer conformance-one', two = 'Bearer conformance-two'] = given;
  if (given.length === 1 || given.length > 2 || one === two) {
    throw new UsageError('--caller: two different values were required');
  }
  return [one, two];
}

function urlOf(flag: string, text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new UsageError(`--${flag}: an http or https URL was required, got ${JSON.stringify(text)}`);
}

function required(values: FlagValues, flag: string): string {
  const text = last(values, flag);
  if (text !== undefined) return text;
  throw new UsageError(`--${flag}: required with --adapter ${last(values, 'adapter')}, got none`);
}

function numberOf(values: FlagValues, flag: string, byDefault: number): number {
  const text = last(values, flag);
  if (text === undefined) return byDefault;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new UsageError(`--${flag}: at most 6 digits were required, got ${JSON.stringify(text)}`);
}

function last(values: FlagValues, flag: string): string | undefined {
  return values.get(flag)?.at(-1);
}
