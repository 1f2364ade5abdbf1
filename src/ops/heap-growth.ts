/**
 * Keeps the memory of a process near what is alive in it. V8 lets the heap of a server grow to a
 * multiple of that before it collects what is old: good where nothing else is on the machine, but a
 * cache has a limit that somebody has reckoned with.
 */
import { setFlagsFromString } from 'node:v8';

/** What is old is collected when it has grown by so much since it was. */
const GROWTH_PERCENT = 25;

/** Three spaces of so many MiB hold what is new; V8 would let them grow to 128 MiB. */
export const NEW_SPACE_ARGUMENT = '--max-semi-space-size=8';

/** V8 reads the flag at each collection, so it may be set in a process that runs. */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}

/**
 * Arguments of Node for a process that is to be started, since V8 reads this flag only then. What
 * somebody has decided stays.
 */
export function withBoundNewSpace(
  execArgv: readonly string[],
  nodeOptions = '',
): readonly string[] {
  const isDecided = [...execArgv, nodeOptions].some((text) => text.includes('semi-space'));
  return isDecided ? execArgv : [...execArgv, NEW_SPACE_ARGUMENT];
}
