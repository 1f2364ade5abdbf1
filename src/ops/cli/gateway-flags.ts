/** The flags that set options of the gateway, and what was given by them as a configuration. */
import { loadConfig } from '../config/load.ts';
import type { Assignment } from '../config/layer.ts';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import { UsageError, type Flag, type FlagValues, type Surroundings } from './command.ts';

export const CONFIG_FLAG: Flag = {
  name: 'config',
  value: 'FILE',
  description: 'configuration file (default: freshet.config.* in this directory)',
};

export const SUBGRAPH_FLAG: Flag = {
  name: 'subgraph',
  value: 'NAME=URL',
  multiple: true,
  description: 'a service to compose; once for each',
};

export const SCHEMA_FLAGS: readonly Flag[] = [
  {
    name: 'supergraph',
    value: 'FILE_OR_URL',
    description: 'the composed supergraph',
    path: ['supergraph'],
  },
  SUBGRAPH_FLAG,
];

export const WORKERS_FLAG: Flag = {
  name: 'workers',
  value: 'N',
  description: 'processes that share the ports (default with Redis: cores - 1, else 1)',
  path: ['workers'],
};

export const JSON_LOG_FLAG: Flag = {
  name: 'json',
  description: 'log in JSON, one line an event, as in production',
};

export const LISTENER_FLAGS: readonly Flag[] = [
  {
    name: 'redis',
    value: 'URL',
    description: 'Redis for log and shared cache; several URLs with commas: Cluster',
    path: ['redis', 'url'],
  },
  {
    name: 'database',
    value: 'URL',
    description: 'PostgreSQL (default: one embedded in the process)',
    path: ['database'],
  },
  { name: 'host', value: 'HOST', description: 'address to listen on', path: ['host'] },
  { name: 'port', value: 'N', description: 'port for GraphQL (default 4000)', path: ['port'] },
  {
    name: 'admin-port',
    value: 'N',
    description: 'port for operators (default 4001)',
    path: ['adminPort'],
  },
];

/**
 * The configuration as file, environment and `flags` give it; no file is looked for where the
 * command has no flag for one.
 *
 * @throws CONFIG_INVALID, UsageError
 */
export function configOf(
  values: FlagValues,
  { flags, surroundings, extra = [] }: {
    flags: readonly Flag[];
    surroundings: Surroundings;
    /** What the command itself sets. */
    extra?: readonly Assignment[];
  },
): Promise<FreshetConfig> {
  const { directory, environment } = surroundings;
  const file = flags.includes(CONFIG_FLAG) && values.get(CONFIG_FLAG.name)?.at(-1);
  const assignments = flags.flatMap((flag) => assignmentsOf(flag, values.get(flag.name) ?? []));
  return loadConfig({ directory, environment, file, flags: [...assignments, ...extra] });
}

/** `users=http://localhost:4101/graphql` */
export function parseSubgraph(text: string): { name: string; url: string } {
  const [, name, url] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || url === undefined) {
    throw new UsageError(`--subgraph: NAME=URL was required, got ${JSON.stringify(text)}`);
  }
  return { name: name.trim(), url: url.trim() };
}

function assignmentsOf(flag: Flag, values: readonly string[]): Assignment[] {
  const source = `flag --${flag.name}`;
  if (flag === SUBGRAPH_FLAG) {
    return values.map(parseSubgraph)
      .map(({ name, url }) => ({ path: ['subgraphs', name, 'url'], value: url, source }));
  }
  const { path } = flag;
  const text = values.at(-1);
  if (path === undefined || text === undefined) return [];
  return [{ path, value: /^\d+$/.test(text) ? Number(text) : text, source }];
}
