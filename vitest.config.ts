import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/requirements.ts'],
    // Tests stop and kill servers, and exit hooks clean up after them: processes, not threads.
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A run in which nothing ran proves nothing.
    passWithNoTests: false,
    allowOnly: false,
  },
});
