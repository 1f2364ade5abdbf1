/**
 * The truth: things with versions, each under its tag. To read takes time, and each thing is seen
 * as it was at some moment during the read, not all at the same. Committing takes none.
 */
import type { Millis, Random } from '../../src/invalidation/clock.ts';
import type { Tag } from '../../src/invalidation/tag.ts';
import type { MachineClock, VirtualTime } from './virtual-time.ts';

export type Versions = Readonly<Record<string, number>>;

/** The one reason for which a request may fail. */
export class OriginError extends Error {}

export interface OriginOptions {
  readonly time: VirtualTime;
  readonly random: Random;
}

export class Origin {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #versions = new Map<Tag, number>();
  /** The posts that there are: what a list of them holds. */
  readonly posts = new Set<Tag>();
  readMsMax: Millis = 5;
  /** How often a read fails. */
  failures = 0;

  constructor({ time, random }: OriginOptions) {
    this.#time = time;
    this.#random = random;
  }

  version(tag: Tag): number {
    return this.#versions.get(tag) ?? 0;
  }

  tags(): readonly Tag[] {
    return [...this.#versions.keys()];
  }

  commit(tag: Tag): number {
    const version = this.version(tag) + 1;
    this.#versions.set(tag, version);
    return version;
  }

  /**
   * Reads for the process of `clock`. `tags` is asked at the moment when the first of them is seen:
   * a list is of those posts that there were then.
   */
  read(tags: () => readonly Tag[], clock: MachineClock): Promise<Versions> {
    return new Promise((resolve, reject) => {
      const durationMs = 0.2 + this.#random() ** 2 * this.readMsMax;
      const isLost = this.#random() < this.failures;
      const seen: Record<string, number> = {};
      const beginMs = durationMs * this.#random();
      this.#time.after(beginMs, () => {
        for (const [place, tag] of tags().entries()) {
          const laterMs = place === 0 ? 0 : (durationMs - beginMs) * this.#random();
          this.#time.after(laterMs, () => {
            seen[tag] = this.version(tag);
          });
        }
      });
      this.#time.after(durationMs, () => clock.deliver(() => {
        if (isLost) reject(new OriginError('the origin failed'));
        else resolve(seen);
      }));
    });
  }
}
