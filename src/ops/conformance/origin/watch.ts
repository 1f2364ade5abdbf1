/**
 * What the kit sees and does of the reads that arrive at its origin: it counts them, holds the
 * answer of one open after its data have been read, or lets one fail. A read is named by its key:
 * `item:7`, `items:shelf`, `maker:7`.
 */
export type Misfortune =
  /** Answered with status 500. */
  | 'status'
  /** The root field is null, with an error. */
  | 'root'
  /** Only `Item.note` is null, with an error. */
  | 'field';

/** Holds one operation. */
export interface Hold {
  /** Resolves when the operation has read its data. */
  readonly arrived: Promise<void>;
  /** Lets its answer go. */
  release(): void;
}

interface Holding {
  readonly key: string;
  readonly arrive: () => void;
  readonly released: Promise<void>;
}

export class Watch {
  readonly #counts = new Map<string, number>();
  readonly #misfortunes = new Map<string, Misfortune>();
  #holdings: Holding[] = [];
  #releases: (() => void)[] = [];

  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** The next operation that reads `key`. */
  hold(key: string): Hold {
    const arrived = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const holding = { key, arrive: arrived.resolve, released: released.promise };
    this.#holdings.push(holding);
    const release = (): void => {
      this.#holdings = this.#holdings.filter((other) => other !== holding);
      released.resolve();
    };
    this.#releases.push(release);
    return { arrived: arrived.promise, release };
  }

  /** The next read of `key`. */
  failNext(key: string, misfortune: Misfortune): void {
    this.#misfortunes.set(key, misfortune);
  }

  /** Lets go of all that a check has left behind. */
  reset(): void {
    for (const release of this.#releases) release();
    this.#releases = [];
    this.#misfortunes.clear();
  }

  /** Counts a read; what it says is to happen, happens once. */
  read(key: string): Misfortune | undefined {
    this.#counts.set(key, this.count(key) + 1);
    const misfortune = this.#misfortunes.get(key);
    this.#misfortunes.delete(key);
    return misfortune;
  }

  /** Resolves when the answer to an operation that has read `keys` may leave. */
  async passed(keys: ReadonlySet<string>): Promise<void> {
    const holding = this.#holdings.find(({ key }) => keys.has(key));
    if (holding === undefined) return;
    this.#holdings = this.#holdings.filter((other) => other !== holding);
    holding.arrive();
    await holding.released;
  }
}
