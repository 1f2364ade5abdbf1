import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * Each in a process of its own: measured, or hurt, by what other files leave in theirs; or long for
 * how small it is. These begin first, and the others with the largest file.
 */
const ALONE = [
  'test/chaos/**/*.test.ts', 'test/simulation/**/*.test.ts', 'test/support/*.test.ts',
  'test/e2e/attacks-hit-path.test.ts', 'test/ops/conformance/freshet.test.ts',
  'test/ops/sources/{nats,rabbitmq}/source.test.ts',
];

export default defineConfig({
  resolve: {
    // Vite would take the ES module of graphql for our files, while Node gives the packages that
    // build on it the CommonJS one, and errors and schemas of the one are none to the other.
    alias: [
      { find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) },
      // The examples name this package as a service does, which would take what was built last.
      { find: /^freshet-gateway\/invalidation$/, replacement: source('invalidation/index.ts') },
    ],
  },
  test: {
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE } },
      // Modules that are loaded anew for each file cost more time than most of the tests.
      {
        extends: true,
        test: { name: 'shared', isolate: false, include: ['test/**/*.test.ts'], exclude: ALONE },
      },
    ],
    reporters: ['default', './test/support/closing-line.ts'],
    globalSetup: ['test/support/requirements.ts'],
    // Tests stop and kill servers, and exit hooks clean up after them: processes, not threads.
    pool: 'forks',
    // Most of them wait for servers: two share even a single core well.
    maxWorkers: 2,
    // More fleets at once make each other's nodes deaf, which are kept from hearing the log.
    maxConcurrency: 3,
    // For what never ends: no test is timed, and a busy machine is no failure.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // A run in which nothing ran proves nothing.
    passWithNoTests: false,
    allowOnly: false,
  },
});

function source(path: string): string {
  return fileURLToPath(new URL(`src/${path}`, import.meta.url));
}
