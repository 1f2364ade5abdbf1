/**
 * Appends to the log, and keeps what cannot be appended now until it can.
 *
 * It promises: no invalidation that it took is lost while the process lives; what is kept goes into
 * the log in the order in which it came; no caller waits longer than a bound; and memory is
 * bounded, in messages and in bytes: what no longer fits is kept as a wider purge of its types,
 * never as silence.
 */
import { pause, systemClock, systemRandom, type Clock, type Millis, type Random } from './clock.ts';
import { fault, FreshetError } from './errors.ts';
import type { AppendOptions, Identified, Log } from './log.ts';
import type { MessageMaker } from './message-maker.ts';
import { writeMessage, type InvalidationMessage } from './message.ts';
import type { Position } from './position.ts';
import { APPEND_MS_MAX, backoffMs } from './redis.ts';
import { waitWithin } from './within.ts';
import { Widening, type OnWidened } from './widening.ts';

export interface OutboxOptions {
  readonly log: Log;
  /** Makes the wider purges. */
  readonly maker: MessageMaker;
  /** Messages that are kept as they are; the oldest stay. Default 10,000. */
  readonly recordsMax?: number;
  /** Bytes of their JSON. Default 32 MiB. */
  readonly bytesMax?: number;
  /** How long a caller waits whose message comes behind others that are kept. Default 250 ms. */
  readonly waitMs?: Millis;
  /** Told of a wider purge before those that it stands for are settled. Default: nobody is. */
  readonly onWidened?: OnWidened;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface OutboxAppendOptions extends AppendOptions {
  /** What a wider purge must cover. Default: as much of it as the message tells. */
  readonly types?: readonly string[];
  /**
   * Called once, when the message has its position, which may be long after `append` resolved;
   * with undefined where it gets none: it was refused, or widened.
   */
  readonly onSettled?: (position: Position | undefined) => void;
}

interface Kept {
  /** The place in the order of the calls. */
  readonly sequence: number;
  readonly message: InvalidationMessage;
  /** The message's JSON, where that is known already. */
  readonly json?: string | undefined;
  readonly options: AppendOptions;
  readonly isWidened: boolean;
  readonly types: readonly string[] | undefined;
  /** Of the message's JSON, once it is kept. */
  readonly bytes: number;
  readonly settled: (position: Position | undefined) => void;
}

const RETRY_CAP_MS = 500;
/** Of what was heard on the channel: nobody need hear it again, or waits for it. */
const UNHEARD = { announce: false, isPatient: true } as const;
/** Kept messages that are under way at once: who waits meanwhile is to hear in time. */
const BATCH_LENGTH = 256;
/** Calls that wait for the log at once; what comes beyond them is kept at once. */
const UNDER_WAY_MAX = 10_000;

export class Outbox {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #recordsMax: number;
  readonly #bytesMax: number;
  readonly #waitMs: Millis;
  #kept: Kept[] = [];
  readonly #widening: Widening;
  readonly #stop = new AbortController();
  readonly #idle = new Set<() => void>();
  #bytes = 0;
  #sequence = 0;
  #underWay = 0;
  #overflowed = 0;
  #closing = false;
  #draining = false;

  constructor({
    log, maker, recordsMax = 10_000, bytesMax = 32 * 2 ** 20, waitMs = APPEND_MS_MAX, onWidened,
    clock = systemClock, random = systemRandom,
  }: OutboxOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#random = random;
    this.#recordsMax = recordsMax;
    this.#bytesMax = bytesMax;
    this.#waitMs = waitMs;
    this.#widening = new Widening(maker, onWidened);
  }

  /** How many messages wait to be appended; those that were widened count once for each type. */
  get kept(): number {
    return this.#kept.length + this.#widening.size;
  }

  /** How many messages did not fit, and were widened. */
  get overflowed(): number {
    return this.#overflowed;
  }

