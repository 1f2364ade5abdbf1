import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { FreshetConfig } from '../../../src/gateway/config/config.ts';
import { CONFIG_OPTIONS } from '../../../src/gateway/config/config-options.ts';
import { documentConfig } from './document.ts';
import { variableOf } from '../../../src/ops/config/environment.ts';
import { loadConfig, type LoadOptions } from '../../../src/ops/config/load.ts';

const ROOT = new URL('../../../', import.meta.url).pathname;

const directories: string[] = [];

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'freshet-config-'));
  directories.push(directory);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

function load(
  files: Readonly<Record<string, string>>,
  options: Partial<LoadOptions> = {},
): Promise<FreshetConfig> {
  return loadConfig({ directory: directoryWith(files), environment: {}, ...options });
}

async function faultsOf(promise: Promise<unknown>): Promise<string[]> {
  const error = await promise.then(
    () => expect.unreachable('a configuration that is not valid was accepted'),
    (reason: unknown) => reason as Error & { code: string },
  );
  expect(error.code).toBe('CONFIG_INVALID');
  return error.message.split('\n').slice(1).map((line) => line.trim());
}

describe('loadConfig', () => {
  it('fills in defaults: in production all addresses, in development loopback', async () => {
    const yaml = { 'freshet.config.yaml': 'supergraph: a.graphql' };
    expect(await load(yaml)).toMatchObject({ host: '127.0.0.1', graphiql: true, port: 4000 });
    expect(await load(yaml, { environment: { NODE_ENV: 'production' } })).toMatchObject({
      host: '0.0.0.0',
      graphiql: false,
      adminHost: '127.0.0.1',
      cache: { defaultTtlSeconds: 60, l1: { bytesMax: 268_435_456 }, maxStalenessMs: 5_000 },
      log: { retentionMs: 90_000_000 },
      limits: { bodyBytesMax: 1_048_576, depthMax: 15 },
    });
  });

  it.each([
    ['freshet.config.ts', 'const port: number = 4100;\nexport default { supergraph: "a", port };'],
    ['freshet.config.mjs', 'export default { supergraph: "a", port: 4100 };'],
    ['freshet.config.json', '{"supergraph":"a","port":4100}'],
    ['freshet.config.yaml', 'supergraph: a\nport: 4100\n'],
    ['freshet.config.yml', '{ supergraph: a, port: 4100 }'],
  ])('finds %s in the working directory', async (name, text) => {
    expect(await load({ [name]: text })).toMatchObject({ supergraph: 'a', port: 4100 });
  });

  it('is overridden by the environment, and that by flags, option by option', async () => {
    const files = { 'freshet.config.yaml': `
      supergraph: a
      port: 1
      redis: redis://file
      cache: { defaultTtlSeconds: 1, maxTtlSeconds: 100, l1: { entriesMax: 1 } }` };
    const config = await load(files, {
      environment: {
        PORT: '2',
        FRESHET_PORT: '3',
        REDIS_URL: 'redis://environment',
        FRESHET_REDIS_READ_TIMEOUT_MS: '20',
        FRESHET_CACHE_DEFAULT_TTL_SECONDS: '2',
        FRESHET_CACHE_L1_ENTRIES_MAX: '2',
        FRESHET_CACHE_ENABLED: 'false',
        FRESHET_HEADERS_PROPAGATE: 'Authorization, X-Tenant',
        FRESHET_KEYS: '{"user:profile:{id}":"user:{id}"}',
        FRESHET_DEBUG: '1',
      },
      flags: [{ path: ['cache', 'l1', 'entriesMax'], value: 3, source: 'flag --entries' }],
    });
    expect(config).toMatchObject({
      port: 3,
      redis: { url: 'redis://environment', readTimeoutMs: 20 },
      cache: { enabled: false, defaultTtlSeconds: 2, maxTtlSeconds: 100, l1: { entriesMax: 3 } },
      headers: { propagate: ['authorization', 'x-tenant'] },
      keys: { 'user:profile:{id}': 'user:{id}' },
    });
  });

  it('takes a URL in place of Redis and of a subgraph', async () => {
    const config = await load({ 'freshet.config.yaml': `
      subgraphs: { users: http://users/graphql, content: { url: http://content, timeoutMs: 5 } }
      redis: redis://a:1,redis://b:2` });
    expect(config.subgraphs).toEqual({
      users: { url: 'http://users/graphql' },
      content: { url: 'http://content', timeoutMs: 5 },
    });
    expect(config.redis?.url).toBe('redis://a:1,redis://b:2');
  });

  it('ignores what Kubernetes puts into the environment for a service called freshet', async () => {
    const environment = {
      FRESHET_PORT: 'tcp://10.0.0.1:80',
      FRESHET_SERVICE_HOST: '10.0.0.1',
      FRESHET_SERVICE_PORT: '80',
      FRESHET_PORT_80_TCP_ADDR: '10.0.0.1',
      FRESHET_ADMIN_SERVICE_PORT_HTTP: '80',
    };
    expect(await load({ 'freshet.config.json': '{"supergraph":"a"}' }, { environment }))
      .toMatchObject({ port: 4000 });
  });

  it('gives every option that has one value a variable, no two the same', () => {
    const names = CONFIG_OPTIONS.filter(({ path }) => !path.includes('*'))
      .map(({ path }) => variableOf(path));
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('loadConfig, of what is not valid', () => {
  it('reports all faults at once: path, source, required, got', async () => {
    const files = { 'freshet.config.yaml': `
      supergraph: a
      prot: 4000
      cache: { ttl: 5, l1: { bytesMax: lots } , maxTtl: 4 }
      cors: { origins: [] }
      log: { retentionMs: 5000 }` };
    const faults = await faultsOf(load(files, {
      environment: { PORT: 'abc', FRESHET_CACHE_L1_BYTE_MAX: '5' },
      flags: [{ path: ['subgraphs', 'users', 'url'], value: 'users', source: 'flag --subgraph' }],
    }));
    expect(faults.toSorted()).toEqual([
      'FRESHET_CACHE_L1_BYTE_MAX (environment): required a variable that names an option ' +
        '(did you mean FRESHET_CACHE_L1_BYTES_MAX?), got another',
      'cache.l1.bytesMax (freshet.config.yaml): required an integer from 1048576 to ' +
        '1099511627776, got "lots"',
      'cache.maxTtl (freshet.config.yaml): required a known key (did you mean ' +
        'cache.maxTtlSeconds?), got the key "maxTtl"',
      'cache.ttl (freshet.config.yaml): required a known key, got the key "ttl"',
      'cors.origins (freshet.config.yaml): required a list that is not empty, got a list of 0',
      'log.retentionMs (freshet.config.yaml): required at least 90000000 (cache.maxTtlSeconds + ' +
        'cache.maxStaleWhileRevalidateSeconds), got 5000',
      'port (environment variable PORT): required an integer from 0 to 65535, got "abc"',
      'prot (freshet.config.yaml): required a known key (did you mean port?), got the key "prot"',
      'subgraphs.users.url (flag --subgraph): required an http or https URL, got "users"',
    ].toSorted());
  });

  it.each([
    [
      'nothing to serve',
      {},
      'supergraph: required exactly one of supergraph and subgraphs, got neither',
    ],
    [
      'two things to serve',
      { supergraph: 'a', subgraphs: { a: 'http://a' } },
      'supergraph (freshet.config.json): required exactly one of supergraph and subgraphs, ' +
        'got both',
    ],
    [
      'operators without a token on a public address',
      { supergraph: 'a', adminHost: '0.0.0.0' },
      'adminToken: required a token where adminHost "0.0.0.0" is not loopback, got nothing',
    ],
    [
      'one port for both listeners',
      { supergraph: 'a', port: 4001 },
      'adminPort (default): required another port than `port`, got 4001',
    ],
    [
      'a rule that outlives the log',
      { supergraph: 'a', cache: { rules: { 'User.email': { maxAgeSeconds: 86_401 } } } },
      'cache.rules.User.email.maxAgeSeconds (freshet.config.json): required at most 86400 ' +
        '(cache.maxTtlSeconds), got 86401',
    ],
    [
      'a default that outlives the log',
      { supergraph: 'a', cache: { maxTtlSeconds: 30 } },
      'cache.defaultTtlSeconds (default): required at most 30 (cache.maxTtlSeconds), got 60',
    ],
    [
      'a rule that slides for longer than the log reaches back',
      { supergraph: 'a', cache: { rules: { User: { slidingSeconds: 86_401 } } } },
      'cache.rules.User.slidingSeconds (freshet.config.json): required at most 86400 ' +
        '(cache.maxTtlSeconds), got 86401',
    ],
    [
      'nulls that outlive the log',
      { supergraph: 'a', cache: { rules: { User: { negativeTtlSeconds: 86_401 } } } },
      'cache.rules.User.negativeTtlSeconds (freshet.config.json): required at most 86400 ' +
        '(cache.maxTtlSeconds), got 86401',
    ],
    [
      'a rule that outlives an outage for too long',
      {
        supergraph: 'a',
        cache: { maxStaleIfErrorSeconds: 60, rules: { User: { staleIfErrorSeconds: 61 } } },
      },
      'cache.rules.User.staleIfErrorSeconds (freshet.config.json): required at most 60 ' +
        '(cache.maxStaleIfErrorSeconds), got 61',
    ],
    [
      'an outage that is outlived for longer than the log reaches back',
      { supergraph: 'a', cache: { maxStaleIfErrorSeconds: 3_601 } },
      'log.retentionMs (default): required at least 90001000 (cache.maxTtlSeconds + ' +
        'cache.maxStaleIfErrorSeconds), got 90000000',
    ],
    [
      'a share of more than a half',
      { supergraph: 'a', cache: { rules: { User: { jitter: 0.6 } } } },
      'cache.rules.User.jitter (freshet.config.json): required a number from 0 to 0.5, got 0.6',
    ],
    [
      'a lock for too long',
      { supergraph: 'a', cache: { rules: { User: { lockMs: 30_001 } } } },
      'cache.rules.User.lockMs (freshet.config.json): required an integer from 0 to 30000, ' +
        'got 30001',
    ],
    [
      'a negative staleness',
      { supergraph: 'a', cache: { maxStalenessMs: -1 } },
      'cache.maxStalenessMs (freshet.config.json): required an integer from 0 to 2147483647, ' +
        'got -1',
    ],
    [
      'a rule for no coordinate',
      { supergraph: 'a', cache: { rules: { 'a.b.c': {} } } },
      'cache.rules.a.b.c (freshet.config.json): required the name of a type, or Type.field, ' +
        'got the name "a.b.c"',
    ],
    [
      'Sentinels without a name',
      { supergraph: 'a', redis: { sentinels: [{ host: 'a' }] } },
      'redis.sentinelName (freshet.config.json): required a name where there are sentinels, ' +
        'got nothing',
    ],
    [
      'tokens that cannot be verified',
      { supergraph: 'a', jwt: {} },
      'jwt (freshet.config.json): required exactly one of jwksUrl and secret, got neither',
    ],
    [
      'an embedded audit of several processes',
      { supergraph: 'a', redis: 'redis://r', audit: { enabled: true } },
      'database: required a URL, or `workers` 1, where there is an audit, got neither',
    ],
    [
      'an audit that is kept for less long than the log',
      { supergraph: 'a', audit: { enabled: true, retentionDays: 1 } },
      'audit.retentionDays (freshet.config.json): required at least 2, as log.retentionMs, got 1',
    ],
    [
      'a key that would reach the prototype',
      JSON.parse('{"supergraph":"a","__proto__":{"port":1}}') as object,
      '__proto__ (freshet.config.json): required a known key, got the key "__proto__"',
    ],
  ])('refuses %s', async (_, options, message) => {
    const files = { 'freshet.config.json': JSON.stringify(options) };
    expect(await faultsOf(load(files))).toEqual([message]);
  });

  it('never shows a secret', async () => {
    const options = {
      supergraph: 'a',
      adminToken: 'hunter2',
      redis: { url: 'http://user:hunter2@redis' },
      jwt: { secret: 'hunter2' },
      database: 'mysql://user:hunter2@db',
      subgraphs: { a: 'ftp://user:hunter2@a' },
    };
    const environment = { FRESHET_REDIS_PASSWORD: ' ', FRESHET_JWT_ISSUER: ' ' };
    const faults = await faultsOf(load(
      { 'freshet.config.json': JSON.stringify(options) },
      { environment },
    ));
    expect(faults).toHaveLength(7);
    expect(faults.join()).not.toContain('hunter2');
  });

  it.each([
    ['a file that is not there', {}, 'other.yaml', 'no such file'],
    ['broken YAML', { 'other.yaml': 'a: [1' }, 'other.yaml', /at line 1, column/],
    ['broken JSON', { 'other.json': '{"secret":"hunter2' }, 'other.json', /^(?!.*hunter2)/],
    ['a module that throws', { 'other.mjs': 'throw new Error("no")' }, 'other.mjs', 'no'],
    ['a list', { 'other.yaml': '- a' }, 'other.yaml', 'a list of 1'],
    ['nothing', { 'other.yaml': '' }, 'other.yaml', 'nothing'],
  ])('reports %s, and nothing that follows from it', async (_, files, file, got) => {
    const faults = await faultsOf(load(files, { file }));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`file (${file}): required`);
    const [, shown] = faults[0]?.split(', got ') ?? [];
    if (typeof got === 'string') expect(shown).toBe(got);
    else expect(shown).toMatch(got);
  });

  it('refuses two files of which either could be meant', async () => {
    const files = { 'freshet.config.json': '{}', 'freshet.config.yaml': '' };
    expect((await faultsOf(load(files)))[0])
      .toMatch(/required one configuration file, got freshet.config.json and freshet.config.yaml$/);
  });
});

describe('the documentation of the configuration', () => {
  it('is what the schema says', async () => {
    await expect(documentConfig()).toMatchFileSnapshot(`${ROOT}docs/configuration.md`);
  });

  it('describes every option', () => {
    const groups = ['log', 'cache', 'cache.l1', 'cache.horizon', 'headers', 'limits'];
    const silent = CONFIG_OPTIONS
      .filter(({ path, description }) => path.at(-1) !== '*' && description === '')
      .map(({ path }) => path.join('.'));
    expect(silent).toEqual(groups);
  });

  it('has an example that is valid', async () => {
    const file = `${ROOT}freshet.config.example.yaml`;
    const config = await loadConfig({ directory: ROOT, environment: {}, file });
    expect(Object.keys(config.subgraphs ?? {})).toEqual(['users', 'content']);
    expect(readFileSync(file, 'utf8')).not.toMatch(/^[^#\n]*(password|secret|token)/im);
  });
});
