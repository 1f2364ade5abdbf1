/**
 * Finds what ended an entry: the record of the log, read back from the entry's stamp, or whatever
 * else there is to say. It promises: no more of the log is read than its bounds, none of it holds
 * the event loop for longer than a few milliseconds, and what the log does not tell is not guessed.
 */
import type { Departure } from '../../cache/departures.ts';
import type { Sighting } from '../../cache/inspector.ts';
import { pause, type Clock, type Millis } from '../../invalidation/clock.ts';
import type { LogHistory } from '../../invalidation/history.ts';
import type { LogRecord } from '../../invalidation/log.ts';
import { Matching } from '../../invalidation/matching.ts';
import type { InvalidationMessage } from '../../invalidation/message.ts';
import type { Position } from '../../invalidation/position.ts';
import type { Purge } from '../../invalidation/purge.ts';
import type { Tag } from '../../invalidation/tag.ts';

/** Why an entry is not served, or is not there. */
export type EndingReason =
  /** A record of the log, which is told. */
  | 'invalidated'
  /** A soft purge, which is told: its TTL is over. */
  | 'softened'
  /** It was read before the place from which on this node remembers invalidations. */
  | 'forgotten'
  /** Something invalidated it that is not in the log yet, or that the log does not tell. */
  | 'unlogged'
  /** Its time to live is over. */
  | 'expired'
  /** The log is not heard, and it was read too long ago to be served meanwhile. */
  | 'unheard'
  /** Caching is switched off. */
  | 'off'
  /** Its stamp is later than all that this node has heard of. */
  | 'ahead'
  /** It had to make room for others, in this process. */
  | 'evicted'
  /** It was larger than an entry may be. */
  | 'oversized'
  /** What was loaded last was not stored: a load that a purge overtook, or more than that. */
  | 'refused'
  /** What was loaded last was one caller's own, held a part that is not kept, or set a cookie. */
  | 'unkept'
  /** The last load failed, or brought errors. */
  | 'failed'
  /** It was dropped, and no purge of the log speaks of it: no answer could be made of it. */
  | 'dropped'
  /** It is not here, and nothing is remembered of it: nobody has asked for it of late. */
  | 'absent';

export interface Ending {
  readonly reason: EndingReason;
  readonly record: LogRecord | undefined;
  /** Of what was refused: why. */
  readonly verdict: Departure['verdict'];
}

/** How far the log was read. */
export interface Search {
  readonly records: number;
  /** False: a bound was reached, or the log could not be read. */
  readonly complete: boolean;
  /** False: the log does not hold all that came after the stamps any more. */
  readonly reachesBack: boolean;
}

export interface EndingsOptions {
  /** Undefined: there is no log that could be read back. */
  readonly history: LogHistory | undefined;
  readonly purgesOf: (message: InvalidationMessage) => readonly Purge[];
  readonly floor: () => Position;
  readonly clock: Clock;
  /** Default 100,000. */
  readonly recordsMax?: number;
  /** Default 2,000 ms. */
  readonly searchMsMax?: Millis;
}

/** What a record may have ended. */
interface Subject {
  readonly tags: ReadonlySet<Tag>;
  readonly stamp: Position;
  hard: LogRecord | undefined;
  soft: LogRecord | undefined;
}

const SLICE_MS: Millis = 2;

export class Endings {
  readonly #options: EndingsOptions;

  constructor(options: EndingsOptions) {
    this.#options = options;
  }

  /** By the id of their keys, those that are not current. */
  async of(sightings: readonly Sighting[]): Promise<{ endings: Map<string, Ending>; log: Search }> {
    const subjects = new Map<string, Subject>();
    for (const sighting of sightings) {
      const subject = subjectOf(sighting);
      if (subject !== undefined) subjects.set(sighting.key.id, subject);
    }
    const log = await this.#search([...subjects.values()]);
    const endings = new Map<string, Ending>();
    for (const sighting of sightings) {
      if (sighting.verdict === 'current') continue;
      const { id } = sighting.key;
      endings.set(id, this.#endingOf(sighting, subjects.get(id)));
    }
    return { endings, log };
  }

  /** The latest records that any of the tags is touched by, the newest first. */
  async latest(
    tags: readonly Tag[],
    recordsMax = 1,
  ): Promise<{ records: readonly LogRecord[]; log: Search }> {
    const asked = new Set(tags);
    const records: LogRecord[] = [];
    const log = await this.#read(this.#backwards(), (record) => {
      if (this.#purges(record).some((purge) => touches(purge, asked))) records.push(record);
      return records.length >= recordsMax;
    });
    return { records, log };
  }

