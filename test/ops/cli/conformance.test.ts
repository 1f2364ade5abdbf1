import { expect, it } from 'vitest';
import { conformOptions } from '../../../src/ops/cli/conformance-flags.ts';
import { UsageError } from '../../../src/ops/cli/command.ts';

const TARGET = 'http://127.0.0.1:4000/graphql';

function options(flags: Record<string, string | string[]>) {
  const values = new Map(Object.entries({ target: TARGET, ...flags })
    .map(([name, value]) => [name, [value].flat()] as const));
  return conformOptions(values, { checks: ['update', 'etag'], directory: '/work' });
}

it('has defaults for all but the target', () => {
  expect(options({})).toMatchObject({
    targets: [TARGET], adapter: { kind: 'mutation' }, originHost: '127.0.0.1', originPort: 4400,
    settleMs: 500, checkMs: 20_000, totalMs: 120_000, waitMs: 60_000, json: false,
  });
});

it('listens beyond loopback only where a target is there, or when told to', () => {
  expect(options({ target: [TARGET, 'http://localhost:1/'] }).originHost).toBe('127.0.0.1');
  expect(options({ target: [TARGET, 'http://cache.test/'] }).originHost).toBe('0.0.0.0');
  expect(options({ 'origin-host': '10.0.0.1' }).originHost).toBe('10.0.0.1');
});

it('chooses checks', () => {
  const chosen = (flags: Record<string, string[]>): string[] =>
    ['update', 'etag'].filter(options(flags).chosen);
  expect(chosen({})).toEqual(['update', 'etag']);
  expect(chosen({ only: ['etag'] })).toEqual(['etag']);
  expect(chosen({ skip: ['etag'] })).toEqual(['update']);
});

it('reads the wire to cut', () => {
  expect(options({ relay: '6390=[::1]:6379' }).relay)
    .toEqual({ port: 6390, targetHost: '::1', targetPort: 6379 });
});

it.each([
  [{ target: [] }, '--target: at least one was required'],
  [{ target: 'cache' }, '--target: an http or https URL was required, got "cache"'],
  [{ adapter: 'magic' }, /^--adapter: one of mutation, .* was required, got "magic"$/],
  [{ adapter: 'http' }, '--purge-url: required with --adapter http, got none'],
  [{ adapter: 'command' }, '--purge-command: required with --adapter command, got none'],
  [{ adapter: 'module' }, '--module: required with --adapter module, got none'],
  [{ adapter: 'freshet-redis' }, '--redis: required with --adapter freshet-redis, got none'],
  [{ relay: '6390' }, '--relay: PORT=HOST:PORT was required, got "6390"'],
  [{ only: 'speed' }, '--only: a check was required (see --list), got "speed"'],
  [{ caller: 'Bearer one' }, '--caller: two different values were required'],
  [{ caller: ['Bearer one', 'Bearer one'] }, '--caller: two different values were required'],
  [{ 'settle-ms': '0.5' }, '--settle-ms: at most 6 digits were required, got "0.5"'],
])('refuses %j', (flags, message) => {
  expect(() => options(flags as Record<string, string>)).toThrow(UsageError);
  expect(() => options(flags as Record<string, string>)).toThrow(message);
});
