/**
 * How a node answers: as response-cache.ts, root-cache.ts and entity-cache.ts do it, with their
 * bounds and windows, without GraphQL; and what it has answered before as hit-path.ts does.
 */
import assert from 'node:assert/strict';
import type { Entry } from '../../src/cache/entry.ts';
import type { CacheKey } from '../../src/cache/key.ts';
import type { Fill, Load, Outcome, ReadPath } from '../../src/cache/read-path.ts';
import type { Found, Tier } from '../../src/cache/tiers.ts';
import { Exchange, type Purpose } from '../../src/gateway/caching/exchange.ts';
import {
  boundsOf, lifetimeOfWhole, lifetimeWithin, negativeTerms, useOf, type Terms,
} from '../../src/gateway/caching/lifetime.ts';
import { tellPart } from '../../src/gateway/caching/part.ts';
import type { Audience } from '../../src/gateway/caching/scope.ts';
import type { Caller } from '../../src/gateway/http/caller.ts';
import type { Millis } from '../../src/invalidation/clock.ts';
import type { Tag } from '../../src/invalidation/tag.ts';
import type { FleetNode, FleetNodeOptions, Loading, Request } from './fleet-node.ts';
import { isVersioned, type Versions } from './origin.ts';
import type { Read } from './provenance.ts';
import { audienceFor, POST, sessionOf, type Part } from './queries.ts';

/** What was served in one piece: a value of a cache, or what a load itself read. */
export interface Leaf {
  readonly part: string;
  readonly how: Outcome['how'] | 'uncached';
  readonly why: Outcome['why'];
  readonly stored: boolean;
  readonly versions: Versions;
  readonly reads: readonly Read[];
}

export interface PartAnswer {
  readonly part: Part;
  readonly how: Leaf['how'];
  readonly versions: Versions;
  readonly owner: number | null;
  readonly leaves: readonly Leaf[];
}

interface Body {
  readonly versions: Versions;
  readonly owner: number | null;
  /** In the provenance. */
  readonly number: number;
}

export interface PartReaderOptions extends FleetNodeOptions {
  readonly node: FleetNode;
  readonly readPath: ReadPath;
}

/** Parts that are read for one caller. */
interface Call {
  readonly request: Request;
  /** What the parts are told to. */
  readonly exchange: Exchange;
}

interface Wanted {
  readonly part: Part;
  readonly key: CacheKey;
  readonly audience: Audience;
}

/** What a load brought of one part. */
interface Brought {
  readonly fill: Fill;
  readonly body: Body;
  readonly leaves: readonly Leaf[];
}

export class PartReader {
  readonly #options: PartReaderOptions;
  /** How often each key was answered. */
  readonly #answered = new Map<string, number>();

  constructor(options: PartReaderOptions) {
    this.#options = options;
  }

