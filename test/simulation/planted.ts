/**
 * Faults that somebody might make in the code: each is the real thing with one promise taken out,
 * put in its place by hand. That the checkers find every one of them shows that they look.
 */
import {
  Freshness, type Evidence, type FillVerdict, type FreshnessOptions, type Verdict,
} from '../../src/cache/freshness.ts';
import type { Entry } from '../../src/cache/entry.ts';
import type { LoadLock } from '../../src/cache/load-lock.ts';
import { responseKey, type CacheKey } from '../../src/cache/key.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import { ReadPath, type Fill, type Load } from '../../src/cache/read-path.ts';
import { RedisLoadLock } from '../../src/cache/redis-load-lock.ts';
import { Tiers, type Found, type Results, type TiersOptions } from '../../src/cache/tiers.ts';
import { WriteThrough, type RunningMutation } from '../../src/cache/write-through.ts';
import { entryOf } from '../../src/cache/fill.ts';
import { pause, type Clock } from '../../src/invalidation/clock.ts';
import type { AppendOptions, Log, LogEvent } from '../../src/invalidation/log.ts';
import { linkOf } from '../../src/invalidation/log-link.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import {
  latest, ORIGIN, parsePosition, positionOf, successor, type Position,
} from '../../src/invalidation/position.ts';
import type { Purge } from '../../src/invalidation/purge.ts';
import type { RedisClient } from '../../src/invalidation/redis.ts';
import type { CheckerName } from './checkers/all.ts';
import { FAULT_NAMES, type FaultName } from './faults.ts';
import type { Parts } from './fleet-node.ts';
import { OriginError } from './origin.ts';
import type { Plan } from './plan.ts';
import { plainStrategies } from './strategies.ts';

export interface Planted {
  readonly parts: Partial<Parts>;
  /** Who may be the first to find it. */
  readonly foundBy: readonly CheckerName[];
  /** A seed that finds it; others do as well. */
  readonly seed: number;
  /** Where the swarm is sent: what needs several faults of one node at once is rare otherwise. */
  readonly plan?: (plan: Plan) => Plan;
}

/** The plan with no other faults. */
export function only(plan: Plan, faults: readonly FaultName[]): Plan {
  const weights = FAULT_NAMES.map((name) => [name, faults.includes(name) ? 1 : 0]);
  return { ...plan, faults: Object.fromEntries(weights) as Plan['faults'] };
}

/** One of each kind, asked for all the time, and few kinds of faults, of long duration. */
function aimed(
  faults: readonly FaultName[],
  limits: Partial<Plan['limits']>,
): (plan: Plan) => Plan {
  return (plan) => ({
    ...only(plan, faults),
    nodes: 3, users: 1, posts: 1,
    readEveryMs: 4, writeEveryMs: 80, faultEveryMs: 500, faultMsMax: 6_000,
    victimShare: 0.8, roamShare: 1, publishDelayMsMax: 20, readMsMax: 10, latencyMsMax: 5,
    limits: {
      ...plan.limits,
      strategies: plainStrategies(8_000),
      log: { recordsMax: 1_000_000, retentionMs: 9_000, duplicates: 0 },
      l1: { bytesMax: 2 ** 24, entriesMax: 1_000 },
      outboxRecordsMax: 10_000,
      ...limits,
    },
  });
}

/** The rule, asked in another way. */
function ruling(judge: (entry: Entry, rule: (entry: Entry) => Verdict) => Verdict): Partial<Parts> {
  return {
    freshness: (options) => {
      class Misruling extends Freshness {
        override judge(entry: Entry): Verdict {
          return judge(entry, (one) => super.judge(one));
        }
      }
      return new Misruling(options);
    },
  };
}

/** A log of which something is kept back. */
class Doctored implements Log {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  append(message: InvalidationMessage, options?: AppendOptions): Promise<Position> {
    return this.#log.append(message, options);
  }

