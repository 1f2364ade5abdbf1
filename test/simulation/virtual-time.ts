/**
 * Time that passes only when something happens. Events run in the order in which they fall due,
 * those due at one instant in the order in which they were asked for, and between two of them all
 * promises settle that can. So the same seed gives the same run.
 */
import type { Clock, Millis } from '../../src/invalidation/clock.ts';

interface Event {
  readonly at: Millis;
  readonly order: number;
  readonly task: () => void;
  cancelled: boolean;
}

/** Events in one turn of the real event loop; Node settles promises between any two of them. */
const EVENTS_PER_TURN = 64;

export class VirtualTime {
  readonly #heap: Event[] = [];
  #now: Millis = 0;
  #order = 0;

  get now(): Millis {
    return this.#now;
  }

  /** Events that wait. */
  get pending(): number {
    return this.#heap.filter(({ cancelled }) => !cancelled).length;
  }

  after(delayMs: Millis, task: () => void): () => void {
    const at = this.#now + Math.max(0, delayMs);
    const event: Event = { at, order: this.#order, task, cancelled: false };
    this.#order += 1;
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Runs all that falls due up to `end`. Rejects with what an event throws. */
  run(end: Millis): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = 0;
      let isOver = false;
      const turn = (): void => {
        left = EVENTS_PER_TURN;
        for (let count = 0; count < EVENTS_PER_TURN; count += 1) setImmediate(step);
      };
      const step = (): void => {
        left -= 1;
        if (!isOver) {
          try {
            isOver = !this.#runNext(end);
            if (isOver) resolve();
          } catch (error) {
            isOver = true;
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        }
        if (left === 0 && !isOver) turn();
      };
      turn();
    });
  }

  /** False where nothing is left to be run before `end`; it is then `end`. */
  #runNext(end: Millis): boolean {
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.at > end) {
        this.#now = Math.max(this.#now, end);
        return false;
      }
      this.#pop();
      if (event.cancelled) continue;
      this.#now = event.at;
      event.task();
      return true;
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[at] = heap[parent] as Event;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Event)) child += 1;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

export interface MachineOptions {
  /** What `now()` shows at the beginning. */
  readonly aheadMs: Millis;
  /** What `wall()` shows at the beginning. */
  readonly wallMs: Millis;
}

/**
 * The clock of one process, by which all reaches it: while the process is frozen nothing does, and
 * comes when it goes on; once it was killed nothing does any more.
 */
export class MachineClock implements Clock {
  readonly #time: VirtualTime;
  readonly #options: MachineOptions;
  readonly #backlog: (() => void)[] = [];
  #state: 'running' | 'frozen' | 'dead' = 'running';
  /** How often it was frozen. */
  freezes = 0;

  constructor(time: VirtualTime, options: MachineOptions) {
    this.#time = time;
    this.#options = options;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  now(): Millis {
    return this.#time.now + this.#options.aheadMs;
  }

  wall(): Millis {
    return this.#time.now + this.#options.wallMs;
  }

  after(delayMs: Millis, task: () => void): () => void {
    let cancelled = false;
    const cancel = this.#time.after(delayMs, () => this.deliver(() => cancelled || task()));
    return () => {
      cancelled = true;
      cancel();
    };
  }

  /** Hands something to the process as soon as it runs. */
  deliver(task: () => void): void {
    if (this.#state === 'running') task();
    else if (this.#state === 'frozen') this.#backlog.push(task);
  }

  freeze(): void {
    if (this.#state !== 'running') return;
    this.#state = 'frozen';
    this.freezes += 1;
  }

  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'running';
    for (const task of this.#backlog.splice(0)) this.#time.after(0, () => this.deliver(task));
  }

  kill(): void {
    this.#state = 'dead';
    this.#backlog.length = 0;
  }
}