  async read(request: Request, bypass: boolean): Promise<readonly PartAnswer[]> {
    const { caller, parts } = request;
    const exchange = this.#exchange(caller, 'answer', bypass);
    exchange.patience = this.#options.readPath.patience();
    const recognised = await Promise.all(parts.map(async (part) =>
      (bypass ? undefined : this.#recognised(part, caller))));
    const others = parts.filter((_, at) => recognised[at] === undefined);
    const read = await this.#read({ request, exchange }, others);
    const answers = new Map(read.map((answer) => [answer.part, answer]));
    return parts.map((part, at) => recognised[at] ?? answers.get(part) as PartAnswer);
  }

  /**
   * What was answered before is looked for in memory and in Redis, and nowhere else; every second
   * time, as if the request were spelled in two ways of which one is known.
   */
  async #recognised(part: Part, caller: Caller): Promise<PartAnswer | undefined> {
    const { parts: made, node, readPath, provenance } = this.#options;
    const audience = audienceFor(part, caller);
    const key = audience && made.keyOf(part, audience);
    if (key === undefined) return undefined;
    const count = this.#answered.get(key.id) ?? 0;
    this.#answered.set(key.id, count + 1);
    if (count % 2 === 0) return undefined;
    const answerOf = (entry: Entry, how: Tier): PartAnswer => {
      const { value } = entry;
      readPath.used(key, entry);
      const { versions, owner, number } = JSON.parse(value.toString()) as Body;
      const reads = provenance.of(number);
      const leaf: Leaf = { part: part.name, how, why: undefined, stored: true, versions, reads };
      return { part, how, versions, owner, leaves: [leaf] };
    };
    const entry = node.tiers.peek(key);
    if (entry !== undefined) return answerOf(entry, 'l1');
    const answerFound = (found: Found | undefined): PartAnswer | undefined =>
      (found?.verdict === 'current' ? answerOf(found.entry, found.tier) : undefined);
    return readPath.below(key, answerFound, readPath.patience());
  }

  /** What a mutation's answer shows of an entity, under the key that a read of it has. */
  written(
    part: Part,
    { caller, versions, readAt }: { caller: Caller; versions: Versions; readAt: Millis },
  ): { key: CacheKey; fill: Fill } {
    const audience = audienceFor(part, caller);
    assert(audience !== undefined, 'an entity is for everybody');
    const terms = this.#termsOf(part, versions);
    const reads = [this.#readOf(versions, terms, readAt)];
    const body = this.#bodyOf({ owner: null, versions, reads });
    const lifetime = lifetimeWithin(terms, boundsOf(audience));
    return {
      key: this.#options.parts.keyOf(part, audience),
      fill: this.#fillOf({ body, terms, audience, lifetime }),
    };
  }

  /** One answer for each part, in order: the parts of one kind together. */
  async #read(call: Call, parts: readonly Part[]): Promise<readonly PartAnswer[]> {
    const kinds = [...new Set(parts.map(({ kind }) => kind))];
    const groups = await Promise.all(kinds.map((kind) =>
      this.#readGroup(call, parts.filter((part) => part.kind === kind))));
    const answers = new Map(groups.flat().map((answer) => [answer.part, answer]));
    return parts.map((part) => answers.get(part) as PartAnswer);
  }

  async #readGroup(call: Call, parts: readonly Part[]): Promise<readonly PartAnswer[]> {
    const { parts: made, limits, clock, readPath, provenance } = this.#options;
    const { request, exchange } = call;
    const [first] = parts;
    const audience = first && audienceFor(first, request.caller);
    if (first === undefined || audience === undefined) {
      return Promise.all(parts.map((part) => this.#readUncached(call, part)));
    }
    const wanted = parts.map((part): Wanted =>
      ({ part, audience, key: made.keyOf(part, audience) }));
    const keys = wanted.map(({ key }) => key);
    const brought = new Map<string, Brought>();
    const load: Load = (missing) =>
      this.#load(missing.map((index) => wanted[index] as Wanted), { ...call, brought });
    const terms = limits.strategies.terms[first.kind];
    const outcomes = await readPath.read(keys, load, {
      bypass: exchange.behind,
      patience: exchange.patience,
      ...useOf(terms, { exchange, audience }),
      ...(exchange.purpose === 'answer' && {
        background: () => this.#reload(wanted, { request, terms }),
      }),
    });
    const now = clock.now();
    return outcomes.map((outcome, at): PartAnswer => {
      const { part, key } = wanted[at] as Wanted;
      const { how, why, value, stored } = outcome;
      const own = how === 'loaded' ? brought.get(key.id) : undefined;
      tellPart(exchange, { outcome, fill: own?.fill, now });
      const { versions, owner, number } = JSON.parse(value.toString()) as Body;
      const whole: Leaf = {
        part: part.name, how, why, stored, versions, reads: provenance.of(number),
      };
      return { part, how, versions, owner, leaves: own?.leaves ?? [whole] };
    });
  }

  async #readUncached({ request, exchange }: Call, part: Part): Promise<PartAnswer> {
    const { body, leaves } = await this.#bring(part, {
      request, exchange: this.#exchange(request.caller, exchange.purpose, exchange.behind),
    });
    const { versions, owner } = body;
    return { part, how: 'uncached', versions, owner, leaves };
  }

  /** Off the path of the request, which may be over. */
  #reload(
    wanted: readonly Wanted[],
    { request: { caller, parts, position }, terms }: { request: Request; terms: Terms },
  ): Load {
    const { network, parts: made } = this.#options;
    const load: Load = (missing) => {
      const request = { caller, parts, position, arrivedAt: network.time.now };
      const exchange = this.#exchange(caller, 'reload', false);
      exchange.loadsEarly = terms.strategy.earlyExpiry > 0;
      const call = { request, exchange, brought: new Map<string, Brought>() };
      return this.#load(missing.map((index) => wanted[index] as Wanted), call);
    };
    return made.reload(load, wanted.map(({ key }) => key.id));
  }

  async #load(
    missing: readonly Wanted[],
    { request, exchange, brought }: Call & { brought: Map<string, Brought> },
  ): Promise<readonly Fill[]> {
    const { observer, network, node, parts: made } = this.#options;
    const keys = missing.map(({ key }) => key.id);
    const bypass = exchange.behind;
    const load: Loading = { node, keys, beganAt: network.time.now, request, bypass };
    const uncacheable = new Set<string>();
    observer.loading(load);
    try {
      const fills = await Promise.all(missing.map(async ({ part, key, audience }) => {
        const inner = this.#exchange(request.caller, exchange.purpose, bypass);
        inner.loadsEarly = exchange.loadsEarly;
        inner.patience = exchange.patience;
        const one = await this.#bring(part, { request, exchange: inner }, audience);
        const fill = made.keep(one.fill, key.id);
        brought.set(key.id, { ...one, fill });
        if (fill.ttlMs <= 0) uncacheable.add(key.id);
        return fill;
      }));
      observer.loaded(load, { uncacheable });
      return fills;
    } catch (error) {
      observer.loaded(load, { uncacheable, error });
      throw error;
    }
  }

