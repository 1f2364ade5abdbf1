/**
 * What an invalidation would touch of what is in memory: for dry runs, and for counts.
 *
 * It promises: it changes nothing, holds the event loop for a few milliseconds at a time however
 * much is cached, and one is made after the other.
 */
import { pause, type Clock, type Millis } from '../invalidation/clock.ts';
import { Marks } from '../invalidation/marks.ts';
import { ORIGIN, successor, type Position } from '../invalidation/position.ts';
import type { Purge } from '../invalidation/purge.ts';
import type { Tag } from '../invalidation/tag.ts';
import type { Entry } from '../cache/entry.ts';

export interface Survey {
  /** Entries of which a tag is touched. */
  readonly entries: number;
  /** The tags that are, in order, as many as are shown. */
  readonly tags: readonly Tag[];
  /** How many there are. */
  readonly count: number;
  /** Entries that were looked at. */
  readonly scanned: number;
  /** Whether these were all, and all tags are counted. */
  readonly complete: boolean;
}

export interface SurveyorOptions {
  /** What is in memory. */
  readonly entries: () => IterableIterator<Entry>;
  readonly clock: Clock;
  /** Default 100,000. */
  readonly scannedMax?: number;
}

/** The event loop is held for so long, and for one match more, which takes as long at worst. */
const SLICE_MS: Millis = 1;
export const TAGS_SHOWN_MAX = 1_000;
const TAGS_COUNTED_MAX = 100_000;
const MARKS_MAX = 100_000;

export class Surveyor {
  readonly #options: SurveyorOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SurveyorOptions) {
    this.#options = options;
  }

  /** Of the entries in memory, or of those with a stamp below `before`. Never rejects. */
  survey(purges: readonly Purge[], before?: Position): Promise<Survey> {
    const made = this.#last.then(() => this.#survey(purges, before));
    this.#last = made;
    return made;
  }

  /** Which of `tags` the purges touch. */
  async matching(tags: readonly Tag[], purges: readonly Purge[]): Promise<readonly Tag[]> {
    const touches = touchesOf(purges);
    const slice = new Slice(this.#options.clock);
    const matching: Tag[] = [];
    for (const tag of tags) {
      if (touches(tag)) matching.push(tag);
      if (slice.isOver()) await slice.next();
    }
    return matching;
  }

  async #survey(purges: readonly Purge[], before: Position | undefined): Promise<Survey> {
    const { entries, clock, scannedMax = 100_000 } = this.#options;
    const touches = touchesOf(purges);
    const slice = new Slice(clock);
    const tags = new Set<Tag>();
    const shown: Tag[] = [];
    let [scanned, touched, isComplete] = [0, 0, true];
    for (const entry of entries()) {
      if (scanned === scannedMax) {
        isComplete = false;
        break;
      }
      scanned += 1;
      if (before !== undefined && entry.stamp >= before) continue;
      let isTouched = touches(undefined);
      for (const tag of entry.tags) {
        if (slice.isOver()) await slice.next();
        if (!touches(tag)) continue;
        isTouched = true;
        if (tags.has(tag)) continue;
        if (tags.size < TAGS_COUNTED_MAX) tags.add(tag);
        else isComplete = false;
        if (shown.length < TAGS_SHOWN_MAX) shown.push(tag);
      }
      if (isTouched) touched += 1;
    }
    const [count, complete] = [tags.size, isComplete];
    return { entries: touched, tags: shown.toSorted(), count, scanned, complete };
  }
}

/** Of several processes of one node, which hold entries of their own. */
export function together(surveys: readonly Survey[]): Survey {
  const tags = [...new Set(surveys.flatMap((one) => one.tags))].toSorted();
  const isAll = surveys.every((one) => one.count === one.tags.length);
  const sum = (of: (one: Survey) => number): number =>
    surveys.reduce((total, one) => total + of(one), 0);
  return {
    entries: sum((one) => one.entries),
    tags: tags.slice(0, TAGS_SHOWN_MAX),
    // Of those that are not shown it is not known which are the same.
    count: isAll ? tags.length : sum((one) => one.count),
    scanned: sum((one) => one.scanned),
    complete: surveys.every((one) => one.complete),
  };
}

/** Whether a tag is touched; without one, whether what has no tags is. */
function touchesOf(purges: readonly Purge[]): (tag: Tag | undefined) => boolean {
  const marks = new Marks({ marksMax: MARKS_MAX, patternsMax: MARKS_MAX });
  for (const purge of purges) marks.mark(successor(ORIGIN), purge);
  return (tag) => marks.touchedSince(ORIGIN, tag === undefined ? [] : [tag]);
}

class Slice {
  readonly #clock: Clock;
  #beganAt: Millis;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganAt = clock.now();
  }

  isOver(): boolean {
    return this.#clock.now() - this.#beganAt >= SLICE_MS;
  }

  async next(): Promise<void> {
    await pause(this.#clock, 0);
    this.#beganAt = this.#clock.now();
  }
}
