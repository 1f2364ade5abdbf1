/**
 * One gateway process: everything real but the log's server, the second tier's server, the channel
 * and the origin. The composition follows src/gateway/core.ts, and what is asked of it goes the way
 * of response-cache.ts and use-response-cache.ts, without GraphQL.
 */
import type { CacheKey } from '../../src/cache/key.ts';
import { Freshness, type FreshnessOptions } from '../../src/cache/freshness.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import type { LoadLock } from '../../src/cache/load-lock.ts';
import { ReadPath, type Fill, type Load, type ReadPathOptions } from '../../src/cache/read-path.ts';
import { RedisLoadLock, type RedisLoadLockOptions } from '../../src/cache/redis-load-lock.ts';
import { RedisStore } from '../../src/cache/redis-store.ts';
import type { Store } from '../../src/cache/store.ts';
import { Tiers, type TiersOptions } from '../../src/cache/tiers.ts';
import {
  WriteThrough, type RunningMutation, type WriteThroughOptions,
} from '../../src/cache/write-through.ts';
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
import type { Origin, Reads, Versions } from './origin.ts';
import { PartReader, type PartAnswer } from './part-reader.ts';
import type { Provenance } from './provenance.ts';
import { callerOf, keyOf, post, postPart, user, userPart, type Part } from './queries.ts';
import { SimulatedChannel } from './simulated-channel.ts';
import { SimulatedLog, type SimulatedLogOptions } from './simulated-log.ts';
import type { Strategies } from './strategies.ts';
import type { MachineClock } from './virtual-time.ts';
import type { Written } from './writes.ts';

/** What is built by name, so that something else can be built in its place. */
export interface Parts {
  readonly log: (log: Log) => Log;
  readonly freshness: (options: FreshnessOptions) => Freshness;
  /** The rule for those who wait for another's load; default the same. */
  readonly landings: (freshness: Freshness) => Freshness;
  readonly store: (options: ConstructorParameters<typeof MemoryStore>[0]) => MemoryStore;
  readonly tiers: (options: TiersOptions, node: InvalidationNode) => Tiers;
  readonly readPath: (options: ReadPathOptions) => ReadPath;
  readonly lock: (options: RedisLoadLockOptions) => LoadLock;
  readonly writeThrough: (options: WriteThroughOptions) => Pick<WriteThrough, 'begin' | 'stats'>;
  /** How what is kept under `ids` is loaded off the path of any request. */
  readonly reload: (load: Load, ids: readonly string[]) => Load;
  readonly forgetting: (options: ForgettingOptions) => Pick<Forgetting, 'forget' | 'isPending'>;
  /** Done to the node once it is made. */
  readonly node: (node: InvalidationNode) => void;
  readonly client: (wire: Wire, commandTimeoutMs: Millis) => ReturnType<Wire['client']>;
  readonly keyOf: (part: Part, audience: Audience) => CacheKey;
  /** What is kept of what was loaded, under the key of this id. */
  readonly keep: (fill: Fill, id: string) => Fill;
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
  lock: (options) => new RedisLoadLock(options),
  writeThrough: (options) => new WriteThrough(options),
  reload: (load) => load,
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
  readonly strategies: Strategies;
}

/** What happens on a node that checkers want to know of. */
export interface NodeObserver {
  loading(load: Loading): void;
  loaded(load: Loading, how: Loaded): void;
  /** What was wanted by the first of those who want it was in the second tier. */
  found(node: FleetNode, key: string): void;
  gap(node: FleetNode): void;
  /** Another node holds the lock. */
  lockTaken(node: FleetNode, key: string, leaseMs: Millis): void;
  /** The node looks whether it still does. */
  lockLooked(node: FleetNode, key: string): void;
}

export interface Loading {
  readonly node: FleetNode;
  readonly keys: readonly string[];
  readonly beganAt: Millis;
  readonly request: Request;
  /** Its request waits for nobody, and nobody waits for it. */
  readonly bypass: boolean;
}

/** How a load ended. */
export interface Loaded {
  /** The keys of which nothing was brought that could be kept. */
  readonly uncacheable: ReadonlySet<string>;
  /** What it failed with. */
  readonly error?: unknown;
}

export interface Request {
  readonly caller: Caller;
  readonly parts: readonly Part[];
  readonly position: Position | undefined;
  readonly arrivedAt: Millis;
}

export interface Answer {
  readonly parts: readonly PartAnswer[];
  readonly position: Position;
}

/** A mutation, and whom to tell that its answer is on the way, and where its purge has come to. */
export interface Mutation {
  readonly commit: () => Written;
  readonly purging: () => void;
  readonly purged: (written: Written, position: Position | undefined) => void;
  readonly failed: (error: unknown) => void;
}

export interface FleetNodeOptions {
  readonly name: string;
  readonly clock: MachineClock;
  readonly random: Random;
  readonly network: Network;
  readonly origin: Origin;
  readonly ledger: Ledger;
  readonly provenance: Provenance;
  readonly limits: NodeLimits;
  readonly observer: NodeObserver;
  readonly parts: Parts;
}

/** No wait for the own node to have followed its own append is longer: as in core.ts. */
const FOLLOW_OWN_MS_MAX = 100;
const READ_TIMEOUT_MS = 50;
const PUBLIC = callerOf(undefined);

