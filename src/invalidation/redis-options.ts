/**
 * Reads what an operator wrote about Redis into what a connection needs, or says what is wrong with
 * it: the place, what was required and what was got, and never a credential.
 */
import type { ConnectionOptions } from 'node:tls';
import type { Millis } from './clock.ts';
import { fault, type FreshetError } from './errors.ts';

/**
 * `redis://user:password@host:6379/0`, `rediss://` for TLS; several with commas between them are
 * the first nodes of a Cluster; an object for all else.
 */
export type RedisOptions = string | RedisSettings;

export interface RedisSettings {
  /** As above. Either this or `sentinels`. */
  readonly url?: string;
  /** The one node of `url` belongs to a Cluster. Default: whether `url` is a list. */
  readonly cluster?: boolean;
  /** The Sentinels that know the master; `name` is then required. */
  readonly sentinels?: readonly RedisAddress[];
  /** The name by which the Sentinels know the master. */
  readonly name?: string;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  /** Speak TLS with the Sentinels too. */
  readonly sentinelTls?: boolean | ConnectionOptions;
  /** Of the server; instead of those in the URL. */
  readonly username?: string;
  readonly password?: string;
  /** Default: whether the URL begins with `rediss:`. An object holds CA, certificate and so on. */
  readonly tls?: boolean | ConnectionOptions;
  /** Database number. Default that of the URL, or 0; a Cluster has only 0. */
  readonly db?: number;
  /** Bound on reaching the server. Default 1,000 ms. */
  readonly connectTimeoutMs?: Millis;
}

export interface RedisAddress {
  readonly host: string;
  /** Default 6379, of a Sentinel 26379. */
  readonly port?: number;
}

/** What a connection needs, complete and checked. */
export interface RedisPlan {
  readonly kind: 'single' | 'cluster' | 'sentinel';
  readonly nodes: readonly Required<RedisAddress>[];
  readonly sentinels: readonly Required<RedisAddress>[] | undefined;
  readonly sentinelName: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly sentinelTls: ConnectionOptions | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: ConnectionOptions | undefined;
  readonly db: number;
  readonly connectTimeoutMs: Millis;
}

const KNOWN: ReadonlySet<string> = new Set<keyof RedisSettings>([
  'url', 'cluster', 'sentinels', 'name', 'sentinelUsername', 'sentinelPassword', 'sentinelTls',
  'username', 'password', 'tls', 'db', 'connectTimeoutMs',
]);
const NODES_MAX = 100;
const DATABASE_MAX = 1_000_000;

/** Throws `REDIS_OPTIONS_INVALID`. */
export function readRedisOptions(options: RedisOptions): RedisPlan {
  const settings = typeof options === 'string' ? { url: options } : options;
  if (typeof settings !== 'object' || settings === null) {
    throw invalid('options', 'a URL or an object', typeof options);
  }
  for (const key of Object.keys(settings)) {
    if (!KNOWN.has(key)) throw invalid(key, `one of ${[...KNOWN].join(', ')}`, 'an unknown option');
  }
  const { url, sentinels } = settings;
  if ((url === undefined) === (sentinels === undefined)) {
    const got = url === undefined ? 'neither' : 'both';
    throw invalid('url, sentinels', 'one of the two', got);
  }
  return url === undefined ? sentinelPlan(settings) : urlPlan(settings, url);
}

interface ParsedUrl {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number | undefined;
}

function urlPlan(settings: RedisSettings, url: string): RedisPlan {
  if (typeof url !== 'string' || url.trim() === '') {
    throw invalid('url', 'redis://host:port', typeof url === 'string' ? 'nothing' : typeof url);
  }
  const texts = url.split(',').map((text) => text.trim());
  if (texts.length > NODES_MAX) throw invalid('url', `at most ${NODES_MAX} nodes`, texts.length);
  const secure = /^rediss:/i.test(texts[0] as string);
  const scheme = secure ? 'rediss' : 'redis';
  const parsed = texts.map((text, index) => {
    const path = texts.length === 1 ? 'url' : `url, node ${index + 1}`;
    return parseUrl(text.includes('://') ? text : `${scheme}://${text}`, path);
  });
  if (parsed.some((node) => node.secure !== secure)) {
    throw invalid('url', 'TLS for all nodes or for none', 'a list of redis: and rediss:');
  }
  const cluster = settings.cluster ?? parsed.length > 1;
  if (!cluster && parsed.length > 1) throw invalid('cluster', 'true for a list of nodes', 'false');
  const plan = {
    ...shared(settings, parsed),
    kind: cluster ? 'cluster' : 'single',
    nodes: parsed.map(({ host, port }) => ({ host, port })),
    tls: tlsOf(settings.tls ?? secure, 'tls'),
  } as const;
  if (cluster && plan.db !== 0) throw invalid('db', '0, the only one of a Cluster', plan.db);
  return plan;
}

