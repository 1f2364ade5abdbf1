/**
 * The kit also runs before a cache that is not ours. What is here does not hang on how Yoga's
 * response cache does its work; the whole result is in docs/conformance.md.
 */
import { expect, test } from 'vitest';
import { freePort } from '../../support/process.ts';
import { notPassed, reportOfKit } from './kit.ts';
import { startYogaServer } from './yoga-server.ts';

const CHECKS = ['keeps', 'update', 'update-nested', 'errors', 'private-callers', 'ids'];

test('Yoga with its response cache passes what it is made for', async () => {
  const originPort = await freePort();
  const originUrl = `http://127.0.0.1:${originPort}/graphql`;
  const server = await startYogaServer({ originUrl, port: 0 });
  try {
    const { code, report } = await reportOfKit([
      '--target', server.url, '--origin-port', String(originPort), '--settle-ms', '100',
      '--adapter', 'http', '--purge-url', `${server.purgeUrl}?type={type}&id={id}&action={action}`,
      ...CHECKS.flatMap((name) => ['--only', name]),
    ]);
    expect(notPassed(report)).toEqual([]);
    expect([code, report.passed]).toEqual([0, CHECKS.length]);
  } finally {
    await server.stop();
  }
});
