/**
 * The log on a simulated Redis. What follows it is the real reader with the real judgement of
 * links, over a real connection; what is simulated is what these stand on. A node's events may be
 * held up and told twice, as by a process that has other things to do.
 */
import { pause, type Clock, type Millis, type Random } from '../../src/invalidation/clock.ts';
import { Connection } from '../../src/invalidation/connection.ts';
import { contentOf } from '../../src/invalidation/content.ts';
import { digestOf } from '../../src/invalidation/digest.ts';
import { fault } from '../../src/invalidation/errors.ts';
import { RedisLogAppender } from '../../src/invalidation/log-redis-appender.ts';
import { OwnEntries } from '../../src/invalidation/log-redis-own.ts';
import { RedisLogReader } from '../../src/invalidation/log-redis-reader.ts';
import type { AppendOptions, Log, LogEvent } from '../../src/invalidation/log.ts';
import {
  checkMessage, writeMessage, type InvalidationMessage,
} from '../../src/invalidation/message.ts';
import type { Position } from '../../src/invalidation/position.ts';
import type { Wire } from './network.ts';

export interface SimulatedLogOptions {
  readonly wires: { readonly append: Wire; readonly follow: Wire };
  readonly clock: Clock;
  readonly random: Random;
  readonly recordsMax: number;
  readonly retentionMs: Millis;
  /** How often an event is told twice. */
  readonly duplicates: number;
  readonly client: (wire: Wire, commandTimeoutMs: Millis) => ReturnType<Wire['client']>;
}

export const HEARTBEAT_MS = 250;
export const COMMAND_TIMEOUT_MS = 1_000;
export const APPEND_TIMEOUT_MS = 250;
const STREAM = 'cache:invalidate:log';
/** Events are held for at most this long after the hold was ended early. */
const HOLD_MS = 50;

export class SimulatedLog implements Log {
  readonly #options: SimulatedLogOptions;
  readonly #appending: Connection;
  readonly #appender: RedisLogAppender;
  readonly #own = new OwnEntries();
  readonly #closing = new AbortController();
  /** Until then events are held up, by the node's clock. */
  heldUntil: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: SimulatedLogOptions) {
    this.#options = options;
    this.#appending = this.#connection(options.wires.append, COMMAND_TIMEOUT_MS);
    const { clock, recordsMax, retentionMs } = options;
    this.#appender = new RedisLogAppender({
      clock, recordsMax, retentionMs,
      connection: this.#appending,
      own: this.#own,
      stream: STREAM,
      channel: '',
      appendTimeoutMs: APPEND_TIMEOUT_MS,
    });
  }

  async append(
    message: InvalidationMessage,
    { isPatient = false }: AppendOptions = {},
  ): Promise<Position> {
    if (this.#closing.signal.aborted) throw fault('LOG_CLOSED');
    const json = writeMessage(message);
    const read = checkMessage(message, json);
    try {
      return await this.#appender.append({
        identity: digestOf(contentOf(message)),
        json,
        messageId: message.message_id,
        announcement: ['', ''],
        isPatient,
        message: message.metadata === null ? read : undefined,
      });
    } catch (error) {
      throw this.#closing.signal.aborted ? fault('LOG_CLOSED') : error;
    }
  }

  async *follow({ from, signal: ended }: {
    from?: Position;
    signal: AbortSignal;
  }): AsyncGenerator<LogEvent> {
    const { wires, clock, random, recordsMax, retentionMs, duplicates } = this.#options;
    const connection = this.#connection(wires.follow, Number.POSITIVE_INFINITY);
    const reader = new RedisLogReader({
      connection, clock, random, recordsMax, retentionMs,
      own: this.#own,
      stream: STREAM,
      heartbeatMs: HEARTBEAT_MS,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      onUnreadable: () => {
        throw new Error('a record that was written can be read');
      },
    });
    const signal = AbortSignal.any([ended, this.#closing.signal]);
    signal.addEventListener('abort', () => connection.close(), { once: true });
    const isOver = this.#own.readBy();
    try {
      for await (const event of reader.read(from, signal)) {
        while (clock.now() < this.heldUntil && !signal.aborted) {
          await pause(clock, Math.min(HOLD_MS, this.heldUntil - clock.now()), signal);
        }
        yield event;
        if (event.kind === 'records' && random() < duplicates) yield event;
      }
    } finally {
      isOver();
    }
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#appending.close();
    return Promise.resolve();
  }

  #connection(wire: Wire, timeoutMs: Millis): Connection {
    const { clock, random, client } = this.#options;
    return new Connection({ connect: () => client(wire, timeoutMs), clock, random });
  }
}
