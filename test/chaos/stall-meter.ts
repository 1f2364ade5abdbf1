/** How long this process could not run so far, because the machine was busy or memory collected. */

const EVERY_MS = 5;
/** A timer that is less late than this is not worth speaking of. */
const LATE_MS = 15;

export class StallMeter {
  totalMs = 0;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let last = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      const lateMs = now - last - EVERY_MS;
      if (lateMs > LATE_MS) this.totalMs += lateMs;
      last = now;
    }, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
