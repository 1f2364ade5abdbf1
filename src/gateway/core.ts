/**
 * Composition root of what every face of the cache stands on: one node on the log, and the read
 * path over its tiers.
 */
import { randomUUID } from 'node:crypto';
import { CachingSwitch } from '../cache/caching-switch.ts';
import { Freshness } from '../cache/freshness.ts';
import { Inspector } from '../cache/inspector.ts';
import { MemoryStore } from '../cache/memory-store.ts';
import type { ReadPath } from '../cache/read-path.ts';
import { RedisInspection } from '../cache/redis-inspection.ts';
import { RedisLoadLock } from '../cache/redis-load-lock.ts';
import { READ_COMMANDS } from '../cache/redis-scripts.ts';
import { RedisStore } from '../cache/redis-store.ts';
import { Tiers } from '../cache/tiers.ts';
import { TracedReadPath } from '../cache/traced-read-path.ts';
import { WriteThrough } from '../cache/write-through.ts';
import type { Clock, Millis, Random } from '../invalidation/clock.ts';
import { FreshetError } from '../invalidation/errors.ts';
import type { InvalidationMessage, Metadata } from '../invalidation/message.ts';
import { MessageMaker } from '../invalidation/message-maker.ts';
import type { InvalidateOptions, InvalidationNode } from '../invalidation/node.ts';
import { patternText } from '../invalidation/pattern.ts';
import type { Position } from '../invalidation/position.ts';
import type { Purge } from '../invalidation/purge.ts';
import { APPEND_MS_MAX, connectRedis, type RedisOptions } from '../invalidation/redis.ts';
import type { Tag } from '../invalidation/tag.ts';
import type { Invalidate } from './caching/invalidate.ts';

export interface CoreOptions {
  /** On the log already, and not yet started. It belongs to the core from here on. */
  readonly node: InvalidationNode;
  readonly clock: Clock;
  readonly random: Random;
  readonly redis: RedisTierOptions | undefined;
  /** No caller of `invalidate` or `publish` waits longer for the log. Default 250 ms. */
  readonly appendTimeoutMs?: Millis | undefined;
  readonly l1: { readonly bytesMax: number; readonly entriesMax: number };
  readonly maxStalenessMs: Millis;
  /** Named as `source_service` in the messages of this node. */
  readonly source: string;
}

export interface RedisTierOptions {
  readonly connection: RedisOptions;
  readonly keyPrefix: string;
  readonly readTimeoutMs: Millis;
}

/** No wait for the own node to have followed its own append is longer. */
const FOLLOW_OWN_MS_MAX = 100;

export class Core {
  readonly node: InvalidationNode;
  readonly clock: Clock;
  readonly l1: MemoryStore;
  readonly l2: RedisStore | undefined;
  readonly tiers: Tiers;
  readonly readPath: ReadPath;
  readonly inspector: Inspector;
  readonly writeThrough: WriteThrough;
  readonly caching = new CachingSwitch();
  readonly #maker: MessageMaker;
  readonly #appendMsMax: Millis;
  readonly #disconnect: () => void;

