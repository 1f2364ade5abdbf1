/**
 * How long a process was ready to run and had no processor: `schedstat` of proc(5), whose second
 * number counts it in ns for the main thread, where JavaScript runs. Linux tells it; elsewhere, and
 * where the kernel does not count, it is 0.
 */
import { readFileSync } from 'node:fs';

const EVERY_MS = 20;
/** Longer than any wait that is asked about. */
const KEPT_MS = 10_000;
const NS_IN_MS = 1e6;

interface Sample {
  readonly at: number;
  readonly pid: number | undefined;
  /** So far. */
  readonly waitedMs: number;
}

export class ProcessorWait {
  readonly #pid: () => number | undefined;
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  /** `pid`: of the process that there is now, which another one may take the place of. */
  constructor(pid: () => number | undefined) {
    this.#pid = pid;
    this.#timer = setInterval(() => {
      this.#samples.push(this.#sample());
      const oldest = performance.now() - KEPT_MS;
      while ((this.#samples[0]?.at ?? oldest) < oldest) this.#samples.shift();
    }, EVERY_MS);
  }

  /** Since `from` (`performance.now()`), or a little less: from the first look after it. */
  since(from: number): number {
    const now = this.#sample();
    const first = this.#samples.find(({ at, pid }) => at >= from && pid === now.pid) ?? now;
    return now.waitedMs - first.waitedMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): Sample {
    const pid = this.#pid();
    return { at: performance.now(), pid, waitedMs: pid === undefined ? 0 : waitedMsOf(pid) };
  }
}

function waitedMsOf(pid: number): number {
  try {
    const [, waitedNs = '0'] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ');
    return Number(waitedNs) / NS_IN_MS;
  } catch {
    return 0;
  }
}