  follow(options: { from?: Position; signal: AbortSignal }): AsyncIterable<LogEvent> {
    return this.#log.follow(options);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

class GapsUntold extends Doctored {
  override async *follow(
    options: { from?: Position; signal: AbortSignal },
  ): AsyncGenerator<LogEvent> {
    let isFirst = true;
    for await (const event of super.follow(options)) {
      if (event.kind !== 'gap' || isFirst) yield event;
      else yield { kind: 'records', records: [], caughtUp: false };
      isFirst = false;
    }
  }
}

/** What cannot be appended at once is forgotten. */
class Careless extends Doctored {
  override async append(message: InvalidationMessage, options?: AppendOptions): Promise<Position> {
    try {
      return await super.append(message, options);
    } catch {
      return ORIGIN;
    }
  }
}

class StampedAtEnd extends Tiers {
  readonly #position: () => Position;

  constructor(options: TiersOptions, position: () => Position) {
    super(options);
    this.#position = position;
  }

  override set(...[key, entry, evidence]: Parameters<Tiers['set']>): FillVerdict {
    const stamp = this.#position();
    return super.set(key, { ...entry, stamp, verifiedAt: stamp }, evidence);
  }
}

/** Whatever comes out of the second tier is served. */
class TrustingTiers extends Tiers {
  readonly #l2: TiersOptions['l2'];

  constructor(options: TiersOptions) {
    super(options);
    this.#l2 = options.l2;
  }

  override async get(...[keys]: Parameters<Tiers['get']>): Promise<Results> {
    const below = await this.#l2?.get(keys) ?? [];
    return keys.map((key, at) => {
      const entry = this.peek(key);
      if (entry !== undefined) return { entry, tier: 'l1', verdict: 'current' };
      const found = below[at];
      return found && { entry: found, tier: 'l2', verdict: 'current' };
    });
  }
}

/** Whatever comes out of the second tier alone is served. */
class TrustingBelow extends Tiers {
  readonly #l2: TiersOptions['l2'];

  constructor(options: TiersOptions) {
    super(options);
    this.#l2 = options.l2;
  }

  override below<T>(
    key: CacheKey,
    use: (found: Found | undefined) => T,
  ): Promise<T> | undefined {
    const reading = Promise.resolve(this.#l2?.get([key]));
    return reading.then((entries) => {
      const entry = entries?.[0];
      return use(entry && { entry, tier: 'l2', verdict: 'current' });
    });
  }
}

/** Each record that is read names the one before it that the reader expects. */
function withoutLinks(client: RedisClient, links: Map<string, string>): RedisClient {
  const call = client.call.bind(client) as (...args: unknown[]) => Promise<unknown>;
  const doctored = async (...args: unknown[]): Promise<unknown> => {
    const reply = await call(...args);
    if (args[0] === 'xrange') {
      for (const [, [, , , , , previous]] of reply as RawEntries) {
        if (previous) links.set(previous.split('/')[0] as string, previous);
      }
    } else if (args[0] === 'xread' && reply !== null) {
      let previous = links.get(args[7] as string);
      for (const [id, fields] of (reply as [[string, RawEntries]])[0][1]) {
        if (previous !== undefined) fields[5] = previous;
        previous = linkOf(parsePosition(id) as Position, fields[3] as string);
        links.set(id, previous);
      }
    } else if (Array.isArray(reply) && reply.length === 4) {
      links.set(reply[1] as string, reply[3] as string);
    }
    return reply;
  };
  return Object.assign(client, { call: doctored });
}

/** What was learnt on one connection is known on the next. */
const LINKS = new WeakMap<object, Map<string, string>>();

function linksOf(wire: object): Map<string, string> {
  const links = LINKS.get(wire) ?? new Map<string, string>();
  LINKS.set(wire, links);
  return links;
}

type RawEntries = [id: string, fields: string[]][];

/** A node that cannot append, and has no room for what it owes the log. */
export const FULL_OUTBOX = aimed(
  ['node refused', 'events held', 'answers lost'], { maxStalenessMs: 5_000, outboxRecordsMax: 1 });

function isWindowed({ staleWhileRevalidateMs, staleIfErrorMs }: Entry): boolean {
  return staleWhileRevalidateMs > 0 || staleIfErrorMs > 0;
}

function isStretched({ staleWhileRevalidateMs = 0 }: Fill): boolean {
  return staleWhileRevalidateMs > 0;
}

const LONG_WINDOWS = { staleWhileRevalidateMs: 60_000 };

/** Little else than outages, of things that may outlive one. */
function outages(plan: Plan): Plan {
  const { strategies } = plan.limits;
  const terms = Object.entries(strategies.terms).map(([kind, { strategy }]) => [kind, {
    ttlMs: 100, strategy: { ...strategy, staleIfErrorMs: 5_000, staleWhileRevalidateMs: 0 },
  }]);
  return {
    ...only(plan, ['origin out', 'origin slow']),
    faultMsMax: 8_000, faultEveryMs: 500, writeEveryMs: 100,
    limits: {
      ...plan.limits,
      strategies: {
        ...strategies,
        terms: Object.fromEntries(terms) as typeof strategies.terms,
        softShare: 0,
        replica: undefined,
      },
    },
  };
}

/** Of what an origin shows, something is not looked at. */
class Credulous extends Freshness {
  readonly #without: Partial<Evidence>;

  constructor(options: FreshnessOptions, without: Partial<Evidence>) {
    super(options);
    this.#without = without;
  }

  override judgeFill(entry: Entry, evidence: Evidence): FillVerdict {
    return super.judgeFill(entry, { ...evidence, ...this.#without });
  }
}

/** Stamps with where the node stands at the end, whatever was purged meanwhile. */
class Rash extends WriteThrough {
  readonly #options: ConstructorParameters<typeof WriteThrough>[0];

  constructor(options: ConstructorParameters<typeof WriteThrough>[0]) {
    super(options);
    this.#options = options;
  }

  override begin(): RunningMutation {
    const running = super.begin();
    const { node, tiers, clock, random } = this.#options;
    const beganAt = clock.now();
    const { position: stamp } = node.horizon;
    running.store = (written) => {
      running.end();
      for (const { key, fill } of written) {
        if (fill.ttlMs <= 0) continue;
        const at = latest(stamp, node.horizon.position);
        tiers.set(key, entryOf(fill, { stamp: at, beganAt, loadMs: 1 }, random));
      }
      return written.length;
    };
    return running;
  }
}

/** Every failure of a load looks like an outage. */
function asOutage(load: Load): Load {
  return async (missing) => {
    try {
      return await load(missing);
    } catch {
      throw new OriginError(true);
    }
  };
}

/** What was loaded last under each key, by anybody. */
const LOADED = new Map<string, Fill>();

function remembered(fill: Fill, id: string): Fill {
  LOADED.set(id, fill);
  return fill;
}

function asBefore(load: Load, ids: readonly string[]): Load {
  const before = ids.map((id) => LOADED.get(id));
  return async (missing) => (await load(missing)).map((fill, at) =>
    before[missing[at] as number] ?? fill);
}

const FOR_EVER_MS = 1_000_000;

/** Asks for a lock until it gets it. */
function patient(lock: LoadLock, clock: Clock): LoadLock {
  return {
    held: (keys) => lock.held(keys),
    acquire: async (keys) => {
      for (;;) {
        const leases = await lock.acquire(keys, FOR_EVER_MS);
        if (leases.every(({ kind }) => kind === 'held')) return leases;
        for (const lease of leases) if (lease.kind === 'held') lease.release();
        await pause(clock, 20);
      }
    },
  };
}

/** Owners of locks die while they load. */
function locked(plan: Plan): Plan {
  const { strategies } = plan.limits;
  const terms = Object.entries(strategies.terms).map(([kind, { ttlMs, strategy }]) =>
    [kind, { ttlMs, strategy: { ...strategy, lockMs: 400 } }]);
  return {
    ...only(plan, ['process killed', 'origin slow']),
    faultEveryMs: 400,
    limits: {
      ...plan.limits,
      strategies: {
        ...strategies, terms: Object.fromEntries(terms) as typeof strategies.terms,
      },
    },
  };
}

export const PLANTED = {
  'a read is stamped at its end': {
    parts: {
      tiers: (options, node) => new StampedAtEnd(options, () => node.position),
    },
    foundBy: ['fresh', 'read your writes'],
    seed: 0,
  },
  'what lands is not checked for those who waited': {
    parts: {
      landings: () => ({
        isCurrent: () => true, judge: () => 'current', positionMoved: () => undefined,
      }) as unknown as Freshness,
    },
    foundBy: ['fresh', 'read your writes'],
    seed: 25,
  },
  'the floor is forgotten': {
    parts: {
      node: ({ horizon }) => {
        horizon.forget = (end) => horizon.advance(latest(end, successor(horizon.position)), []);
      },
    },
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 4,
  },
  'a gap is ignored': {
    parts: { log: (log) => new GapsUntold(log) },
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 26,
  },
  'links of records are not looked at': {
    parts: { client: (wire, timeoutMs) => withoutLinks(wire.client(timeoutMs), linksOf(wire)) },
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 21,
    plan: (plan) => ({
      ...only(plan, ['log trimmed', 'node refused', 'records deleted']),
      users: 4, posts: 4, writeEveryMs: 200, faultEveryMs: 400, victimShare: 0.8,
    }),
  },
  'the second tier is not judged': {
    parts: { tiers: (options) => new TrustingTiers(options) },
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 0,
  },
  'what is read of the second tier alone is not judged': {
    parts: { tiers: (options) => new TrustingBelow(options) },
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 0,
  },
  'an entry is marked as verified before it is judged': {
    parts: ruling((entry, rule) => {
      const later = positionOf(Number(entry.verifiedAt.slice(0, 15)) + 500, 0);
      if (entry.verifiedAt !== entry.stamp) return rule(entry);
      entry.verifiedAt = later;
      return rule(entry);
    }),
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 0,
  },
  'a purge that is under way is marked and not held': {
    parts: {
      node: ({ horizon }) => {
        horizon.hold = () => () => undefined;
      },
    },
    foundBy: ['fresh', 'read your writes'],
    seed: 15,
    plan: aimed(['node refused', 'events held', 'answers lost'], { maxStalenessMs: 5_000 }),
  },
  'what was widened in a full outbox is not held': {
    parts: {
      node: ({ horizon }) => {
        const hold = horizon.hold.bind(horizon);
        const isWide = ({ kind }: Purge): boolean => kind === 'below' || kind === 'all';
        horizon.hold = (purges) => (purges.some(isWide) ? () => undefined : hold(purges));
      },
    },
    foundBy: ['fresh', 'read your writes'],
    seed: 50,
    plan: FULL_OUTBOX,
  },
  'the bound on staleness is ignored': {
    parts: {
      freshness: (options) => new Freshness({ ...options, maxStalenessMs: Infinity }),
    },
    foundBy: ['fresh'],
    seed: 79,
  },
  'a node always believes that it hears': {
    parts: {
      freshness: (options) => new Freshness({ ...options, hearing: { hears: () => true } }),
    },
    foundBy: ['fresh'],
    seed: 79,
  },
  'a response is as young as its own read': {
    parts: {
      keep: (fill) => ({ ...fill, readAt: Number.POSITIVE_INFINITY }),
    },
    foundBy: ['fresh'],
    seed: 1,
    plan: aimed(['node refused'], { maxStalenessMs: 1_100, strategies: plainStrategies(3_000) }),
  },
  'the scope is left out of the key': {
    parts: { keyOf: ({ name }) => responseKey([name]) },
    foundBy: ['private'],
    seed: 0,
  },
  'everybody loads alone': {
    parts: { readPath: (options) => new ReadPath({ ...options, flightsMax: 0 }) },
    foundBy: ['one load'],
    seed: 0,
  },
  'a client that has seen more is not waited for': {
    parts: { waitsForPosition: false },
    foundBy: ['read your writes'],
    seed: 0,
    plan: (plan) => ({
      ...aimed(['events held'], { maxStalenessMs: 5_000 })(plan),
      positionShare: 1, routes: { publisher: 0, foreign: 0, mutation: 1 },
    }),
  },
  'a mutation is answered before it purges': {
    parts: { purgeLaterMs: 20 },
    foundBy: ['read your writes'],
    seed: 13,
  },
  'what cannot be appended is dropped': {
    parts: { log: (log) => new Careless(log) },
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 40,
  },
  'a node that was deaf on the channel forgets nothing': {
    parts: { forgetting: () => ({ forget: () => Promise.resolve(), isPending: false }) },
    foundBy: ['fresh', 'converges'],
    seed: 10,
  },
  'the first tier has no limit': {
    parts: { store: ({ clock }) => new MemoryStore({ clock }) },
    foundBy: ['bounded'],
    seed: 2,
  },
  'a stale window goes on past a hard purge': {
    parts: ruling((entry, rule) => {
      const verdict = rule(entry);
      return verdict === 'invalidated' && isWindowed(entry) ? 'expired' : verdict;
    }),
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 0,
  },
  'an outage lets serve what was purged': {
    parts: ruling((entry, rule) => {
      const verdict = rule(entry);
      return verdict === 'invalidated' && entry.staleIfErrorMs > 0 ? 'expired' : verdict;
    }),
    foundBy: ['fresh', 'read your writes'],
    seed: 0,
    plan: outages,
  },
  'a soft purge is none': {
    parts: {
      node: ({ horizon }) => {
        horizon.softenedSince = () => false;
      },
    },
    foundBy: ['fresh', 'converges'],
    seed: 0,
  },
  'a mutation stores what it shows and looks at nothing else': {
    parts: {
      writeThrough: (options) => new Rash(options),
    },
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 13,
  },
  'versions are not looked at': {
    parts: { freshness: (options) => new Credulous(options, { versions: new Map() }) },
    foundBy: ['fresh', 'read your writes'],
    seed: 14,
  },
  'settle times are not waited for': {
    parts: { freshness: (options) => new Credulous(options, { settleMs: 0 }) },
    foundBy: ['fresh', 'read your writes', 'converges'],
    seed: 4,
  },
  'a TTL slides without an end': {
    parts: {
      freshness: (options) => new (class extends Freshness {
        override renew(entry: Entry): void {
          if (entry.slideUntil > entry.readAt + entry.ttlMs) {
            entry.staleAt = options.clock.now() + entry.ttlMs;
          }
        }
      })(options),
    },
    foundBy: ['windows'],
    seed: 0,
  },
  'a stale window has no end': {
    parts: {
      keep: (fill) => ({ ...fill, ...(isStretched(fill) && LONG_WINDOWS) }),
    },
    foundBy: ['windows', 'fresh', 'converges'],
    seed: 0,
  },
  'what is stale is served for errors that the origin states': {
    parts: {
      readPath: (options) => new (class extends ReadPath {
        override read(...[keys, load, use]: Parameters<ReadPath['read']>) {
          return super.read(keys, asOutage(load), use);
        }
      })(options),
    },
    foundBy: ['windows'],
    seed: 2,
    plan: (plan) => ({ ...only(plan, ['origin fails', 'network slow']), faultMsMax: 8_000 }),
  },
  'a settle time does not count from where a node began to listen': {
    parts: {
      node: ({ horizon }) => {
        horizon.silentSince = () => false;
      },
    },
    foundBy: ['fresh', 'converges'],
    // Nobody had heard of a change, and one node kept what a replica showed for another.
    seed: 732,
  },
  'a reload brings what was read before': {
    parts: { keep: (fill, id) => remembered(fill, id), reload: (load, ids) => asBefore(load, ids) },
    foundBy: ['fresh', 'read your writes', 'converges', 'windows'],
    seed: 0,
  },
  'a reload loads twice': {
    parts: {
      reload: (load) => async (missing) => (await Promise.all([load(missing), load(missing)]))[0],
    },
    foundBy: ['one load'],
    seed: 0,
  },
  'a lock is released by who lost it': {
    parts: {
      lock: (options) => {
        const { redis } = options;
        const release = (name: string): Promise<number> => redis.unlink(name);
        return new RedisLoadLock({ ...options, redis: Object.assign(redis, {
          freshetRelease: release,
        }) });
      },
    },
    foundBy: ['one lock'],
    seed: 0,
  },
  'a lock has no lease, and is waited for until it is free': {
    parts: { lock: (options) => patient(new RedisLoadLock(options), options.clock) },
    foundBy: ['no failure', 'converges'],
    seed: 0,
    plan: locked,
  },
} as const satisfies Record<string, Planted>;
