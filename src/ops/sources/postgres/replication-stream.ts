/**
 * What the server streams after START_REPLICATION, and the answers to it (PostgreSQL, "Streaming
 * Replication Protocol"), as a query of `pg`.
 *
 * It promises: no more than some megabytes wait to be read, beyond which the server is not listened
 * to; the server is told regularly how far things are confirmed, whether anything comes or not; and
 * one that is not heard of for 30 s counts as gone.
 */
import type { Duplex } from 'node:stream';
import type { Connection, Submittable } from 'pg';
import type { Clock, Millis } from '../../../invalidation/clock.ts';
import type { Lsn } from './pgoutput.ts';

export type Frame =
  /** A message of the plugin. */
  | { readonly kind: 'data'; readonly bytes: Buffer }
  /** All up to `end` has been sent. */
  | { readonly kind: 'keepalive'; readonly end: Lsn };

/** What `pg` has, and its types leave out. */
interface CopyConnection {
  readonly stream: Duplex;
  query(text: string): void;
  sendCopyFromChunk(bytes: Buffer): void;
}

const STATUS_EVERY_MS = 10_000;
const SILENCE_MS_MAX = 30_000;
const WAITING_BYTES_MAX = 2 ** 22;
/** Of the clock of the protocol: 2000-01-01. */
const EPOCH_MS = 946_684_800_000;

export class ReplicationStream implements Submittable {
  readonly #text: string;
  readonly #clock: Clock;
  #connection: CopyConnection | undefined;
  #frames: Frame[] = [];
  #bytes = 0;
  #failure: Error | undefined;
  #confirmed: Lsn = 0n;
  #heardAt: Millis;
  #wake: () => void = () => undefined;
  #cancel: () => void = () => undefined;

  /** `text`: the whole command START_REPLICATION. */
  constructor(text: string, clock: Clock) {
    this.#text = text;
    this.#clock = clock;
    this.#heardAt = clock.now();
    this.#tick();
  }

  /** All that has come, once there is any; none where `signal` aborts. Rejects when it is over. */
  async next(signal: AbortSignal): Promise<readonly Frame[]> {
    while (this.#frames.length === 0 && !signal.aborted) {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#waken(signal);
    }
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    this.#connection?.stream.resume();
    return frames;
  }

  /** All before `lsn` is where it belongs: the server need not send it again. */
  confirm(lsn: Lsn): void {
    if (lsn > this.#confirmed) this.#confirmed = lsn;
    this.#tell({ wantsAnswer: false });
  }

  /** Nothing more is told to the server. */
  end(): void {
    this.#cancel();
    this.handleError(new Error('the stream has ended'));
  }

  submit(connection: Connection): void {
    this.#connection = connection as unknown as CopyConnection;
    this.#connection.query(this.#text);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    this.#heardAt = this.#clock.now();
    const frame = readFrame(chunk);
    if (frame === undefined) return;
    this.#frames.push(frame);
    this.#bytes += chunk.length;
    if (this.#bytes > WAITING_BYTES_MAX) this.#connection?.stream.pause();
    this.#wake();
  }

  handleError(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** The server ends the stream when it is shut down. */
  handleCommandComplete(): void {
    this.handleError(new Error('the server has ended the stream'));
  }

  handleReadyForQuery(): void {
    this.handleCommandComplete();
  }

  // No such message comes in a stream.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyInResponse(): void {}

  #waken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }

  #tick(): void {
    this.#cancel = this.#clock.after(STATUS_EVERY_MS, () => {
      // What we do not read ourselves is no silence of the server.
      const isPaused = this.#connection?.stream.isPaused() === true;
      if (isPaused) this.#heardAt = this.#clock.now();
      if (this.#clock.now() - this.#heardAt > SILENCE_MS_MAX) {
        this.handleError(new Error(`no word of the server for ${SILENCE_MS_MAX} ms`));
        return;
      }
      this.#tell({ wantsAnswer: true });
      this.#tick();
    });
  }

  /** Standby status update: written, flushed and applied are the same here. */
  #tell({ wantsAnswer }: { wantsAnswer: boolean }): void {
    const status = Buffer.alloc(34);
    status.write('r', 'latin1');
    for (const at of [1, 9, 17]) status.writeBigUInt64BE(this.#confirmed, at);
    const microseconds = BigInt(Math.trunc(this.#clock.wall() - EPOCH_MS)) * 1_000n;
    status.writeBigInt64BE(microseconds, 25);
    status.writeUInt8(wantsAnswer ? 1 : 0, 33);
    if (this.#failure === undefined) this.#connection?.sendCopyFromChunk(status);
  }
}

/** Undefined for what a later server may add. The buffer of `pg` is used again: it is copied. */
function readFrame(chunk: Buffer): Frame | undefined {
  const kind = String.fromCharCode(chunk.readUInt8(0));
  if (kind === 'w') return { kind: 'data', bytes: Buffer.from(chunk.subarray(25)) };
  if (kind === 'k') return { kind: 'keepalive', end: chunk.readBigUInt64BE(1) };
  return undefined;
}
