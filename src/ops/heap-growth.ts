/**
 * Keeps the memory of a process near what is alive in it. V8 lets the heap of a server grow to a
 * multiple of that before it collects what is old: good where nothing else is on the machine, but a
 * cache has a limit that somebody has reckoned with. As long as the cache is not full, what it does
 * not take yet is for garbage: to collect less often is to answer faster.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { Clock, Millis } from '../invalidation/clock.ts';

/** What is old is collected when it has grown by so much since it was; so are Buffers. */
const GROWTH_PERCENT = 16;
/** Where there is room, when it has grown by so many bytes. More is hardly any faster. */
const GROWTH_BYTES = 64 * 2 ** 20;
/** Of the limit; the rest is for what V8 takes beside what is alive, and does not give back. */
const LENT_SHARE = 0.75;
/**
 * Three spaces of so many MiB hold what is new; V8 would let them grow to 128 MiB. With 8 each,
 * requests under way grow old before they are answered: a miss takes half as much again.
 */
export const NEW_SPACE_ARGUMENT = '--max-semi-space-size=16';
/** V8 takes either. */
const DECIDED = /semi[-_]space/;
const BUFFERS_ARGUMENT = '--external-memory-accounted-in-global-limit';
const LOOK_EVERY_MS: Millis = 1_000;
/** Smaller steps are not worth a change. */
const STEP_PERCENT = 10;

/** V8 reads the flags at each collection, so they may be set in a process that runs. */
export function boundHeapGrowth(): void {
  setFlagsFromString(growthArgument(GROWTH_PERCENT));
  for (const argument of markingArguments(process.versions.v8)) setFlagsFromString(argument);
}

/**
 * Marking begins at so much of the way to the limit. Left to itself V8 begins when less is left of
 * it than the space for new objects may take, which with a small heap is after each collection of
 * that space (`Heap::IncrementalMarkingLimitReached` in heap.cc).
 *
 * What Buffers hold is on the way with the last of these alone; otherwise it counts towards the end
 * and not towards the way (`Heap::OldGenerationSpaceAvailable`). A cache then comes to the limit
 * with nothing marked. All is marked at once, for a tenth of a second, and compiled code is thrown
 * away with each shape of which there is no object just then: a hundred functions at a time. V8
 * before 13 (Node 22) does not know it, and has to begin early; since 14.8 it is so anyway.
 */
export function markingArguments(v8: string): readonly string[] {
  const [major = 0, minor = 0] = v8.split('.').map(Number);
  const triggers = (soft: number, hard: number): string[] => [
    `--incremental-marking-soft-trigger=${soft}`, `--incremental-marking-hard-trigger=${hard}`,
  ];
  if (major < 13) return triggers(40, 60);
  const isSoAnyway = major > 14 || (major === 14 && minor >= 8);
  return isSoAnyway ? triggers(70, 90) : [...triggers(70, 90), BUFFERS_ARGUMENT];
}

export interface HeapRoomOptions {
  readonly clock: Clock;
  /** What the process is to keep at most, once its cache is full. */
  readonly bytesMax: number;
}

/** After `boundHeapGrowth`: gives garbage the room that is not taken yet. Returns what ends it. */
export function lendHeapRoom({ clock, bytesMax }: HeapRoomOptions): () => void {
  let percent = GROWTH_PERCENT;
  let cancel: () => void = () => undefined;
  const look = (): void => {
    const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
    const next = growthPercent({ bytesMax, usedBytes: heap + external });
    if (Math.abs(next - percent) >= STEP_PERCENT || next < percent) {
      percent = next;
      setFlagsFromString(growthArgument(percent));
    }
    cancel = clock.after(LOOK_EVERY_MS, look);
  };
  look();
  return () => cancel();
}

/** `usedBytes`: with what is garbage already. */
export function growthPercent(
  { bytesMax, usedBytes }: { bytesMax: number; usedBytes: number },
): number {
  const room = Math.min(GROWTH_BYTES, LENT_SHARE * bytesMax - usedBytes);
  return Math.max(GROWTH_PERCENT, Math.floor((100 * room) / usedBytes));
}

function growthArgument(percent: number): string {
  return `--heap-growing-percent=${percent}`;
}

/**
 * Arguments of Node for a process that is to be started, since V8 reads this flag only then. What
 * somebody has decided stays: then they are `execArgv` itself.
 */
export function withBoundNewSpace(
  execArgv: readonly string[],
  nodeOptions = '',
): readonly string[] {
  const isDecided = [...execArgv, nodeOptions].some((text) => DECIDED.test(text));
  return isDecided ? execArgv : [...execArgv, NEW_SPACE_ARGUMENT];
}

/**
 * Has this process begin anew with that space bound, unless somebody has decided. `restart` returns
 * where it cannot.
 */
export function boundNewSpace(
  restart: (execArgv: readonly string[]) => void,
  { execArgv, env }: Pick<NodeJS.Process, 'execArgv' | 'env'> = process,
): void {
  const bound = withBoundNewSpace(execArgv, env['NODE_OPTIONS']);
  if (bound !== execArgv) restart(bound);
}
