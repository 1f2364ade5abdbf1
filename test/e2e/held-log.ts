/** A view of a log that a test can hold behind: appended to at once, followed when it is let go. */
import type { AppendOptions, Log, LogEvent } from '../../src/invalidation/log.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import type { Position } from '../../src/invalidation/position.ts';

export class HeldLog implements Log {
  readonly #log: Log;
  #held: PromiseWithResolvers<void> | undefined;

  /** `log` stays open when this is closed: it is several nodes'. */
  constructor(log: Log) {
    this.#log = log;
  }

  /** What is appended from now on is not heard of here. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  append(message: InvalidationMessage, options?: AppendOptions): Promise<Position> {
    return this.#log.append(message, options);
  }

  async *follow(options: { from?: Position; signal: AbortSignal }): AsyncIterable<LogEvent> {
    for await (const event of this.#log.follow(options)) {
      await this.#held?.promise;
      yield event;
    }
  }

  close(): Promise<void> {
    this.release();
    return Promise.resolve();
  }
}
