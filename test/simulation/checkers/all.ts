/** The properties that hold of every run, by name. */
import { bounded } from './bounded.ts';
import type { Checker, CheckerContext } from './checker.ts';
import { converges } from './converges.ts';
import { fresh } from './fresh.ts';
import { noFailure } from './no-failure.ts';
import { oneLoad } from './one-load.ts';
import { oneLock } from './one-lock.ts';
import { privateStaysPrivate } from './private.ts';
import { readYourWrites } from './read-your-writes.ts';
import { windows } from './windows.ts';

export const CHECKERS = {
  'fresh': fresh,
  'read your writes': readYourWrites,
  'private': privateStaysPrivate,
  'one load': oneLoad,
  'one lock': oneLock,
  'windows': windows,
  'bounded': bounded,
  'converges': converges,
  'no failure': noFailure,
} as const satisfies Record<string, (context: CheckerContext) => Checker>;

export type CheckerName = keyof typeof CHECKERS;