export class FleetNode {
  readonly name: string;
  readonly clock: MachineClock;
  readonly limits: NodeLimits;
  readonly wires: Readonly<Record<Role, Wire>>;
  readonly node: InvalidationNode;
  readonly log: SimulatedLog;
  readonly l1: MemoryStore;
  readonly tiers: Tiers;
  readonly readPath: ReadPath;
  readonly knowledge: Knowledge;
  readonly writeThrough: Pick<WriteThrough, 'begin' | 'stats'>;
  /** Invalidations that it took and that are not in the log as far as it knows. */
  unsettled = 0;
  /** Until then it may have missed what others were told of. */
  blindUntil: Millis;
  readonly #options: FleetNodeOptions;
  readonly #channel: SimulatedChannel;
  readonly #forgetting: Pick<Forgetting, 'forget' | 'isPending'>;
  readonly #reader: PartReader;

  constructor(options: FleetNodeOptions) {
    const { name, clock, random, network, ledger, limits, observer, parts } = options;
    this.#options = options;
    this.name = name;
    this.clock = clock;
    this.limits = limits;
    this.blindUntil = network.time.now;
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
    this.node.onGap(() => {
      this.blindUntil = network.time.now;
      observer.gap(this);
    });
    const { signal } = new AbortController();
    this.#forgetting = parts.forgetting({ log, horizon, clock, random, signal });
    this.#channel = this.#listener();
    const freshness = parts.freshness({ horizon, hearing: this, clock, maxStalenessMs });
    this.l1 = parts.store({ clock, ...limits.l1 });
    const redis = client(this.wires.cache, 1_000);
    const l2: Store = new RedisStore({ redis, clock, random, readTimeoutMs: READ_TIMEOUT_MS });
    const tiers = parts.tiers({ l1: this.l1, l2, freshness }, this.node);
    this.tiers = tiers;
    const get = tiers.get.bind(tiers);
    tiers.get = async (keys, wanted) => {
      const found = await get(keys, wanted);
      for (const [at, { id }] of keys.entries()) {
        if (found[at] !== undefined) observer.found(this, id);
      }
      return found;
    };
    const landings = parts.landings(freshness);
    const owner = { owner: name, timeoutMs: READ_TIMEOUT_MS };
    const lock = this.#observed(parts.lock({ redis, clock, random, ...owner }));
    this.readPath = parts.readPath({
      tiers, freshness: landings, horizon, clock, random, lock,
    });
    this.node.onMoved(() => this.readPath.positionMoved());
    this.node.onRecords(() => this.readPath.recordsApplied());
    this.writeThrough = parts.writeThrough({ node: this.node, tiers, clock, random });
    this.#reader = new PartReader({ ...options, node: this, readPath: this.readPath });
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
    const parts = await this.#reader.read(request, !known);
    return { parts, position: latest(began, this.position) };
  }

  /** Sends it to the origin, purges what it says that it changed, and keeps what it shows. */
  mutate({ commit, purging, purged, failed }: Mutation): void {
    const { origin, network, limits } = this.#options;
    const running = limits.strategies.writesThrough ? this.writeThrough.begin() : undefined;
    const readAt = network.time.now;
    let shownParts: readonly Part[] = [];
    origin.mutate({
      commit: () => {
        this.unsettled += 1;
        return commit();
      },
      shows: ({ covers }): readonly Reads[] => {
        shownParts = covers.flatMap(({ tag }) => entityPartOf(tag) ?? []);
        return shownParts.map(({ reads }) => (view) => reads?.(PUBLIC, view) ?? []);
      },
      answered: (written, shown) => {
        this.unsettled -= 1;
        purging();
        this.#invalidate(written.message).then((position) => {
          this.#keepShown(running, { shownParts, shown, readAt, position });
          purged(written, position);
        }, failed);
      },
    }, this.clock);
  }

  #keepShown(running: RunningMutation | undefined, { shownParts, shown, readAt, position }: {
    readonly shownParts: readonly Part[];
    readonly shown: readonly Versions[];
    readonly readAt: Millis;
    readonly position: Position | undefined;
  }): void {
    running?.store(shownParts.map((part, place) =>
      this.#reader.written(part, { caller: PUBLIC, versions: shown[place] ?? {}, readAt })),
    position);
  }

  /** Purges as a mutation does whose origin has just committed. */
  async #invalidate(message: InvalidationMessage): Promise<Position | undefined> {
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

  #observed(lock: LoadLock): LoadLock {
    const { observer } = this.#options;
    return {
      acquire: async (keys, leaseMs) => {
        const leases = await lock.acquire(keys, leaseMs);
        for (const [at, { id }] of keys.entries()) {
          if (leases[at]?.kind === 'taken') observer.lockTaken(this, id, leaseMs);
        }
        return leases;
      },
      held: (keys) => {
        for (const { id } of keys) observer.lockLooked(this, id);
        return lock.held(keys);
      },
    };
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
          if (this.#forgetting.isPending) return;
          this.blindUntil = network.time.now;
          this.knowledge.told(said);
        });
      },
    });
  }
}

/** What a mutation's answer shows of what it changed. */
function entityPartOf(tag: Tag): Part | undefined {
  const [type, id = '', ...below] = tag.split(':');
  if (below.length > 0 || id === '') return undefined;
  if (type === 'user' && tag === user(Number(id))) return userPart(Number(id));
  return type === 'post' && tag === post(Number(id)) ? postPart(Number(id)) : undefined;
}
