/**
 * Listens on the Pub/Sub channel for messages of foreign publishers: those that bear no position,
 * because nobody has put them in the log yet.
 *
 * Pub/Sub forgets: what is published while nobody listens is gone, and a listener that was cut off
 * is not told what it missed. So the connection is proved alive by a question every `heartbeatMs`,
 * is never trusted again once it was cut, and whoever owns the listener is told each time that it
 * listens anew (`onListening`): what was said before, it cannot have heard.
 *
 * It promises: no message stops it, whatever it holds; and it comes back by itself.
 */
import { pause, type Clock, type Millis, type Random } from './clock.ts';
import { takeMessages } from './channel-frames.ts';
import { Connection } from './connection.ts';
import { fingerprintOf } from './content.ts';
import { FreshetError } from './errors.ts';
import type { Identified } from './log.ts';
import { readWritten } from './message.ts';
import { parsePosition } from './position.ts';
import { backoffMs, connectListener, type RedisClient, type RedisOptions } from './redis.ts';
import { readRedisOptions } from './redis-options.ts';
import { within } from './within.ts';

export interface ChannelOptions {
  readonly redis: RedisOptions;
  readonly channel: string;
  readonly clock: Clock;
  readonly random: Random;
  /** The connection is proved alive this often. */
  readonly heartbeatMs: Millis;
  /** An answer is waited for this long. */
  readonly commandTimeoutMs: Millis;
  /** Without proof for so long, the channel is not heard. */
  readonly hearingTimeoutMs: Millis;
  /** Messages without a position that came together. */
  readonly onMessages: (messages: readonly Identified[]) => void;
  /** A payload that is no message: why, in words that do not show it. */
  readonly onRejected: (reason: string) => void;
  /** From now on messages are heard; what came before may have been missed. */
  readonly onListening: () => void;
}

