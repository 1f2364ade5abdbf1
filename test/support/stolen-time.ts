/**
 * How long each processor of this machine has been kept by its host for something else (`steal` of
 * proc(5), which counts hundredths of a second), in ms since it started. Linux tells it; elsewhere
 * there are none.
 */
import { readFileSync } from 'node:fs';

const TICK_MS = 10;
/** user nice system idle iowait irq softirq steal */
const STEAL_FIELD = 8;

export function stolenMs(): readonly number[] {
  if (process.platform !== 'linux') return [];
  const lines = readFileSync('/proc/stat', 'latin1').split('\n');
  const processors = lines.filter((line) => /^cpu\d/.test(line));
  return processors.map((line) => TICK_MS * Number(line.split(/\s+/)[STEAL_FIELD]));
}

/** Of all processors together. */
export function stolenMsInAll(): number {
  return stolenMs().reduce((sum, ms) => sum + ms, 0);
}