  /**
   * Resolves to the position, or to undefined where the message is kept instead. Rejects where it
   * can never be appended: it cannot be read, or the outbox is closed.
   */
  async append(
    message: InvalidationMessage,
    { onSettled: settled = () => undefined, types, ...options }: OutboxAppendOptions = {},
  ): Promise<Position | undefined> {
    if (this.#closing) {
      settled(undefined);
      throw fault('LOG_CLOSED');
    }
    const sequence = this.#sequence;
    this.#sequence += 1;
    const kept: Kept = {
      sequence, message, options, types, settled, isWidened: false, bytes: 0,
    };
    if (this.kept > 0 || this.#underWay >= UNDER_WAY_MAX) {
      if (options.isPatient !== true) return this.#keepAndWait(kept);
      this.#keep(kept);
      return undefined;
    }
    this.#underWay += 1;
    try {
      const position = await this.#log.append(message, options);
      settled(position);
      return position;
    } catch (error) {
      if (isTrouble(error)) {
        this.#keep(kept);
        return undefined;
      }
      settled(undefined);
      throw error;
    } finally {
      this.#underWay -= 1;
      this.#announceIdle();
    }
  }

  /**
   * As `append`, for many that nobody waits for. `onSettled` is called once for each, by its index,
   * which may be long after.
   */
  appendAll(
    messages: readonly Identified[],
    onSettled: (at: number, position: Position | undefined) => void,
  ): void {
    const { length } = messages;
    if (this.#log.appendAll === undefined || this.#closing) {
      return this.#appendEach(messages, onSettled);
    }
    const sequence = this.#sequence;
    this.#sequence += length;
    const keep = ({ identity, ...said }: Identified, at: number): void => this.#keep({
      ...said, sequence: sequence + at, isWidened: false, types: undefined, bytes: 0,
      options: { ...UNHEARD, identity }, settled: (position) => onSettled(at, position),
    });
    if (this.kept > 0 || this.#underWay >= UNDER_WAY_MAX) return messages.forEach(keep);
    this.#underWay += length;
    this.#log.appendAll(messages).then(
      (positions) => positions.forEach((position, at) => onSettled(at, position)),
      (error: unknown) => {
        if (isTrouble(error)) messages.forEach(keep);
        // One of them is refused, and says so by itself.
        else this.#appendEach(messages, onSettled);
      },
    ).finally(() => {
      this.#underWay -= length;
      this.#announceIdle();
    });
  }

  #appendEach(
    messages: readonly Identified[],
    onSettled: (at: number, position: Position | undefined) => void,
  ): void {
    for (const [at, { message, identity }] of messages.entries()) {
      const settled = (position: Position | undefined): void => onSettled(at, position);
      this.append(message, { ...UNHEARD, identity, onSettled: settled }).catch(() => undefined);
    }
  }

  /**
   * Takes nothing more, and appends what is kept for at most `timeoutMs` (default 2,000 ms).
   * Resolves to how many messages are lost for the log.
   */
  async close(timeoutMs: Millis = 2_000): Promise<number> {
    this.#closing = true;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        cancel();
        this.#idle.delete(done);
        resolve();
      };
      const cancel = this.#clock.after(timeoutMs, done);
      this.#idle.add(done);
      this.#announceIdle();
    });
    this.#stop.abort();
    return this.kept + this.#underWay;
  }

  #keepAndWait(kept: Kept): Promise<Position | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(waitWithin(this.#waitMs), () => resolve(undefined));
      const settled = (position: Position | undefined): void => {
        cancel();
        kept.settled(position);
        resolve(position);
      };
      this.#keep({ ...kept, settled });
    });
  }

  #keep(kept: Kept): void {
    const bytes = Buffer.byteLength(kept.json ?? writeMessage(kept.message));
    if (this.#kept.length < this.#recordsMax && this.#bytes + bytes <= this.#bytesMax) {
      this.#kept.splice(this.#placeOf(kept), 0, { ...kept, bytes });
      this.#bytes += bytes;
    } else {
      this.#overflowed += 1;
      this.#widening.add(kept.message, kept.types);
      kept.settled(undefined);
    }
    if (!this.#draining) void this.#drain();
  }

  /** Behind all that came before it, found by halving. */
  #placeOf({ sequence }: Kept): number {
    let [low, high] = [0, this.#kept.length];
    if (high === 0 || (this.#kept[high - 1] as Kept).sequence < sequence) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#kept[middle] as Kept).sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    for (let failures = 0; this.kept > 0 && !this.#stop.signal.aborted;) {
      const delayMs = backoffMs(failures, this.#random, RETRY_CAP_MS);
      await pause(this.#clock, delayMs, this.#stop.signal);
      failures = await this.#flush() ? 0 : failures + 1;
    }
    this.#draining = false;
    this.#announceIdle();
  }

  /** Appends what is kept until all is in, or until one fails; true where one got in. */
  async #flush(): Promise<boolean> {
    let progress = false;
    // One alone asks whether the log can be reached; then many at once, in their order.
    for (let batch = this.#first(1); batch.length > 0; batch = this.#first(BATCH_LENGTH)) {
      if (this.#stop.signal.aborted) return progress;
      const delivered = await this.#deliverAll(batch)
        ?? await Promise.all(batch.map((kept) => this.#deliver(kept)));
      this.#remove(new Set(batch.filter((_, at) => delivered[at])));
      progress ||= delivered.includes(true);
      if (delivered.includes(false)) return progress;
    }
    return progress;
  }

  /** At once; undefined where they are not all of a kind, or not all taken. */
  async #deliverAll(batch: readonly Kept[]): Promise<readonly boolean[] | undefined> {
    const quiet = batch.flatMap(({ message, json, options: { announce, identity } }) =>
      (announce === false && identity !== undefined ? { message, json, identity } : []));
    if (quiet.length < batch.length || batch.length === 1) return undefined;
    try {
      const positions = await this.#log.appendAll?.(quiet);
      return positions && batch.map(({ settled }, at) => {
        settled(positions[at]);
        return true;
      });
    } catch {
      // Each by itself: one that is refused is found so, and what cannot be reached is not there.
      return undefined;
    }
  }

  /** False where it has to be tried again. */
  async #deliver({ message, options, types, isWidened, settled }: Kept): Promise<boolean> {
    try {
      // Whoever waits for it has a bound of their own.
      settled(await this.#log.append(message, { ...options, isPatient: true }));
    } catch (error) {
      if (isTrouble(error) || isClosed(error)) return false;
      // It alone is refused, and stands in the way of those behind it.
      if (!isWidened) this.#widening.add(message, types);
      settled(undefined);
    }
    return true;
  }

  #first(count: number): readonly Kept[] {
    if (this.#kept.length === 0) this.#keepWidened();
    return this.#kept.slice(0, count);
  }

  #keepWidened(): void {
    for (const { message, settled } of this.#widening.take()) {
      const sequence = this.#sequence;
      this.#kept.push({
        sequence, message, options: {}, types: undefined, settled, isWidened: true, bytes: 0,
      });
    }
  }

  /** Together: there may be many thousands behind them. */
  #remove(delivered: ReadonlySet<Kept>): void {
    if (delivered.size === 0) return;
    for (const { bytes } of delivered) this.#bytes -= bytes;
    const first = this.#kept.findIndex((kept) => !delivered.has(kept));
    const rest = first === -1 ? [] : this.#kept.slice(first);
    const isAll = this.#kept.length - rest.length === delivered.size;
    this.#kept = isAll ? rest : rest.filter((kept) => !delivered.has(kept));
  }

  #announceIdle(): void {
    if (this.#underWay > 0 || this.kept > 0) return;
    for (const done of [...this.#idle]) done();
  }
}

function isTrouble(error: unknown): boolean {
  return error instanceof FreshetError && error.code === 'LOG_UNAVAILABLE';
}

function isClosed(error: unknown): boolean {
  return error instanceof FreshetError && error.code === 'LOG_CLOSED';
}
