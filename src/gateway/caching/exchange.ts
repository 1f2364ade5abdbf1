/**
 * One request on its way through the gateway: who asks, what they may be answered from, and what
 * was learnt while it was answered. Found in the GraphQL context as `exchange`.
 */
import assert from 'node:assert/strict';
import type { GraphQLSchema } from 'graphql';
import type { Patience } from '../../cache/patience.ts';
import type { Millis } from '../../invalidation/clock.ts';
import { latest, type Position } from '../../invalidation/position.ts';
import type { Tag } from '../../invalidation/tag.ts';
import type { OperationIdentity } from '../diagnostics.ts';
import type { Answer } from './answer.ts';
import type { Caller } from '../http/caller.ts';
import { leastOf, type Bounds } from './lifetime.ts';
import type { Renewal } from './renewal.ts';
import type { Audience } from './scope.ts';

/**
 * What the parts of a response say of the whole: it carries all their tags and may be kept no
 * longer than the first of them.
 */
export class Parts {
  readonly tags = new Set<Tag>();
  /** Of what was read from an origin: what is found in a cache was compared when it was stored. */
  readonly versions = new Map<Tag, number>();
  bounds: Bounds = UNBOUNDED;
  settleMs: Millis = 0;
  /** When the first of them was read. */
  readAt = Number.POSITIVE_INFINITY;
  /** Why the whole must not be kept: an error, a cookie, too many tags. */
  unstorable: string | undefined;
  /** One of them is declared PRIVATE, whatever is declared of the whole. */
  isPrivate = false;
  /** What stands in the way of keeping the whole will pass. */
  isPutOff = false;
  /** How many of them no origin was asked for. */
  found = 0;
  readonly #failures = new Set<'outage' | 'stated'>();

  add({ tags, bounds, readAt = this.readAt, versions, settleMs = 0 }: Part): void {
    for (const tag of tags) this.tags.add(tag);
    for (const [tag, version] of versions ?? []) {
      this.versions.set(tag, Math.min(version, this.versions.get(tag) ?? version));
    }
    this.bounds = leastOf(this.bounds, bounds);
    this.settleMs = Math.max(this.settleMs, settleMs);
    this.readAt = Math.min(this.readAt, readAt);
  }

  /** A part could not be loaded: its origin failed, or stated an error. */
  fail(kind: 'outage' | 'stated'): void {
    this.#failures.add(kind);
    this.refuse('error');
  }

  /** Whatever is missing, no origin said that it should be. */
  get failedByOutage(): boolean {
    return this.#failures.has('outage') && !this.#failures.has('stated');
  }

  refuse(reason: string): void {
    this.unstorable ??= reason;
    this.isPutOff = false;
  }

  /** The next one who asks may get a whole that can be kept. */
  putOff(reason: string): void {
    this.isPutOff ||= this.unstorable === undefined;
    this.unstorable ??= reason;
  }
}

interface Part {
  readonly tags: Iterable<Tag>;
  readonly bounds: Bounds;
  /** Default: for this request, since it began. */
  readonly readAt?: Millis;
  readonly versions?: ReadonlyMap<Tag, number>;
  readonly settleMs?: Millis;
}

const UNBOUNDED: Bounds = {
  ttlMs: Number.POSITIVE_INFINITY,
  revalidateMs: Number.POSITIVE_INFINITY,
  errorMs: Number.POSITIVE_INFINITY,
  slideMs: Number.POSITIVE_INFINITY,
};

/**
 * What it is executed for: a request that waits; keeping what was loaded anew; or comparing, past
 * all caches, what was served.
 */
export type Purpose = 'answer' | 'reload' | 'audit';

/** Makes another exchange for the same caller, with the context that it is executed in. */
export type Again = (purpose: Exclude<Purpose, 'answer'>) => Promise<CachedContext>;

export class Exchange {
  readonly caller: Caller;
  readonly purpose: Purpose;
  readonly parts = new Parts();
  /** This node has not heard of all that the client has seen: nothing is read from the cache. */
  behind = false;
  /** A mutation is being answered: nothing in it is read from the cache. */
  mutating = false;
  /** Chance has had its answer audited already. */
  chosen = false;
  /** What L2 was asked for and has nothing of, by its id: it need not be asked again. */
  absentBelow: string | undefined;
  /** What it has left to wait for L2. */
  patience: Patience | undefined;
  /** A subscription is being answered, for as long as it lasts: nothing is gathered about it. */
  streaming = false;
  /** What it reloads, it does before it has to: its parts likewise. */
  loadsEarly = false;
  /** Makes contexts anew. Default: nothing is executed in the background. */
  renewal: Renewal | undefined;
  #schema: GraphQLSchema | undefined;
  /** How it was answered, once it is. */
  answer: Answer | undefined;
  /** What it executes, once that is known. */
  operation: OperationIdentity | undefined;
  /** Whether its answer holds errors, and whether these are all that it holds. */
  failure: 'error' | 'refused' | undefined;
  /** Fetches from subgraphs that were made for it. */
  subgraphCalls = 0;
  #position: Position;
  readonly #drops: (() => void)[] = [];

  constructor(caller: Caller, position: Position, purpose: Purpose = 'answer') {
    this.caller = caller;
    this.purpose = purpose;
    this.#position = position;
  }

  /** That the operation was validated against. */
  get schema(): GraphQLSchema {
    assert(this.#schema !== undefined, 'an exchange has a schema while it is executed');
    return this.#schema;
  }

  executedUnder(schema: GraphQLSchema): void {
    this.#schema = schema;
  }

  /** The least position that the answer must name: the caller's own writes are below it. */
  get position(): Position {
    return this.#position;
  }

  /** An invalidation of this request's own is in the log there (nowhere yet: `undefined`). */
  wrote(position: Position | undefined): void {
    if (position !== undefined) this.#position = latest(this.#position, position);
  }

  /**
   * How to execute in the background what this one is of, with `context`; undefined where that may
   * not be done for the audience. It may be kept: it does not hold what was gathered here.
   */
  again(context: object, audience: Audience): Again | undefined {
    const { caller, schema } = this;
    const position = this.#position;
    if (this.purpose !== 'answer') return undefined;
    const renew = this.renewal?.renewerOf(context, audience);
    return renew && ((purpose) => {
      const exchange = new Exchange(caller, position, purpose);
      exchange.executedUnder(schema);
      return renew(exchange);
    });
  }

  /** `drop` lets go of parts that go into this response. */
  onBroken(drop: () => void): void {
    if (!this.streaming) this.#drops.push(drop);
  }

  /** No answer can be made of the parts: they are not kept, or all who ask would be refused. */
  break(): void {
    for (const drop of this.#drops.splice(0)) drop();
  }
}

/** The GraphQL context, as far as the cache looks into it. */
export interface CachedContext {
  readonly exchange: Exchange;
}
