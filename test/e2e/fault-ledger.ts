/**
 * Knows of every entity which versions there were, since when each was written, and since when each
 * node has to know of it. What a node then answers is held against that:
 * - a version that a node owes is never followed by an older one in an answer that was asked for
 *   after it was due: its own mutations at once, what is in the log after `HEARING_MS`;
 * - a node that cannot hear the log answers nothing that it read longer ago than `maxStalenessMs`.
 */

/** So long a node may take an old proof for a sign that it hears the log (`hearingTimeoutMs`). */
const HEARING_MS = 1_000;

interface Fact {
  readonly version: number;
  /** By `performance.now()`. */
  readonly at: number;
}

export interface Read {
  readonly node: number;
  readonly id: string;
  readonly version: number;
  readonly askedAt: number;
  /** The node could not hear the log when it was asked, and not until it had answered. */
  readonly deaf: boolean;
}

export class Ledger {
  readonly #maxStalenessMs: number;
  readonly #versions = new Map<string, number>();
  readonly #written = new Map<string, Fact[]>();
  readonly #owed = new Map<string, Fact[]>();

  constructor(maxStalenessMs: number) {
    this.#maxStalenessMs = maxStalenessMs;
  }

  /** The version to write next; no two are the same. */
  next(id: string): number {
    const version = (this.#versions.get(id) ?? 1) + 1;
    this.#versions.set(id, version);
    return version;
  }

  latest(id: string): number {
    return this.#versions.get(id) ?? 1;
  }

  /** Whoever reads it from its service from now on gets at least this version. */
  wrote(id: string, version: number): void {
    factsOf(this.#written, id).push({ version, at: performance.now() });
  }

  /** The node was told by its own client: from now on it answers no older version. */
  toldByClient(node: number, id: string, version: number): void {
    factsOf(this.#owed, `${node} ${id}`).push({ version, at: performance.now() });
  }

  /** Its invalidation was accepted: it is on the channel or in the log. */
  accepted(node: number, id: string, version: number): void {
    const at = performance.now() + HEARING_MS;
    factsOf(this.#owed, `${node} ${id}`).push({ version, at });
  }

  /** What is wrong with an answer; undefined where nothing is. */
  faultOf({ node, id, version, askedAt, deaf }: Read): string | undefined {
    const owed = latestBefore(this.#owed.get(`${node} ${id}`), askedAt);
    if (version < owed) return `node ${node} answered ${id} v${version}, and owed v${owed}`;
    if (!deaf) return undefined;
    const written = latestBefore(this.#written.get(id), askedAt - this.#maxStalenessMs);
    if (version >= written) return undefined;
    return `node ${node}, deaf, answered ${id} v${version}, long after v${written} was written`;
  }
}

function factsOf(facts: Map<string, Fact[]>, key: string): Fact[] {
  const list = facts.get(key) ?? [];
  facts.set(key, list);
  return list;
}

function latestBefore(facts: readonly Fact[] | undefined, time: number): number {
  return Math.max(0, ...(facts ?? []).filter(({ at }) => at <= time).map(({ version }) => version));
}
