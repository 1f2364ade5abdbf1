/**
 * One gateway process: everything real but the log's server, the second tier's server, the channel
 * and the origin. The composition follows src/gateway/core.ts, and what is asked of it goes the way
 * of response-cache.ts and use-response-cache.ts, without GraphQL.
 */
import assert from 'node:assert/strict';
import type { CacheKey } from '../../src/cache/key.ts';
import { Freshness, type FreshnessOptions } from '../../src/cache/freshness.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import {
  ReadPath, type Fill, type Outcome, type ReadPathOptions,
} from '../../src/cache/read-path.ts';
import { RedisStore } from '../../src/cache/redis-store.ts';
import type { Store } from '../../src/cache/store.ts';
import { Tiers, type TiersOptions } from '../../src/cache/tiers.ts';
import type { Caller } from '../../src/gateway/http/caller.ts';
import type { Audience } from '../../src/gateway/caching/scope.ts';
import type { Millis, Random } from '../../src/invalidation/clock.ts';
import { Forgetting, type ForgettingOptions } from '../../src/invalidation/forgetting.ts';
import type { HorizonLimits } from '../../src/invalidation/horizon.ts';
import type { Log } from '../../src/invalidation/log.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import { InvalidationNode } from '../../src/invalidation/node.ts';
import { latest, type Position } from '../../src/invalidation/position.ts';
import type { Tag } from '../../src/invalidation/tag.ts';
import { Knowledge, type Cover, type Ledger } from './ledger.ts';
import type { Network, Role, Wire } from './network.ts';
import type { Origin, Versions } from './origin.ts';
import { audienceFor, keyOf, sessionOf, type Part } from './queries.ts';
import { SimulatedChannel } from './simulated-channel.ts';
import { SimulatedLog, type SimulatedLogOptions } from './simulated-log.ts';
import type { MachineClock } from './virtual-time.ts';

/** What is built by name, so that something else can be built in its place. */
export interface Parts {
  readonly log: (log: Log) => Log;
  readonly freshness: (options: FreshnessOptions) => Freshness;
  /** The rule for those who wait for another's load; default the same. */
  readonly landings: (freshness: Freshness) => Freshness;
  readonly store: (options: ConstructorParameters<typeof MemoryStore>[0]) => MemoryStore;
  readonly tiers: (options: TiersOptions, node: InvalidationNode) => Tiers;
  readonly readPath: (options: ReadPathOptions) => ReadPath;
  readonly forgetting: (options: ForgettingOptions) => Pick<Forgetting, 'forget' | 'isPending'>;
  /** Done to the node once it is made. */
  readonly node: (node: InvalidationNode) => void;
  readonly client: (wire: Wire, commandTimeoutMs: Millis) => ReturnType<Wire['client']>;
  readonly keyOf: (part: Part, audience: Audience) => CacheKey;
  /** What is kept of what was loaded. */
  readonly keep: (fill: Fill) => Fill;
  /** Whether a request waits until the node stands where its client has seen it. */
  readonly waitsForPosition: boolean;
  /** How long after the answer a mutation purges; undefined: it does so before. */
  readonly purgeLaterMs: Millis | undefined;
}

export const REAL_PARTS: Parts = {
  log: (log) => log,
  freshness: (options) => new Freshness(options),
  landings: (freshness) => freshness,
  store: (options) => new MemoryStore(options),
  tiers: (options) => new Tiers(options),
  readPath: (options) => new ReadPath(options),
  forgetting: (options) => new Forgetting(options),
  node: () => undefined,
  client: (wire, commandTimeoutMs) => wire.client(commandTimeoutMs),
  keyOf,
  keep: (fill) => fill,
  waitsForPosition: true,
  purgeLaterMs: undefined,
};

export interface NodeLimits {
  readonly maxStalenessMs: Millis;
  readonly hearingTimeoutMs: Millis;
  readonly settleMs: Millis;
  readonly positionWaitMs: Millis;
  readonly horizon: Required<Omit<HorizonLimits, 'versionsMax'>>;
  readonly l1: { readonly bytesMax: number; readonly entriesMax: number };
  readonly outboxRecordsMax: number;
  readonly log: Pick<SimulatedLogOptions, 'recordsMax' | 'retentionMs' | 'duplicates'>;
  readonly ttlMsMax: Millis;
}

/** What happens on a node that checkers want to know of. */
export interface NodeObserver {
  loading(load: Loading): void;
  /** `uncacheable`: the keys of which nothing was brought that could be kept. */
  loaded(load: Loading, uncacheable: ReadonlySet<string>): void;
  /** What was wanted by the first of those who want it was in the second tier. */
  found(node: FleetNode, key: string): void;
  gap(node: FleetNode): void;
}

export interface Loading {
  readonly node: FleetNode;
  readonly keys: readonly string[];
  readonly beganAt: Millis;
  readonly request: Request;
  /** Its request waits for nobody, and nobody waits for it. */
  readonly bypass: boolean;
}

export interface Request {
  readonly caller: Caller;
  readonly parts: readonly Part[];
  readonly position: Position | undefined;
  readonly arrivedAt: Millis;
}