  #search(subjects: readonly Subject[]): Promise<Search> {
    const [first, ...others] = subjects.map(({ stamp }) => stamp).toSorted();
    if (first === undefined) return Promise.resolve(NOT_SEARCHED);
    let open = others.length + 1;
    return this.#read(this.#after(first), (record) => {
      for (const subject of subjects) {
        if (subject.hard !== undefined || record.position <= subject.stamp) continue;
        const purges = this.#purges(record).filter((purge) => touches(purge, subject.tags));
        if (purges.length === 0) continue;
        if (purges.every(({ soft }) => soft === true)) subject.soft ??= record;
        else {
          subject.hard = record;
          open -= 1;
        }
      }
      return open === 0;
    });
  }

  /** Until `take` says that it is enough. */
  async #read(
    pieces: AsyncIterable<Piece>,
    take: (record: LogRecord) => boolean,
  ): Promise<Search> {
    const { clock, recordsMax = 100_000, searchMsMax = 2_000 } = this.#options;
    const endAt = clock.now() + searchMsMax;
    let [records, reachesBack, sliceAt] = [0, true, clock.now()];
    try {
      for await (const { records: some, afterGap } of pieces) {
        if (afterGap) reachesBack = false;
        for (const record of some) {
          records += 1;
          if (take(record)) return { records, complete: true, reachesBack };
          const now = clock.now();
          if (records >= recordsMax || now >= endAt) {
            return { records, complete: false, reachesBack };
          }
          if (now - sliceAt < SLICE_MS) continue;
          await pause(clock, 0);
          sliceAt = clock.now();
        }
      }
    } catch {
      // Redis is away: what is known without the log is told all the same.
      return { records, complete: false, reachesBack };
    }
    return { records, complete: this.#options.history !== undefined, reachesBack };
  }

  async *#after(position: Position): AsyncGenerator<Piece> {
    const { history } = this.#options;
    if (history !== undefined) yield* history.after(position);
  }

  async *#backwards(): AsyncGenerator<Piece> {
    const { history } = this.#options;
    if (history === undefined) return;
    for await (const records of history.backwards()) yield { records, afterGap: false };
  }

  #purges({ message }: LogRecord): readonly Purge[] {
    return this.#options.purgesOf(message);
  }

  #endingOf({ entry, verdict, departure }: Sighting, subject: Subject | undefined): Ending {
    const { hard, soft, stamp } = subject ?? {};
    const told = (reason: EndingReason, record?: LogRecord): Ending =>
      ({ reason, record, verdict: undefined });
    const isForgotten = stamp !== undefined && stamp < this.#options.floor();
    const unknown = isForgotten ? 'forgotten' : 'unlogged';
    if (entry !== undefined) {
      if (verdict === 'invalidated') return hard ? told('invalidated', hard) : told(unknown);
      if (verdict === 'expired' && soft !== undefined) return told('softened', soft);
      return told(verdict === 'current' ? 'absent' : verdict ?? 'absent');
    }
    if (departure === undefined) return told('absent');
    const { reason, verdict: refusedAs, staleAt, at } = departure;
    if (reason === 'refused') return { ...told('refused', hard), verdict: refusedAs };
    if (reason !== 'dropped') return told(reason);
    if (hard !== undefined) return told('invalidated', hard);
    if (staleAt <= at) return told('expired');
    return told(isForgotten ? 'forgotten' : 'dropped');
  }
}

interface Piece {
  readonly records: readonly LogRecord[];
  readonly afterGap: boolean;
}

const NOT_SEARCHED: Search = { records: 0, complete: true, reachesBack: true };

/** What the log may tell of: what is there and not current, or was dropped or refused. */
function subjectOf({ entry, verdict, departure }: Sighting): Subject | undefined {
  const isAsked = verdict === 'invalidated' || verdict === 'expired';
  const isGone = departure?.reason === 'dropped' || departure?.verdict === 'invalidated';
  const of = entry === undefined ? (isGone ? departure : undefined) : isAsked ? entry : undefined;
  return of && { tags: new Set(of.tags), stamp: of.stamp, hard: undefined, soft: undefined };
}

function touches(purge: Purge, tags: ReadonlySet<Tag>): boolean {
  switch (purge.kind) {
    case 'tag':
      return tags.has(purge.tag);
    case 'all':
      return true;
    case 'below': {
      const above = `${purge.tag}:`;
      for (const tag of tags) if (tag.startsWith(above)) return true;
      return false;
    }
    case 'pattern': {
      const matching = new Matching();
      for (const tag of tags) if (matching.matches(purge.pattern, tag)) return true;
      return false;
    }
    default:
      return purge satisfies never;
  }
}
