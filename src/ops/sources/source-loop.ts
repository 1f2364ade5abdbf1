/**
 * What all sources have in common: one session with the server after the other, until it is closed.
 * It promises: pauses between attempts grow from 50 ms to 5 s and are short again after progress;
 * and an operator is told of each matter at most once a minute.
 */
import { pause, type Clock, type Millis, type Random } from '../../invalidation/clock.ts';
import { backoffMs, reasonOf } from '../../invalidation/redis.ts';
import type { SourceSurroundings } from './source.ts';

export interface SourceLoopOptions extends Omit<SourceSurroundings, 'sink'> {
  /** One session: resolves when `signal` aborts, rejects where the server or the log fails. */
  readonly work: (signal: AbortSignal) => Promise<void>;
}

const RETRY_CAP_MS = 5_000;
const WARN_EVERY_MS = 60_000;
/** `close` leaves a session that does not end by then to itself. */
const CLOSE_MS = 5_000;

export class SourceLoop {
  readonly #options: SourceLoopOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #stop = new AbortController();
  readonly #warnedAt = new Map<string, Millis>();
  #running: Promise<void> | undefined;
  #attempt = 0;
  #failures = 0;
  #delivered = 0;
  #refused = 0;

  /** Whether this process reads the source; `work` says so, and its end takes it back. */
  isWorking = false;

  constructor(options: SourceLoopOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  get counts() {
    const [delivered, refused, failures] = [this.#delivered, this.#refused, this.#failures];
    return { name: this.#options.name, isWorking: this.isWorking, delivered, refused, failures };
  }

  /** So many messages are in the log. */
  delivered(count: number): void {
    this.#delivered += count;
    if (count > 0) this.#attempt = 0;
  }

  /** Something was passed over, because nobody could read it. */
  refused(reason: string): void {
    this.#refused += 1;
    this.warn('refused', `something that cannot be read was passed over: ${reason}`);
  }

  /** `matter`: of what it is, so that different ones do not silence each other. */
  warn(matter: string, text: string): void {
    const now = this.#clock.now();
    const warnedAt = this.#warnedAt.get(matter);
    if (warnedAt !== undefined && now - warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt.set(matter, now);
    this.#options.warn(`source ${this.#options.name}: ${text}`);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const ended = new AbortController();
    await Promise.race([this.#running, pause(this.#clock, CLOSE_MS, ended.signal)]);
    ended.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (; !signal.aborted; this.#attempt += 1) {
      await this.#options.work(signal).catch((error: unknown) => this.#fail(error));
      this.isWorking = false;
      await pause(this.#clock, backoffMs(this.#attempt, this.#random, RETRY_CAP_MS), signal);
    }
  }

  #fail(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#failures += 1;
    this.warn('failed', `it is tried again: ${reasonOf(error)}`);
  }
}