export class Channel {
  readonly #options: ChannelOptions;
  readonly #isCluster: boolean;
  readonly #connection: Connection;
  readonly #stop = new AbortController();
  readonly #firstListening = Promise.withResolvers<void>();
  #session = new AbortController();
  #attempts = 0;
  #running: Promise<void> | undefined;
  /** When the last proof was asked for; undefined while nothing is heard. */
  #provedAt: Millis | undefined;
  #receivedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: ChannelOptions) {
    const { clock, random } = options;
    this.#options = options;
    this.#isCluster = readRedisOptions(options.redis).kind === 'cluster';
    this.#connection = new Connection({ connect: () => this.#connect(), clock, random });
    this.#connection.onCut(() => this.#session.abort());
  }

  /** Begins to listen; does nothing when called again. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the channel is heard for the first time. */
  listening(): Promise<void> {
    return this.#firstListening.promise;
  }

  hears(now: Millis): boolean {
    return this.#provedAt !== undefined && now - this.#provedAt < this.#options.hearingTimeoutMs;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#connection.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const wasListening = await this.#listen();
      this.#provedAt = undefined;
      this.#connection.drop();
      if (wasListening) failures = 0;
      await pause(clock, backoffMs(failures, random), signal);
    }
  }

  /** Listens until the connection fails; true where it had come to listening. */
  async #listen(): Promise<boolean> {
    const { channel, clock, heartbeatMs, commandTimeoutMs, onListening } = this.#options;
    let isListening = false;
    try {
      const client = await this.#connection.ready(commandTimeoutMs);
      const session = new AbortController();
      this.#session = session;
      const bound = { timeoutMs: commandTimeoutMs, clock };
      const askedAt = clock.now();
      await within(client.subscribe(channel), bound);
      if (session.signal.aborted) return false;
      this.#provedAt = askedAt;
      this.#connection.proved();
      isListening = true;
      onListening();
      this.#firstListening.resolve();
      while (!session.signal.aborted) {
        await pause(clock, heartbeatMs, session.signal);
        if (session.signal.aborted) break;
        const pingedAt = clock.now();
        const isProved = await this.#isProved(within(this.#prove(client), bound), pingedAt);
        if (isProved) this.#provedAt = pingedAt;
      }
    } catch {
      // Whatever it was, the connection is given up and another one is made.
    }
    return isListening;
  }

  /**
   * Whether the answer came. Rejects where it did not and nothing else came either: in a storm the
   * answer lies behind messages that are still to be read, and to cut them off would lose them.
   */
  async #isProved(proof: Promise<void>, askedAt: Millis): Promise<boolean> {
    try {
      await proof;
      return true;
    } catch (error) {
      if (this.#receivedAt < askedAt) throw error;
      return false;
    }
  }

  /** Rejects where the server answers but may not hear: a node that lost touch with its Cluster. */
  async #prove(client: RedisClient): Promise<void> {
    if (!this.#isCluster) {
      await client.ping();
      return;
    }
    const info = await client.call('cluster', 'info');
    if (!String(info).includes('cluster_state:ok')) throw new Error('the Cluster is down');
  }

  #connect(): RedisClient {
    const { redis, channel, random } = this.#options;
    const commandTimeoutMs = Number.POSITIVE_INFINITY;
    const connection = { name: 'freshet-listen', commandTimeoutMs, random };
    const client = connectListener(redis, { ...connection, attempt: this.#attempts });
    this.#attempts += 1;
    const onPayloads = (payloads: readonly Buffer[]): void => this.#receive(payloads);
    takeMessages(client, { channel, isIdle: isAnnouncement, onPayloads });
    client.on('messageBuffer', (_channel: Buffer, payload: Buffer) => onPayloads([payload]));
    return client;
  }

  #receive(payloads: readonly Buffer[]): void {
    this.#receivedAt = this.#options.clock.now();
    const messages = payloads.flatMap((payload) => this.#foreign(payload) ?? []);
    if (messages.length > 0) this.#options.onMessages(messages);
  }

  #foreign(payload: Buffer): Identified | undefined {
    let read: ReturnType<typeof readWritten>;
    try {
      read = readWritten(payload);
    } catch (error) {
      this.#options.onRejected(error instanceof FreshetError ? error.code : 'unknown');
      return undefined;
    }
    const { message, json } = read;
    const { position } = message.metadata ?? {};
    if (typeof position === 'string' && parsePosition(position) !== undefined) return undefined;
    return { message, json, identity: fingerprintOf(payload, message.message_id) };
  }
}

const [BEGINNING, END] = [Buffer.from('"position":"'), Buffer.from('"}}')];
const [DASH, ZERO, NINE] = [0x2d, 0x30, 0x39];

/**
 * Whether what lies between the two places ends with a position, as this project's announcements
 * do: `"position":"1-0"}}`. Byte by byte from its end, since all of them pass here, and a regular
 * expression takes ten times as long.
 */
function isAnnouncement(bytes: Buffer, begin: number, end: number): boolean {
  const digitsEnd = end - END.length;
  if (!isAt(bytes, digitsEnd, END)) return false;
  const sequenceAt = beginOfDigits(bytes, digitsEnd, 16);
  if (sequenceAt === digitsEnd || bytes[sequenceAt - 1] !== DASH) return false;
  const msAt = beginOfDigits(bytes, sequenceAt - 1, 15);
  const beginAt = msAt - BEGINNING.length;
  return beginAt >= begin && msAt < sequenceAt - 1 && isAt(bytes, beginAt, BEGINNING);
}

function isAt(bytes: Buffer, begin: number, expected: Buffer): boolean {
  for (let at = 0; at < expected.length; at += 1) {
    if (bytes[begin + at] !== expected[at]) return false;
  }
  return true;
}

/** Of those that end at `end`: no more than `lengthMax`. */
function beginOfDigits(bytes: Buffer, end: number, lengthMax: number): number {
  let at = end;
  while (end - at < lengthMax && isDigit(bytes[at - 1])) at -= 1;
  return at;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
