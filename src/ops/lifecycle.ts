/**
 * How the process ends. On SIGTERM or SIGINT what was opened is closed, the last first, and the
 * exit code is 0; a second signal ends it at once. A bug that nobody caught ends it with 1: a
 * process in an unknown state must not go on to say what is fresh.
 */
import type { Clock, Millis } from '../invalidation/clock.ts';
import type { Logger } from './logger.ts';

export interface LifecycleOptions {
  readonly log: Pick<Logger, 'info' | 'error' | 'fatal'>;
  readonly clock: Clock;
  /** After this long, closing is given up and the exit code is 1. */
  readonly closeMsMax: Millis;
  /**
   * A worker: Ctrl-C reaches it as well as its primary, which will tell it when to end. Default
   * false.
   */
  readonly ignoresInterrupt?: boolean;
  /** Default: this process. */
  readonly process?: ProcessPart;
}

/** What it uses of a process. */
export interface ProcessPart {
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  exit(code: number): void;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #process: ProcessPart;
  readonly #closers: { name: string; close: () => Promise<unknown> }[] = [];
  #ending: Promise<void> | undefined;

  constructor(options: LifecycleOptions) {
    this.#options = options;
    this.#process = options.process ?? process;
    for (const signal of SIGNALS) {
      const isIgnored = signal === 'SIGINT' && options.ignoresInterrupt === true;
      this.#process.on(signal, () => isIgnored || this.#onSignal(signal));
    }
    this.#process.on('uncaughtException', (error) => this.#onBug(error));
    this.#process.on('unhandledRejection', (error) => this.#onBug(error));
  }

  /** Called when the process ends; what was added last is closed first. */
  onClose(name: string, close: () => Promise<unknown>): void {
    this.#closers.push({ name, close });
  }

  /** A signal has come: what fails from now on fails because of it. */
  get ending(): boolean {
    return this.#ending !== undefined;
  }

  /** Closes everything once, for at most `closeMsMax`. Resolves to whether all of it closed. */
  async close(): Promise<boolean> {
    const { clock, closeMsMax, log } = this.#options;
    let failed = false;
    const all = (async () => {
      for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
        try {
          await next.close();
        } catch (error) {
          failed = true;
          log.error({ error, name: next.name }, 'could not close');
        }
      }
      return true;
    })();
    let cancel = (): void => {};
    const late = new Promise<boolean>((resolve) => {
      cancel = clock.after(closeMsMax, () => resolve(false));
    });
    const inTime = await Promise.race([all, late]);
    cancel();
    if (!inTime) log.error({ closeMsMax }, 'closing took too long');
    return inTime && !failed;
  }

  #onSignal(signal: string): void {
    if (this.#ending) {
      this.#options.log.info({ signal }, 'ending at once');
      this.#process.exit(1);
      return;
    }
    this.#options.log.info({ signal }, 'draining');
    this.#ending = this.#end();
  }

  async #end(): Promise<void> {
    const closed = await this.close();
    this.#options.log.info({ closed }, 'ended');
    this.#process.exit(closed ? 0 : 1);
  }

  #onBug(error: unknown): void {
    this.#options.log.fatal({ error }, 'unexpected error');
    this.#process.exit(1);
  }
}