  /** Reads what the part is made of, and, for itself, the origin. */
  async #bring(part: Part, call: Call, audience?: Audience): Promise<Brought> {
    const { origin, clock, network } = this.#options;
    const { caller } = call.request;
    const { reads } = part;
    const readAt = network.time.now;
    const beganAt = clock.now();
    const [inner, own] = await Promise.all([
      part.parts === undefined ? [] : this.#read(call, part.parts),
      reads === undefined ? {} : origin.read((view) => reads(caller, view), clock),
    ]);
    const terms = this.#termsOf(part, own);
    const leaf: Leaf = {
      part: part.name, how: audience === undefined ? 'uncached' : 'loaded', why: undefined,
      stored: false, versions: own, reads: [this.#readOf(own, terms, readAt)],
    };
    const leaves = [leaf, ...inner.flatMap((answer) => answer.leaves)];
    const owner = part.scope === 'PRIVATE' ? sessionOf(caller) ?? null : null;
    const versions: Record<string, number> = { ...own };
    for (const answer of inner) {
      // The older of two reads of one thing decides what the whole is.
      for (const [tag, version] of Object.entries(answer.versions)) {
        versions[tag] = Math.min(version, versions[tag] ?? version);
      }
    }
    const body = this.#bodyOf({ owner, versions, reads: leaves.flatMap((one) => one.reads) });
    if (audience === undefined) return { body, leaves, fill: NOTHING };
    if (part.parts === undefined) {
      const lifetime = lifetimeWithin(terms, boundsOf(audience));
      return { body, leaves, fill: this.#fillOf({ body, terms, audience, lifetime }) };
    }
    const { parts } = call.exchange;
    const lifetime = lifetimeOfWhole(terms, { parts, audience, beganAt });
    const fill = this.#fillOf({ body, terms, audience, lifetime });
    const { unstorable, isPutOff } = parts;
    const { ttlMs } = lifetime;
    return {
      body,
      leaves,
      fill: {
        ...fill,
        tags: [...new Set([...fill.tags, ...parts.tags])],
        versions: new Map([...parts.versions, ...this.#versionsOf(own)]),
        ttlMs: unstorable === undefined ? ttlMs : isPutOff ? Math.max(1, ttlMs) : 0,
        shareable: unstorable === undefined && ttlMs > 0,
      },
    };
  }

  #fillOf({ body, terms, audience, lifetime }: {
    body: Body;
    terms: Terms;
    audience: Audience;
    lifetime: Omit<Fill, 'value' | 'tags' | 'shareable'>;
  }): Fill {
    const tags = [...new Set([...Object.keys(body.versions) as Tag[], ...audience.tags])];
    return {
      ...lifetime,
      value: Buffer.from(JSON.stringify(body)),
      tags,
      versions: this.#versionsOf(body.versions),
      settleMs: Math.max(terms.strategy.settleMs, lifetime.settleMs ?? 0),
      shareable: lifetime.ttlMs > 0,
    };
  }

  #versionsOf(versions: Versions): ReadonlyMap<Tag, number> {
    const { replica } = this.#options.limits.strategies;
    if (replica?.guard !== 'versions') return new Map();
    return new Map((Object.entries(versions) as [Tag, number][]).filter(([tag]) =>
      isVersioned(tag)));
  }

  /** Of a post that is not there, what is declared of nulls. */
  #termsOf(part: Part, versions: Versions): Terms {
    const terms = this.#options.limits.strategies.terms[part.kind];
    return part.kind === 'post' && POST in versions ? negativeTerms(terms) : terms;
  }

  #readOf(versions: Versions, terms: Terms, at: Millis): Read {
    const { blindUntil } = this.#options.node;
    return { at, tags: Object.keys(versions) as Tag[], terms, blindUntil };
  }

  #bodyOf({ reads, ...body }: Omit<Body, 'number'> & { reads: readonly Read[] }): Body {
    return { ...body, number: this.#options.provenance.note(reads) };
  }

  #exchange(caller: Caller, purpose: Purpose, bypass: boolean): Exchange {
    const exchange = new Exchange(caller, this.#options.node.position, purpose);
    exchange.behind = bypass;
    return exchange;
  }
}

const NOTHING: Fill = { value: Buffer.alloc(0), tags: [], ttlMs: 0, shareable: false };
