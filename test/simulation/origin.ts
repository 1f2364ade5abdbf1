/**
 * The truth: things with versions, each under its tag, and what they were. To read takes time, and
 * each thing is seen as it was at some moment during the read, not all at the same. Committing
 * takes none. Some reads may be answered by a replica that lags.
 */
import type { Millis, Random } from '../../src/invalidation/clock.ts';
import type { Tag } from '../../src/invalidation/tag.ts';
import type { Replica } from './strategies.ts';
import type { MachineClock, VirtualTime } from './virtual-time.ts';

export type Versions = Readonly<Record<string, number>>;

/** The one reason for which a request may fail. */
export class OriginError extends Error {
  /** It could not be reached, rather than that it stated an error. */
  readonly isOutage: boolean;

  constructor(isOutage: boolean) {
    super(isOutage ? 'the origin cannot be reached' : 'the origin states an error');
    this.isOutage = isOutage;
  }
}

/** The posts that there are: what a list of them holds. */
export interface View {
  readonly posts: ReadonlySet<Tag>;
}

export type Reads = (view: View) => readonly Tag[];

export interface OriginOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly replica?: Replica | undefined;
}

interface Past<T> {
  readonly at: Millis;
  readonly value: T;
}

export class Origin {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #versions = new Map<Tag, Past<number>[]>();
  readonly #posts = new Map<Tag, Past<boolean>[]>();
  readonly #replica: Replica | undefined;
  #isCaughtUp = false;
  readMsMax: Millis = 5;
  /** How often a read ends with an error that the origin states. */
  failures = 0;
  /** How often it cannot be reached. */
  outages = 0;

  constructor({ time, random, replica }: OriginOptions) {
    this.#time = time;
    this.#random = random;
    this.#replica = replica;
  }

  get posts(): ReadonlySet<Tag> {
    return this.#postsAt(this.#time.now);
  }

  version(tag: Tag): number {
    return this.versionAt(tag, this.#time.now);
  }

  versionAt(tag: Tag, at: Millis): number {
    return valueAt(this.#versions.get(tag), at) ?? 0;
  }

  tags(): readonly Tag[] {
    return [...this.#versions.keys()];
  }

  /** How caches are kept from what lags. */
  get guard(): Replica['guard'] | undefined {
    return this.#replica?.guard;
  }

  /** By how much what a read shows of it may lag. Entities with versions, or everything. */
  lagMsOf(tag: Tag): Millis {
    if (this.#replica === undefined) return 0;
    const { guard, lagMsMax } = this.#replica;
    return guard === 'settle' || isVersioned(tag) ? lagMsMax : 0;
  }

  commit(tag: Tag): number {
    const version = this.version(tag) + 1;
    remember(this.#versions, tag, { at: this.#time.now, value: version });
    return version;
  }

  setPost(tag: Tag, exists: boolean): void {
    remember(this.#posts, tag, { at: this.#time.now, value: exists });
  }

  /** From now on every read shows what is. */
  catchUp(): void {
    this.#isCaughtUp = true;
  }

  /**
   * Reads for the process of `clock`. `tags` is asked at the moment when the first of them is seen:
   * a list is of those posts that there were then.
   */
  read(tags: Reads, clock: MachineClock): Promise<Versions> {
    return new Promise((resolve, reject) => {
      const durationMs = this.#durationMs();
      const chance = this.#random();
      const isOut = chance < this.outages;
      const isLost = isOut || chance < this.failures;
      const lagMs = this.#lagMs();
      const seen: Record<string, number> = {};
      const beginMs = durationMs * this.#random();
      this.#time.after(beginMs, () => {
        for (const [place, tag] of this.#seenBy(tags, lagMs).entries()) {
          const laterMs = place === 0 ? 0 : (durationMs - beginMs) * this.#random();
          this.#time.after(laterMs, () => {
            seen[tag] = this.#versionSeen(tag, lagMs);
          });
        }
      });
      this.#time.after(durationMs, () => clock.deliver(() => {
        if (isLost) reject(new OriginError(isOut));
        else resolve(seen);
      }));
    });
  }

  /**
   * A mutation: `commit` is called when it takes effect, and what it says that the answer shows is
   * seen somewhat later. `answered` is called on the process of `clock`.
   */
  mutate<T>(
    { commit, shows, answered }: {
      readonly commit: () => T;
      readonly shows: (committed: T) => readonly Reads[];
      readonly answered: (committed: T, shown: readonly Versions[]) => void;
    },
    clock: MachineClock,
  ): void {
    const [sentMs, seenMs, backMs] = Array.from({ length: 3 }, () => this.#durationMs() / 3) as
      [Millis, Millis, Millis];
    this.#time.after(sentMs, () => {
      const committed = commit();
      const reads = shows(committed);
      let shown: readonly Versions[] = [];
      this.#time.after(seenMs, () => {
        const lagMs = this.#lagMs();
        shown = reads.map((tags) => Object.fromEntries(this.#seenBy(tags, lagMs).map((tag) =>
          [tag, this.#versionSeen(tag, lagMs)])));
      });
      this.#time.after(seenMs + backMs, () => clock.deliver(() => answered(committed, shown)));
    });
  }

  #durationMs(): Millis {
    return 0.2 + this.#random() ** 2 * this.readMsMax;
  }

  #lagMs(): Millis {
    if (this.#replica === undefined || this.#isCaughtUp) return 0;
    const { share, lagMsMax } = this.#replica;
    return this.#random() < share ? this.#random() * lagMsMax : 0;
  }

  #seenBy(tags: Reads, lagMs: Millis): readonly Tag[] {
    const lags = this.#replica?.guard === 'settle';
    return tags({ posts: this.#postsAt(this.#time.now - (lags ? lagMs : 0)) });
  }

  #versionSeen(tag: Tag, lagMs: Millis): number {
    return this.versionAt(tag, this.#time.now - Math.min(lagMs, this.lagMsOf(tag)));
  }

  #postsAt(at: Millis): ReadonlySet<Tag> {
    const posts = new Set<Tag>();
    for (const [tag, past] of this.#posts) if (valueAt(past, at) === true) posts.add(tag);
    return posts;
  }
}

/** Things that show a version, of which an invalidation may tell: `user:1`, `note:1`. */
export function isVersioned(tag: Tag): boolean {
  return /^(user|note):[^:]+$/.test(tag);
}

function remember<T>(all: Map<Tag, Past<T>[]>, tag: Tag, past: Past<T>): void {
  const known = all.get(tag);
  if (known === undefined) all.set(tag, [past]);
  else known.push(past);
}

function valueAt<T>(past: readonly Past<T>[] | undefined, at: Millis): T | undefined {
  return past?.findLast((one) => one.at <= at)?.value;
}
