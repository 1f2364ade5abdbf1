/**
 * A vitest reporter that ends the output with one line for people and machines alike:
 * "412 passed, 0 failed". It never says "0 failed" of a run that failed.
 */

import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: 'passed' | 'interrupted' | 'failed',
  ): void {
    let passed = 0;
    // A file that could not be loaded has no tests that could fail, and yet it failed.
    let failed = unhandledErrors.length;
    for (const module of modules) {
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        if (state === 'failed') failed += 1;
      }
    }
    if (reason !== 'passed' || passed === 0) failed = Math.max(failed, 1);
    process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  }
}
