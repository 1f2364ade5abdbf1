/**
 * Keeps the memory of a process near what is alive in it. V8 lets the heap of a server grow to a
 * multiple of that before it collects, and its space for new objects to 128 MiB: good where nothing
 * else is on the machine, but a cache has a limit that somebody has reckoned with.
 *
 * The flags are read by V8 at each collection, so they may be set in a process that runs. Whoever
 * sets the size of that space by flags of their own is left with it.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { Clock, Millis } from '../invalidation/clock.ts';

/** What is old is collected when it has grown by so much since it was. */
const OLD_GROWTH_PERCENT = 25;
/** The space for new objects, which doubles, does so no more from here on. */
const NEW_BYTES_MAX = 8 * 1024 * 1024;
const LOOK_MS: Millis = 50;

/** `flags`: those that the process was started with. Returns what ends it. */
export function boundHeapGrowth(clock: Clock, flags: readonly string[]): () => void {
  setFlagsFromString(`--heap-growing-percent=${OLD_GROWTH_PERCENT}`);
  let cancel = (): void => undefined;
  const look = (): void => {
    if (newSpaceBytes() >= NEW_BYTES_MAX) setFlagsFromString('--semi-space-growth-factor=1');
    else cancel = clock.after(LOOK_MS, look);
  };
  if (!flags.some((flag) => flag.includes('semi-space'))) look();
  return () => cancel();
}

function newSpaceBytes(): number {
  const spaces = getHeapSpaceStatistics();
  return spaces.find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