function sentinelPlan(settings: RedisSettings): RedisPlan {
  const { sentinels, name } = settings;
  if (!Array.isArray(sentinels) || sentinels.length === 0 || sentinels.length > NODES_MAX) {
    throw invalid('sentinels', `a list of 1 to ${NODES_MAX} addresses`, describe(sentinels));
  }
  if (typeof name !== 'string' || name === '') {
    throw invalid('name', 'the name of the master', describe(name));
  }
  if (settings.cluster === true) throw invalid('cluster', 'no Cluster with Sentinels', 'true');
  return {
    ...shared(settings, []),
    kind: 'sentinel',
    sentinelName: name,
    sentinels: sentinels.map((sentinel: RedisAddress, index) => address(sentinel, index)),
    tls: tlsOf(settings.tls ?? false, 'tls'),
  };
}

function shared(settings: RedisSettings, urls: readonly ParsedUrl[]): Omit<RedisPlan, 'kind'> {
  for (const key of ['username', 'password', 'sentinelUsername', 'sentinelPassword'] as const) {
    const value: unknown = settings[key];
    if (value === undefined || typeof value === 'string') continue;
    throw invalid(key, 'a string', typeof value);
  }
  const { connectTimeoutMs = 1_000 } = settings;
  integer('connectTimeoutMs', connectTimeoutMs, 1, 60_000);
  const db = settings.db ?? urls.find((url) => url.db !== undefined)?.db ?? 0;
  integer('db', db, 0, DATABASE_MAX);
  return {
    nodes: [],
    sentinels: undefined,
    sentinelName: undefined,
    sentinelUsername: settings.sentinelUsername,
    sentinelPassword: settings.sentinelPassword,
    sentinelTls: tlsOf(settings.sentinelTls ?? false, 'sentinelTls'),
    username: settings.username ?? urls.find((url) => url.username !== undefined)?.username,
    password: settings.password ?? urls.find((url) => url.password !== undefined)?.password,
    tls: undefined,
    db,
    connectTimeoutMs,
  };
}

function parseUrl(text: string, path: string): ParsedUrl {
  const required = 'redis://host:port or rediss://host:port';
  // What cannot be taken apart is not shown: it may hold a password anywhere.
  if (!URL.canParse(text)) throw invalid(path, required, 'text that is no URL');
  const url = new URL(text);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw invalid(path, required, `a URL that begins with ${url.protocol}`);
  }
  if (url.hostname === '') throw invalid(path, required, 'a URL without a host');
  if (url.search !== '' || url.hash !== '') {
    throw invalid(path, 'a URL without ? and #', 'one with them (percent-encode the password)');
  }
  const database = url.pathname.slice(1);
  if (!/^\d{0,7}$/.test(database)) throw invalid(path, 'a database number after /', 'other text');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    secure: url.protocol === 'rediss:',
    username: url.username === '' ? undefined : decode(url.username, path),
    password: url.password === '' ? undefined : decode(url.password, path),
    db: database === '' ? undefined : Number(database),
  };
}

function decode(text: string, path: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(path, 'credentials in percent-encoding', 'a stray %');
  }
}

function address(sentinel: RedisAddress, index: number): Required<RedisAddress> {
  const path = `sentinels[${index}]`;
  if (typeof sentinel?.host !== 'string' || sentinel.host === '') {
    throw invalid(`${path}.host`, 'a host name', describe(sentinel?.host));
  }
  const { host, port = 26_379 } = sentinel;
  integer(`${path}.port`, port, 1, 65_535);
  return { host, port };
}

function tlsOf(tls: boolean | ConnectionOptions, path: string): ConnectionOptions | undefined {
  if (tls === true) return {};
  if (tls === false) return undefined;
  if (typeof tls === 'object' && tls !== null) return tls;
  throw invalid(path, 'a boolean or an object', describe(tls));
}

function integer(path: string, value: unknown, ...[least, most]: [number, number]): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw invalid(path, `a whole number from ${least} to ${most}`, describe(value));
}

function describe(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return value === '' ? 'nothing' : typeof value;
}

function invalid(path: string, required: string, got: string | number): FreshetError {
  return fault('REDIS_OPTIONS_INVALID', { path, required, got });
}
