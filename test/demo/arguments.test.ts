import { expect, test } from 'vitest';
import { readArguments } from '../../src/demo/arguments.ts';

const USERS = ['--service', 'users', '--redis', 'redis://127.0.0.1:6379'];

test('what is not said takes its default', () => {
  expect(readArguments(USERS)).toEqual({
    service: 'users', redisUrl: 'redis://127.0.0.1:6379', databaseUrl: undefined,
    host: '127.0.0.1', port: undefined, slowMs: 0, authUrl: 'http://127.0.0.1:5005',
  });
  expect(readArguments(['--help'])).toBe('help');
});

test('what is said is taken', () => {
  const given = readArguments([
    '--service=all', '--redis', 'redis://h', '--database', 'postgresql://u:p@h/d',
    '--host', '0.0.0.0', '--slow-ms', '200', '--auth', 'https://auth.example',
  ]);
  expect(given).toEqual({
    service: 'all', redisUrl: 'redis://h', databaseUrl: 'postgresql://u:p@h/d',
    host: '0.0.0.0', port: undefined, slowMs: 200, authUrl: 'https://auth.example',
  });
});

test.each([
  [['--service', 'nobody', '--redis', 'redis://h'], '--service: auth, users, content, feed'],
  [['--redis', 'redis://h'], '--service: auth, users, content, feed'],
  [['--service', 'users'], '--redis: a URL was required, got none.'],
  [[...USERS, '--port', '70000'], '--port: 0 to 65535 was required, got 70000.'],
  [[...USERS, '--port', 'x'], '--port: 0 to 65535'],
  [['--service', 'all', '--redis', 'redis://h', '--port', '1'], '--port: none with all'],
  [[...USERS, '--slow-ms', '1e3'], '--slow-ms: 0 to 60000 was required, got 1e3.'],
  [[...USERS, '--auth', 'auth'], '--auth: an http or https URL'],
  [[...USERS, '--database', 'mysql://u:secret@h'], '--database: a URL that begins with postgres:'],
  [[...USERS, '--nonsense'], '--nonsense'],
  [[...USERS, 'nonsense'], 'nonsense'],
])('%j is refused with what was required', (args, message) => {
  const refusal = readArguments(args);
  expect(refusal).toContain(message);
  expect(refusal).not.toContain('secret');
});