export interface PartAnswer {
  readonly part: Part;
  readonly how: Outcome['how'] | 'uncached';
  readonly versions: Versions;
  readonly owner: number | null;
}

export interface Answer {
  readonly parts: readonly PartAnswer[];
  readonly position: Position;
}

interface Body {
  readonly versions: Versions;
  readonly owner: number | null;
}

export interface FleetNodeOptions {
  readonly name: string;
  readonly clock: MachineClock;
  readonly random: Random;
  readonly network: Network;
  readonly origin: Origin;
  readonly ledger: Ledger;
  readonly limits: NodeLimits;
  readonly observer: NodeObserver;
  readonly parts: Parts;
}

/** No wait for the own node to have followed its own append is longer: as in core.ts. */
const FOLLOW_OWN_MS_MAX = 100;
const READ_TIMEOUT_MS = 50;

export class FleetNode {
  readonly name: string;
  readonly clock: MachineClock;
  readonly limits: NodeLimits;
  readonly wires: Readonly<Record<Role, Wire>>;
  readonly node: InvalidationNode;
  readonly log: SimulatedLog;
  readonly l1: MemoryStore;
  readonly readPath: ReadPath;
  readonly knowledge: Knowledge;
  /** Invalidations that it took and that are not in the log as far as it knows. */
  unsettled = 0;
  readonly #options: FleetNodeOptions;
  readonly #channel: SimulatedChannel;
  readonly #forgetting: Pick<Forgetting, 'forget' | 'isPending'>;

  constructor(options: FleetNodeOptions) {
    const { name, clock, random, network, ledger, limits, observer, parts } = options;
    this.#options = options;
    this.name = name;
    this.clock = clock;
    this.limits = limits;
    this.knowledge = new Knowledge(ledger);
    const wire = (): Wire => network.wire(clock);
    this.wires = { append: wire(), follow: wire(), cache: wire(), listen: wire() };
    const { client } = parts;
    this.log = new SimulatedLog({ wires: this.wires, clock, random, client, ...limits.log });
    const log = parts.log(this.log);
    const { hearingTimeoutMs, settleMs, outboxRecordsMax, maxStalenessMs } = limits;
    this.node = new InvalidationNode({
      log, clock, random, hearingTimeoutMs, settleMs, outboxRecordsMax, horizon: limits.horizon,
    });
    parts.node(this.node);
    const { horizon } = this.node;
    this.node.onGap(() => observer.gap(this));
    const { signal } = new AbortController();
    this.#forgetting = parts.forgetting({ log, horizon, clock, random, signal });
    this.#channel = this.#listener();
    const freshness = parts.freshness({ horizon, hearing: this, clock, maxStalenessMs });
    this.l1 = parts.store({ clock, ...limits.l1 });
    const redis = client(this.wires.cache, 1_000);
    const l2: Store = new RedisStore({ redis, clock, random, readTimeoutMs: READ_TIMEOUT_MS });
    const tiers = parts.tiers({ l1: this.l1, l2, freshness }, this.node);
    const get = tiers.get.bind(tiers);
    tiers.get = async (keys, options) => {
      const found = await get(keys, options);
      for (const [at, { id }] of keys.entries()) {
        if (found[at]?.verdict === 'current') observer.found(this, id);
      }
      return found;
    };
    const landings = parts.landings(freshness);
    this.readPath = parts.readPath({ tiers, freshness: landings, horizon, clock, random });
  }

  async start(): Promise<void> {
    this.#channel.start();
    await this.node.start();
  }

  hears(now: Millis): boolean {
    return !this.#forgetting.isPending && this.node.hears(now) && this.#channel.hears(now);
  }

  get position(): Position {
    return this.node.position;
  }

  get floor(): Position {
    return this.node.horizon.floor;
  }

  async query(request: Request): Promise<Answer> {
    const { position } = request;
    const { positionWaitMs } = this.limits;
    const waits = this.#options.parts.waitsForPosition;
    const known = position === undefined || !waits
      || await this.node.reached(position, positionWaitMs);
    const began = this.node.position;
    const parts = await this.#readParts(request, request.parts, !known);
    return { parts: parts.map(({ answer }) => answer), position: latest(began, this.position) };
  }

  /** Purges as a mutation does whose origin has just committed. */
  async invalidate(message: InvalidationMessage): Promise<Position | undefined> {
    const { purgeLaterMs } = this.#options.parts;
    const covers = this.#options.ledger.coversOf(message.message_id);
    if (purgeLaterMs !== undefined) {
      this.clock.after(purgeLaterMs, () => void this.#append(message, covers));
      return undefined;
    }
    const position = await this.#append(message, covers);
    if (position !== undefined) await this.node.reached(position, FOLLOW_OWN_MS_MAX);
    return position;
  }

  async #append(
    message: InvalidationMessage,
    covers: readonly Cover[],
  ): Promise<Position | undefined> {
    this.unsettled += 1;
    const appended = this.node.invalidate(message);
    this.knowledge.told(covers);
    const position = await appended;
    this.unsettled -= 1;
    return position;
  }