  constructor(options: CoreOptions) {
    const { node, clock, random, redis, l1, maxStalenessMs, source } = options;
    this.#appendMsMax = options.appendTimeoutMs ?? APPEND_MS_MAX;
    const { horizon } = node;
    this.node = node;
    this.clock = clock;
    this.#maker = new MessageMaker({ sourceService: source, clock, newId: () => randomUUID() });
    const { caching } = this;
    const freshness = new Freshness({ horizon, hearing: node, clock, maxStalenessMs, caching });
    this.l1 = new MemoryStore({ clock, ...l1 });
    const pipelining = { autoPipelining: true, unpipelined: READ_COMMANDS };
    const naming = { name: 'freshet-cache', ...pipelining, random };
    const client = redis && connectRedis(redis.connection, naming);
    this.l2 = redis && client && new RedisStore({
      redis: client, clock, random, prefix: redis.keyPrefix, readTimeoutMs: redis.readTimeoutMs,
    });
    this.#disconnect = () => client?.disconnect();
    this.tiers = new Tiers({ l1: this.l1, l2: this.l2, freshness });
    const inspected = redis && client && new RedisInspection({
      redis: client, clock, random, prefix: redis.keyPrefix, readTimeoutMs: redis.readTimeoutMs,
    });
    this.inspector = new Inspector({ l1: this.l1, l2: inspected, freshness, clock });
    const lock = redis && client && new RedisLoadLock({
      redis: client, clock, random, prefix: redis.keyPrefix, timeoutMs: redis.readTimeoutMs,
      owner: randomUUID(),
    });
    this.readPath = new TracedReadPath({
      tiers: this.tiers, freshness, horizon, clock, random, lock,
      patienceMs: redis?.readTimeoutMs,
    });
    node.onMoved(() => this.readPath.positionMoved());
    node.onRecords((records) => {
      caching.follow(records);
      this.readPath.recordsApplied();
    });
    this.writeThrough = new WriteThrough({ node, tiers: this.tiers, clock, random });
  }

  start(): Promise<void> {
    return this.node.start();
  }

  /** The door of mutations to the log. */
  readonly invalidate: Invalidate = async (purges, reason) => {
    if (purges.length === 0) return undefined;
    const keys = purges.flatMap((purge) => (purge.kind === 'tag' ? [purge.tag] : []));
    const cascade = purges.flatMap((purge) => (purge.kind === 'tag' ? [] : [patternText(purge)]));
    const metadata = { reason, ...(cascade.length > 0 && { cascade }) };
    const beganAt = this.clock.now();
    const position = await this.#append(keys, metadata);
    this.l2?.unlink(homesOf(purges));
    await this.#followed(position, beganAt);
    return position;
  };

  /** The door of operators to the log; resolves as `InvalidationNode.invalidate`. */
  async publish(
    message: InvalidationMessage,
    options?: InvalidateOptions,
  ): Promise<Position | undefined> {
    const beganAt = this.clock.now();
    const position = await this.node.invalidate(message, options);
    const purges = this.node.purgesOf(message);
    this.l2?.unlink(homesOf(purges.filter(({ soft }) => soft !== true)));
    await this.#followed(position, beganAt);
    return position;
  }

  /**
   * Waits until this node stands at the position, from when on what the next request reads may be
   * kept; for no longer than is left of the time that its caller waits for the log.
   */
  async #followed(position: Position | undefined, beganAt: Millis): Promise<void> {
    const leftMs = this.#appendMsMax - (this.clock.now() - beganAt);
    if (position === undefined || leftMs <= 0) return;
    await this.node.reached(position, Math.min(FOLLOW_OWN_MS_MAX, leftMs));
  }

  /** What is more than one message can hold is said of everything. */
  async #append(keys: readonly Tag[], metadata: Metadata): Promise<Position | undefined> {
    try {
      return await this.node.invalidate(this.#maker.batch(keys, metadata));
    } catch (error) {
      const isTooMuch = error instanceof FreshetError && TOO_MUCH.includes(error.code);
      if (!isTooMuch) throw error;
      const { reason = '' } = metadata;
      return this.node.invalidate(this.#maker.pattern('*', { reason }));
    }
  }

  async close(): Promise<void> {
    await this.node.close();
    await this.tiers.close();
    this.#disconnect();
  }
}

/** Codes of a message that is beyond the limits of its readers. */
const TOO_MUCH = ['MESSAGE_INVALID', 'MESSAGE_TOO_LARGE'];

/** Entities live under their tag (DESIGN, section 3). */
function homesOf(purges: readonly Purge[]): Tag[] {
  return purges.flatMap((purge) => (purge.kind === 'tag' ? [purge.tag] : []));
}
