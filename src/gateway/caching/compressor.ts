/**
 * Makes the coded forms of entries, away from any request: on the threads of the process, few at a
 * time, and only of what is asked for often. A form is kept with its entry and reckoned with it.
 */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import type { Entry } from '../../cache/entry.ts';
import type { CacheKey } from '../../cache/key.ts';
import type { MemoryStore } from '../../cache/memory-store.ts';
import { withOwnMemory } from '../../cache/own-memory.ts';
import type { Coding } from '../http/content-coding.ts';

export interface CompressorStats {
  /** Forms that were made and kept. */
  made: number;
  /** Forms that were not worth their memory, or whose entry had gone. */
  dropped: number;
  bytesIn: number;
  bytesOut: number;
}

/** Less than that fits into one packet anyway. */
export const CODED_BYTES_MIN = 1_024;
const CODED_BYTES_MAX = 8 * 1024 * 1024;
/** Node has four threads for all such work by default; some are left to DNS and to files. */
const RUNNING_MAX = 2;
const WAITING_MAX = 256;
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** What saves less than a tenth is not worth a second copy. */
const RATIO_MAX = 0.9;

/** Of brotli's eleven: close to the best in size for JSON, in a tenth of the time. */
const BROTLI_QUALITY = 5;

const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
const brotli = promisify(brotliCompress);

const compress: Readonly<Record<Coding, (value: Buffer) => Promise<Buffer>>> = {
  br: (value) => brotli(value, {
    params: { [BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [BROTLI_PARAM_SIZE_HINT]: value.length },
  }),
  zstd: promisify(zstdCompress),
  gzip: promisify(gzip),
};

interface Task {
  readonly key: CacheKey;
  readonly entry: Entry;
  readonly coding: Coding;
}

export class Compressor {
  readonly stats: CompressorStats = { made: 0, dropped: 0, bytesIn: 0, bytesOut: 0 };
  readonly #store: Pick<MemoryStore, 'find' | 'replace'>;
  readonly #waiting: Task[] = [];
  #waitingBytes = 0;
  #running = 0;

  constructor(store: Pick<MemoryStore, 'find' | 'replace'>) {
    this.#store = store;
  }

  /** Whether there is anything to gain. */
  isWorthwhile({ length }: Buffer): boolean {
    return length >= CODED_BYTES_MIN && length <= CODED_BYTES_MAX;
  }

  /** Makes it in time; false where too much is waiting already. */
  add(task: Task): boolean {
    const { length } = task.entry.value;
    const isFull = this.#waiting.length >= WAITING_MAX;
    if (isFull || this.#waitingBytes + length > WAITING_BYTES_MAX) return false;
    this.#waiting.push(task);
    this.#waitingBytes += length;
    void this.#work();
    return true;
  }

  async #work(): Promise<void> {
    if (this.#running >= RUNNING_MAX) return;
    this.#running += 1;
    for (let task = this.#waiting.shift(); task !== undefined; task = this.#waiting.shift()) {
      this.#waitingBytes -= task.entry.value.length;
      const kept = await this.#make(task);
      if (!kept) this.stats.dropped += 1;
    }
    this.#running -= 1;
  }

  async #make({ key, entry, coding }: Task): Promise<boolean> {
    const { value } = entry;
    const before = this.#store.find(key);
    if (before?.value !== value || before.encoded?.[coding] !== undefined) return false;
    const coded = await compress[coding](value).catch(() => undefined);
    if (coded === undefined || coded.length > value.length * RATIO_MAX) return false;
    // It may have gone, or have got this form or another meanwhile.
    const held = this.#store.find(key);
    if (held?.value !== value || held.encoded?.[coding] !== undefined) return false;
    // What zlib gives may be the beginning of a larger buffer.
    const encoded = { ...held.encoded, [coding]: withOwnMemory(coded) };
    if (!this.#store.replace(key, held, { ...held, encoded })) return false;
    this.stats.made += 1;
    this.stats.bytesIn += value.length;
    this.stats.bytesOut += coded.length;
    return true;
  }
}
