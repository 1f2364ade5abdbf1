/** A log whose faults a test decides: it is another log, as long as it works. */
import { fault } from '../../src/invalidation/errors.ts';
import type { AppendOptions, Log, LogEvent } from '../../src/invalidation/log.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import type { Position } from '../../src/invalidation/position.ts';

export class FaultyLog implements Log {
  readonly #log: Log;
  isDown = false;
  /** The IDs of the messages that it was asked to append, in order; those refused as well. */
  readonly asked: string[] = [];
  readonly announced: boolean[] = [];
  readonly patient: boolean[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  append(message: InvalidationMessage, options: AppendOptions = {}): Promise<Position> {
    this.asked.push(message.message_id);
    if (this.isDown) return Promise.reject(fault('LOG_UNAVAILABLE', { reason: 'a test' }));
    this.announced.push(options.announce ?? true);
    this.patient.push(options.isPatient ?? false);
    return this.#log.append(message, options);
  }

  follow(options: { from?: Position; signal: AbortSignal }): AsyncIterable<LogEvent> {
    return this.#log.follow(options);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
