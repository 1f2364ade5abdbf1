/**
 * Entries in this process, the least recently used given up first.
 *
 * It promises to hold no more than `bytesMax` and `entriesMax`, whatever is put in: an entry is
 * reckoned with all that it costs, on the generous side. It answers at once, never with a promise.
 */
import assert from 'node:assert/strict';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../invalidation/clock.ts';
import type { Position } from '../invalidation/position.ts';
import { COMPACT_BYTES_MAX, CompactEntry } from './compact-entry.ts';
import { Departures } from './departures.ts';
import { deleteAtOf, type Entry } from './entry.ts';
import type { FillVerdict } from './freshness.ts';
import type { CacheKey } from './key.ts';
import { withOwnMemory } from './own-memory.ts';
import type { Store } from './store.ts';
import { TagTable } from './tag-table.ts';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  /** Of all entries together. Default 256 MiB. */
  readonly bytesMax?: number;
  /** Default 100,000. */
  readonly entriesMax?: number;
  /** An entry that costs more is not held. Default an eighth of `bytesMax`. */
  readonly entryBytesMax?: number;
}

export interface MemoryStoreStats {
  /** Entries that had to go to make room for others. */
  evictions: number;
  /** Entries that were larger than `entryBytesMax`. */
  oversized: number;
}

/** The objects, the map's slot and the allocation of the value, measured at about 640 B. */
const OVERHEAD_BYTES = 720;
/** A string's header and the reference to it. */
const STRING_BYTES = 32;
const CHARACTER_BYTES = 2;
/** What a buffer costs beside its bytes. */
const FORM_BYTES = 200;
const MIB = 1024 * 1024;

export class MemoryStore implements Store {
  readonly stats: MemoryStoreStats = { evictions: 0, oversized: 0 };
  /** What is not here any more, and why. */
  readonly departures = new Departures();
  readonly #clock: Clock;
  readonly #entryBytesMax: number;
  readonly #entries: LRUCache<string, Entry>;
  readonly #tags = new TagTable();
  #closed = false;

  constructor(options: MemoryStoreOptions) {
    const { clock, bytesMax = 256 * MIB, entriesMax = 100_000 } = options;
    const { entryBytesMax = Math.floor(bytesMax / 8) } = options;
    assert(entriesMax >= 1 && entryBytesMax >= 1, 'a store holds at least one entry');
    assert(entryBytesMax <= bytesMax, 'one entry is no larger than all together');
    this.#clock = clock;
    this.#entryBytesMax = entryBytesMax;
    this.#entries = new LRUCache({
      max: entriesMax,
      maxSize: bytesMax,
      dispose: (entry, id, reason) => {
        if (reason === 'evict') this.stats.evictions += 1;
        this.#depart(id, entry, reason);
      },
    });
  }

  /** What all entries are reckoned to cost. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(keys: readonly CacheKey[]): readonly (Entry | undefined)[] {
    return keys.map((key) => this.find(key));
  }

  /** As `get`, of one key. */
  find({ id }: CacheKey): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || this.#clock.now() < deleteAtOf(entry)) return entry;
    this.#entries.delete(id);
    return undefined;
  }

  /** As `find`, and it is no use: what is held, and what is used least, stays as it is. */
  look({ id }: CacheKey): Entry | undefined {
    return this.#entries.peek(id);
  }

  set({ id }: CacheKey, entry: Entry): void {
    if (this.#closed) return;
    const size = costOf(id, entry);
    if (size > this.#entryBytesMax) {
      this.stats.oversized += 1;
      this.#entries.delete(id);
      this.departures.note(id, entry, { reason: 'oversized', at: this.#clock.now() });
      return;
    }
    this.#entries.set(id, this.#owned(entry), { size });
  }

  /** It was to be stored, and the rule spoke against it. */
  refused({ id }: CacheKey, entry: Entry, verdict: Exclude<FillVerdict, 'current'>): void {
    this.departures.note(id, entry, { reason: 'refused', verdict, at: this.#clock.now() });
  }

  /** It was loaded, or was to be, and is not to be stored. */
  unkept({ id }: CacheKey, reason: 'unkept' | 'failed', stamp: Position): void {
    const at = this.#clock.now();
    this.departures.note(id, { tags: [], stamp, staleAt: at }, { reason, at });
  }

  /** Puts `entry` in the place of `held`; false where that has gone, or there is no room for it. */
  replace({ id }: CacheKey, held: Entry, entry: Entry): boolean {
    const size = costOf(id, entry);
    if (size > this.#entryBytesMax || this.#entries.peek(id) !== held) return false;
    this.#entries.set(id, entry, { size });
    return true;
  }

  /** What is held, also what may not be served; to be read on while entries come and go. */
  entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** As `entries`, each with the id of its key. */
  held(): IterableIterator<[id: string, entry: Entry]> {
    return this.#entries.entries();
  }

  delete({ id }: CacheKey): void {
    this.#entries.delete(id);
  }

  settled(): void {
    // What is set is there at once.
  }

  clear(): void {
    this.#entries.clear();
    this.#tags.clear();
    this.departures.clear();
  }

  close(): void {
    this.#closed = true;
    this.clear();
  }

  #depart(id: string, entry: Entry, by: string): void {
    if (by !== 'evict' && by !== 'delete') return;
    const reason = by === 'evict' ? 'evicted' : 'dropped';
    this.departures.note(id, entry, { reason, at: this.#clock.now() });
  }

  #owned(entry: Entry): Entry {
    const { value } = entry;
    const tags = this.#tags.intern(entry.tags);
    const isSmall = value.byteLength <= COMPACT_BYTES_MAX && entry.encoded === undefined;
    return isSmall
      ? new CompactEntry(entry, tags)
      : { ...entry, tags, value: withOwnMemory(value) };
  }
}

function costOf(id: string, { value, digest = '', tags, encoded = {} }: Entry): number {
  let characters = id.length + digest.length;
  for (const tag of tags) characters += tag.length;
  const strings = STRING_BYTES * tags.length + CHARACTER_BYTES * characters;
  let forms = 0;
  for (const form of Object.values(encoded)) forms += FORM_BYTES + (form?.byteLength ?? 0);
  return OVERHEAD_BYTES + strings + value.byteLength + forms;
}
