/**
 * What was published, and what became of it: the naive model of the log. It says which version a
 * node must know of that stands at a position, and since when a version has been on record.
 */
import type { Millis } from '../../src/invalidation/clock.ts';
import { latest, ORIGIN, type Position } from '../../src/invalidation/position.ts';
import type { Tag } from '../../src/invalidation/tag.ts';

/** A version, and that all before it are stale. */
export interface Cover {
  readonly tag: Tag;
  readonly version: number;
  /** What is older may be served within a stale window. */
  readonly isSoft: boolean;
  /** The message tells the version. */
  readonly isTold: boolean;
}

export type IsMeant = (cover: Cover) => boolean;

export interface Recorded {
  readonly position: Position;
  readonly covers: readonly Cover[];
  readonly at: Millis;
  /** A replica took over that never had it. Who has not applied it cannot know of it. */
  isLost: boolean;
  /**
   * The log had given out later positions before: it was replaced while Redis' clock was behind. No
   * claim follows from standing beyond it until those who do have noticed.
   */
  readonly isBehind: boolean;
  /** It says that records were lost. */
  readonly tellsLoss: boolean;
}

export class Ledger {
  readonly #covers = new Map<string, readonly Cover[]>();
  readonly #records: Recorded[] = [];
  #latest = ORIGIN;
  readonly #announced: { readonly covers: readonly Cover[]; readonly at: Millis }[] = [];
  /** For each tag when each version was first on record, or said on the channel. */
  readonly #known = new Map<Tag, Known[]>();

  get records(): readonly Recorded[] {
    return this.#records;
  }

  coversOf(messageId: string): readonly Cover[] {
    return this.#covers.get(messageId) ?? [];
  }

  published(messageId: string, covers: readonly Cover[]): void {
    this.#covers.set(messageId, covers);
  }

  /** It was said on the channel, which every node either hears or knows that it does not. */
  announced(messageId: string, at: Millis): void {
    const covers = this.coversOf(messageId);
    this.#announced.push({ covers, at });
    for (const cover of covers) this.#remember(cover, at, undefined);
  }

  /** What had been said on the channel at that time. */
  announcedBefore(at: Millis): readonly Cover[] {
    return this.#announced.flatMap((said) => (said.at < at ? said.covers : []));
  }

  recorded({ messageId, ...place }: {
    position: Position;
    messageId: string;
    at: Millis;
    tellsLoss: boolean;
  }): void {
    const covers = this.coversOf(messageId);
    const isBehind = place.position <= this.#latest;
    this.#latest = latest(this.#latest, place.position);
    const record: Recorded = { ...place, covers, isBehind, isLost: false };
    this.#records.push(record);
    for (const cover of record.covers) this.#remember(cover, place.at, record);
  }

  /** Those after the first `count` are no more. Returns these. */
  lose(count: number): readonly Recorded[] {
    const lost = this.#records.slice(count).filter(({ isLost }) => !isLost);
    for (const record of lost) record.isLost = true;
    return lost;
  }

  /** Whether who stands at that position need not know of these, which were recorded there. */
  isExcused(position: Position, covers: readonly Cover[]): boolean {
    const [first] = covers;
    return this.#records.some((record) => (record.isLost || record.isBehind)
      && record.position === position && record.covers.some(({ tag, version }) =>
        tag === first?.tag && version === first.version));
  }

  /**
   * Since when it has been on record that `version` of `tag` is stale, by what is meant; undefined
   * if it is not.
   */
  staleSince(tag: Tag, version: number, isMeant: IsMeant): Millis | undefined {
    let first: Millis | undefined;
    for (const known of this.#known.get(tag) ?? []) {
      if (known.cover.version <= version || known.record?.isLost) continue;
      if (!isMeant(known.cover)) continue;
      first = Math.min(first ?? known.at, known.at);
    }
    return first;
  }

  #remember(cover: Cover, at: Millis, record: Recorded | undefined): void {
    const known = this.#known.get(cover.tag) ?? [];
    known.push({ cover, at, record });
    this.#known.set(cover.tag, known);
  }
}

interface Known {
  readonly cover: Cover;
  readonly at: Millis;
  readonly record: Recorded | undefined;
}

/** Of each tag the version that a node must know of: by hard purges, by all, by those that told. */
export class Required {
  readonly hard: ReadonlyMap<Tag, number>;
  readonly all: ReadonlyMap<Tag, number>;
  readonly hardTold: ReadonlyMap<Tag, number>;
  readonly allTold: ReadonlyMap<Tag, number>;

  constructor(from?: Required) {
    this.hard = new Map(from?.hard);
    this.all = new Map(from?.all);
    this.hardTold = new Map(from?.hardTold);
    this.allTold = new Map(from?.allTold);
  }
}

function learn(versions: ReadonlyMap<Tag, number>, { tag, version }: Cover): void {
  if ((versions.get(tag) ?? 0) < version) (versions as Map<Tag, number>).set(tag, version);
}

/** What one node must know: a mirror of the ledger, as far as the node claims to have come. */
export class Knowledge {
  readonly #ledger: Ledger;
  readonly #required = new Required();
  #ahead: Recorded[] = [];
  #seen = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /**
   * The node itself has been told, and has applied it. Of a soft purge nothing follows before it
   * has its place: it holds nothing.
   */
  told(covers: readonly Cover[]): void {
    this.#apply(covers.filter(({ isSoft }) => !isSoft));
  }

  /** The node says that every record up to `position` has been applied. */
  stands(position: Position): void {
    const { records } = this.#ledger;
    for (; this.#seen < records.length; this.#seen += 1) {
      const record = records[this.#seen] as Recorded;
      if (record.covers.length > 0) this.#ahead.push(record);
    }
    this.#ahead = this.#ahead.filter((record) => {
      if (record.isLost || record.isBehind) return false;
      if (record.position > position) return true;
      this.#apply(record.covers);
      return false;
    });
  }

  copy(): Required {
    return new Required(this.#required);
  }

  #apply(covers: readonly Cover[]): void {
    const { hard, all, hardTold, allTold } = this.#required;
    for (const cover of covers) {
      learn(all, cover);
      if (cover.isTold) learn(allTold, cover);
      if (cover.isSoft) continue;
      learn(hard, cover);
      if (cover.isTold) learn(hardTold, cover);
    }
  }
}