  #listener(): SimulatedChannel {
    const { network, clock, random, limits, ledger } = this.#options;
    const { hearingTimeoutMs } = limits;
    return new SimulatedChannel({
      wire: this.wires.listen, clock, random, hearingTimeoutMs,
      onMessage: (message) => {
        // Where this process is closing; the other nodes have heard it as well.
        const refused = (): void => undefined;
        this.#append(message, ledger.coversOf(message.message_id)).catch(refused);
      },
      onListening: (askedAt) => {
        const said = ledger.announcedBefore(network.time.now - (clock.now() - askedAt));
        void this.#forgetting.forget().then(() => {
          if (!this.#forgetting.isPending) this.knowledge.told(said);
        });
      },
    });
  }

  /** One answer for each part, in order. What has no audience is read for the caller alone. */
  async #readParts(
    request: Request,
    parts: readonly Part[],
    bypass: boolean,
  ): Promise<readonly PartRead[]> {
    const { caller } = request;
    const wanted = parts.map((part) => {
      const audience = audienceFor(part, caller);
      return { part, key: audience && this.#options.parts.keyOf(part, audience), audience };
    });
    const kept = wanted.filter(({ key }) => key !== undefined);
    const keys = kept.map(({ key }) => key as CacheKey);
    const load = (missing: readonly number[]): Promise<readonly Fill[]> =>
      this.#load(request, missing.map((index) => kept[index] as Wanted), bypass);
    const outcomes = keys.length === 0 ? [] : await this.readPath.read(keys, load, { bypass });
    return Promise.all(wanted.map(async ({ part, key }): Promise<PartRead> => {
      const outcome = key === undefined ? undefined : outcomes[keys.indexOf(key)];
      if (outcome === undefined) {
        const { body } = await this.#loadPart(request, part, bypass);
        return { answer: { part, how: 'uncached', ...body }, age: undefined };
      }
      const body = JSON.parse(outcome.value.toString()) as Body;
      const { entry } = outcome;
      const age = entry && { ttlMs: entry.staleAt - this.clock.now(), readAt: entry.readAt };
      return { answer: { part, how: outcome.how, ...body }, age };
    }));
  }

  async #load(
    request: Request,
    missing: readonly Wanted[],
    bypass: boolean,
  ): Promise<readonly Fill[]> {
    const { observer, network, parts } = this.#options;
    const keys = missing.map(({ key }) => (key as CacheKey).id);
    const load: Loading = { node: this, keys, beganAt: network.time.now, request, bypass };
    const uncacheable = new Set<string>();
    observer.loading(load);
    try {
      return await Promise.all(missing.map(async ({ part, key, audience }) => {
        const { body, fill } = await this.#loadPart(request, part, bypass);
        if (fill.ttlMs <= 0 && key !== undefined) uncacheable.add(key.id);
        assert(audience !== undefined, 'what is kept is for somebody');
        const tags = [...new Set([...fill.tags, ...audience.tags])];
        return parts.keep({ ...fill, tags, value: Buffer.from(JSON.stringify(body)) });
      }));
    } finally {
      observer.loaded(load, uncacheable);
    }
  }

  /** Reads what the part is made of, and, for itself, the origin. */
  async #loadPart(request: Request, part: Part, bypass: boolean): Promise<{
    body: Body;
    fill: Omit<Fill, 'value'>;
  }> {
    const { origin, clock, random, limits } = this.#options;
    const { reads } = part;
    const [inner, own] = await Promise.all([
      part.parts === undefined ? [] : this.#readParts(request, part.parts, bypass),
      reads === undefined ? {} : origin.read(() => reads(request.caller, origin), clock),
    ]);
    let ttlMs = Math.ceil(limits.ttlMsMax * (0.2 + 0.8 * random()));
    let readAt = Number.POSITIVE_INFINITY;
    const tags = new Set(Object.keys(own) as Tag[]);
    const versions: Record<string, number> = { ...own };
    for (const { answer, age } of inner) {
      // The older of two reads of one thing decides what the whole is.
      for (const [tag, version] of Object.entries(answer.versions)) {
        versions[tag] = Math.min(version, versions[tag] ?? version);
      }
      for (const tag of Object.keys(answer.versions) as Tag[]) tags.add(tag);
      ttlMs = Math.min(ttlMs, age?.ttlMs ?? ttlMs);
      readAt = Math.min(readAt, age?.readAt ?? readAt);
    }
    const owner = part.scope === 'PRIVATE' ? sessionOf(request.caller) ?? null : null;
    const shareable = ttlMs > 0;
    const fill = { tags: [...tags], ttlMs: shareable ? ttlMs : 0, shareable };
    const age = Number.isFinite(readAt) ? { readAt } : {};
    return { body: { versions, owner }, fill: { ...fill, ...age } };
  }
}

interface Wanted {
  readonly part: Part;
  readonly key: CacheKey | undefined;
  readonly audience: Audience | undefined;
}

interface PartRead {
  readonly answer: PartAnswer;
  /** Of the entry that it came from, or went into, at that moment. */
  readonly age: { readonly ttlMs: Millis; readonly readAt: Millis } | undefined;
}
