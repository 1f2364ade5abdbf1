/**
 * Waits for a condition instead of for a length of time, so that no test sleeps. It ends as soon
 * as the condition holds, and when the deadline passes the error says what was awaited.
 */

import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** What is awaited, as it should read in the error: "node B has applied the purge". */
  what: string;
  /** After this long the wait fails. Default 60,000 ms: only what never comes is a failure. */
  deadlineMs?: number;
  /** Pause between two looks. Default 5 ms. */
  everyMs?: number;
  /** What is there in its place, as JSON in the error. Default nothing. */
  instead?: () => unknown;
}

type Falsy = false | 0 | '' | null | undefined;

/**
 * Resolves with the first truthy value of `condition`. A condition that throws counts as not yet
 * true; the last thing that it threw is the cause of the error.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, deadlineMs = 60_000, everyMs = 5, instead }: UntilOptions,
): Promise<Exclude<T, Falsy>> {
  const deadline = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, Falsy>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      const got = instead === undefined ? '' : `, got: ${JSON.stringify(instead())}`;
      throw new Error(`waited ${deadlineMs} ms in vain until ${what}${got}`, { cause });
    }
    await sleep(everyMs);
  }
}
