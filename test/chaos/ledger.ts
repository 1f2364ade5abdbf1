/**
 * The checker: it knows of every user which versions there were, when each was written at its
 * service, when its invalidation was acknowledged and by whom, and holds each answer against that.
 * An answer is asked for at a moment T of one clock, that of this process, where the services run
 * and the acknowledgements arrive. An answer that shows an older version than owed is stale beyond
 * what was promised. What is owed, and which sentence of DESIGN.md says so:
 *
 * - `own`, 0 ms: at the node through which a mutation went, from the moment that its answer arrived
 *   on ("applied on its own node before the mutation's answer leaves"). Under every fault, until
 *   that node is killed: a new process knows what is in the log, and `propagated` holds it to that.
 * - `propagated`, `HEARING_MS`: at every node, from `HEARING_MS` after an invalidation was
 *   acknowledged on ("Once a node has applied an invalidation..."; "a node that was cut off replays
 *   what it missed", or forgets). It takes a few milliseconds to be applied where the log is heard.
 *   `HEARING_MS` is how long a node that has just been cut off may take its last proof that it
 *   hears for a proof, so it is the most that any node may be behind without serving within
 *   `deaf`. Under every fault. Acknowledged means:
 *   a mutation: answered, while its node kept nothing (with Redis away it is acknowledged to the
 *   log only when the node's outbox is empty again, since the request must not fail for it);
 *   our publisher: the call resolved with a position, or later its outbox was empty;
 *   a plain PUBLISH: Redis has replied; where a Sentinel may replace the master, also that somebody
 *   heard it, since one that was replaced and does not know it yet takes what nobody listens to.
 *   Where nobody listens for another reason it counts: who listens anew forgets what it has read.
 * - `positioned`, 0 ms: an answer to who sends the position of a mutation that was not kept, or of
 *   the publisher, never shows an older version than that write, at any node, under every fault
 *   ("a client that sends that position to any other node is never answered from older state").
 *   What a node kept because the log was away has no position yet: none is sent for it.
 * - `deaf`, `maxStalenessMs`: a node that cannot hear the log (Redis is away, or its wire is cut,
 *   and the node has said so itself) shows nothing older than what could be read from the service
 *   `maxStalenessMs` ago, acknowledged or not ("While a node cannot hear the log, it serves nothing
 *   that it read longer ago than maxStaleness").
 */

/** `hearingTimeoutMs` of a node. */
export const HEARING_MS = 1_000;

export interface Read {
  readonly node: number;
  readonly id: string;
  readonly version: number;
  readonly askedAt: number;
  /** The node could not hear the log when it was asked, and not until it had answered. */
  readonly deaf: boolean;
  /** The version whose position went with the request. */
  readonly positioned: number | undefined;
}

export interface Write {
  readonly version: number;
  readonly position: string;
}

export class Ledger {
  readonly #maxStalenessMs: number;
  readonly #latest = new Map<string, number>();
  readonly #written = new Map<string, Facts>();
  readonly #acknowledged = new Map<string, Facts>();
  readonly #own: Map<string, Facts>[] = [];
  readonly #positions = new Map<string, Write>();

  constructor(maxStalenessMs: number) {
    this.#maxStalenessMs = maxStalenessMs;
  }

  /** The version to write next; no two of a user are the same. */
  next(id: string): number {
    const version = (this.#latest.get(id) ?? 1) + 1;
    this.#latest.set(id, version);
    return version;
  }

  /** Whoever reads it from its service from now on gets at least this version. */
  wrote(id: string, version: number): void {
    factsOf(this.#written, id).add(version);
  }

  /** The node has answered the mutation. */
  answered(node: number, id: string, version: number): void {
    factsOf((this.#own[node] ??= new Map()), id).add(version);
  }

  /** The process of the node is gone, with what it alone knew. */
  killed(node: number): void {
    this.#own[node] = new Map();
  }

  acknowledged(id: string, version: number): void {
    factsOf(this.#acknowledged, id).add(version);
  }

  positioned(id: string, write: Write): void {
    const known = this.#positions.get(id);
    if (known === undefined || known.version < write.version) this.#positions.set(id, write);
  }

  /** The position of the last write of this user that has one. */
  positionOf(id: string): Write | undefined {
    return this.#positions.get(id);
  }

  /** What is wrong with an answer; undefined where nothing is. */
  faultOf({ node, id, version, askedAt, deaf, positioned }: Read): string | undefined {
    const told = (owed: number, why: string): string =>
      `node ${node} answered user ${id} v${version}, and owed v${owed} (${why})`;
    if (version > (this.#latest.get(id) ?? 1)) return told(0, 'there is no such version');
    if (positioned !== undefined && version < positioned) return told(positioned, 'positioned');
    const own = this.#own[node]?.get(id)?.before(askedAt) ?? 0;
    if (version < own) return told(own, 'own');
    const propagated = this.#acknowledged.get(id)?.before(askedAt - HEARING_MS) ?? 0;
    if (version < propagated) return told(propagated, 'propagated');
    if (!deaf) return undefined;
    const readable = this.#written.get(id)?.before(askedAt - this.#maxStalenessMs) ?? 0;
    return version < readable ? told(readable, 'deaf') : undefined;
  }

  /** For how long a newer version had been acknowledged when this one was asked for; 0 = not. */
  behindMs({ id, version, askedAt }: Pick<Read, 'id' | 'version' | 'askedAt'>): number {
    const since = this.#acknowledged.get(id)?.firstAbove(version);
    return since === undefined ? 0 : Math.max(0, askedAt - since);
  }
}

/** Older facts than this are summed up: no answer is as old. */
const KEPT_MS = 60_000;

/** Versions of one user, in the order of the times at which something became true of them. */
class Facts {
  readonly #list: { readonly at: number; readonly highest: number }[] = [];

  add(version: number): void {
    const highest = this.#list.at(-1)?.highest ?? 0;
    if (version <= highest) return;
    const at = performance.now();
    this.#list.push({ at, highest: version });
    const recent = this.#list.findIndex((fact) => fact.at > at - KEPT_MS);
    if (recent > 1) this.#list.splice(0, recent - 1);
  }

  /** The highest version of which it was true at `time`. */
  before(time: number): number {
    return this.#list.findLast(({ at }) => at <= time)?.highest ?? 0;
  }

  /** Since when it is true of a higher version. */
  firstAbove(version: number): number | undefined {
    return this.#list.find(({ highest }) => highest > version)?.at;
  }
}

function factsOf(facts: Map<string, Facts>, id: string): Facts {
  const known = facts.get(id);
  if (known !== undefined) return known;
  const made = new Facts();
  facts.set(id, made);
  return made;
}
