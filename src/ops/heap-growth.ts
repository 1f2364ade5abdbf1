/**
 * Keeps the memory of a process near what is alive in it. V8 lets the heap of a server grow to a
 * multiple of that before it collects what is old: good where nothing else is on the machine, but a
 * cache has a limit that somebody has reckoned with.
 */
import { setFlagsFromString } from 'node:v8';

/** What is old is collected when it has grown by so much since it was. */
const GROWTH_PERCENT = 25;

/** V8 reads the flag at each collection, so it may be set in a process that runs. */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
