/**
 * A light load on two nodes while something goes wrong: reads through both, and writes in every way
 * in which a service or a client makes things stale. Each answer is held against the ledger.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createPublisher, type Publisher } from '../../src/invalidation/publisher.ts';
import type { GatewayStatus } from '../../src/gateway/gateway.ts';
import { Ledger } from './fault-ledger.ts';
import type { Answer, AskOptions } from './fleet.ts';
import { person, post, type World } from './world.ts';

export interface LoadedNode {
  ask(query: string, options?: AskOptions): Promise<Answer>;
  status(): GatewayStatus | Promise<GatewayStatus>;
}

export interface LoadOptions {
  readonly nodes: readonly LoadedNode[];
  readonly world: World;
  readonly redisUrl: string;
  readonly maxStalenessMs: number;
}

export interface LoadReport {
  readonly reads: number;
  readonly hits: number;
  readonly writes: number;
  /** Requests that failed, stale answers, late answers: none, if all is well. */
  readonly complaints: readonly string[];
}

const IDS = Array.from({ length: 5 }, (_, index) => `loaded-${index}`);
/** Responses that share a part: the author of each post. */
const POSTS_PER_ID = 2;
const READERS_PER_NODE = 2;
const READ_EVERY_MS = 10;
const WRITE_EVERY_MS = 100;
/** Far above the bounds of each wait on Redis (50 ms a read, 250 ms an append). */
const ANSWER_MS_MAX = 1_000;

const BY_ROOT_FIELD = 'query ($id: ID!) { it: user(id: $id) { name } }';
const BY_ENTITY = 'query ($id: ID!) { it: post(id: $id) { author { name } } }';
const RENAME = 'mutation ($id: ID!, $name: String!) { rename(id: $id, name: $name) { id name } }';

export class FaultLoad {
  readonly #options: LoadOptions;
  readonly #ledger: Ledger;
  readonly #plain: Redis;
  readonly #publisher: Publisher;
  readonly #stop = new AbortController();
  readonly #complaints: string[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly #deliveries = new Set<Promise<void>>();
  readonly #excused = new Set<number>();
  /** Requests that each node has not answered yet. */
  readonly #asked: number[] = [];
  readonly #ticker: NodeJS.Timeout;
  #deaf: readonly number[] = [];
  #deafTurn = 0;
  #ticks = 0;
  #reads = 0;
  #hits = 0;
  #writes = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#ledger = new Ledger(options.maxStalenessMs);
    this.#plain = new Redis(options.redisUrl, {
      maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: 500,
      retryStrategy: () => 50,
    });
    this.#plain.on('error', () => undefined);
    this.#publisher = createPublisher({ redis: options.redisUrl, source: 'load' });
    for (const id of IDS) {
      options.world.people.set(id, { ...person(id), name: 'v1' });
      for (const postId of postsOf(id)) options.world.posts.set(postId, post(postId, id));
    }
    // Time in which this process ran: a machine that is busy elsewhere is no wait on Redis.
    this.#ticker = setInterval(() => (this.#ticks += 1), 10);
    this.#loops.push(this.#write());
    for (const node of options.nodes.keys()) {
      for (let reader = 0; reader < READERS_PER_NODE; reader += 1) {
        this.#loops.push(this.#read(node, reader));
      }
    }
  }

  /** How much has been read and written so far. */
  get progress(): { readonly reads: number; readonly hits: number; readonly writes: number } {
    return { reads: this.#reads, hits: this.#hits, writes: this.#writes };
  }

  /** From now on these nodes, which cannot hear the log, are held to `maxStalenessMs`. */
  deaf(nodes: readonly number[]): void {
    this.#deaf = nodes;
    this.#deafTurn += 1;
  }

  /** Asks nothing more of this node until it is `continued`; resolves when it owes no answer. */
  async excuse(node: number): Promise<void> {
    this.#excused.add(node);
    while ((this.#asked[node] ?? 0) > 0) await sleep(1);
  }

  continued(node: number): void {
    this.#excused.delete(node);
  }

  async end(): Promise<LoadReport> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    await Promise.all(this.#deliveries);
    clearInterval(this.#ticker);
    this.#plain.disconnect();
    await this.#publisher.close();
    return { ...this.progress, complaints: this.#complaints };
  }

  async #read(node: number, reader: number): Promise<void> {
    for (let count = reader; !this.#stop.signal.aborted; count += 1) {
      await sleep(READ_EVERY_MS);
      if (this.#excused.has(node)) continue;
      // Each twice, so that something is found where anything is kept.
      const turn = Math.floor(count / 2);
      const id = IDS[turn % IDS.length] as string;
      const postId = turn % 3 === 0 ? undefined : postsOf(id)[turn % POSTS_PER_ID];
      const [deafTurn, isDeaf] = [this.#deafTurn, this.#deaf.includes(node)];
      const askedAt = performance.now();
      const query = postId === undefined ? BY_ROOT_FIELD : BY_ENTITY;
      const answer = await this.#ask(node, query, { id: postId ?? id });
      if (answer === undefined) continue;
      this.#reads += 1;
      if (answer.cache === 'hit') this.#hits += 1;
      const { name } = postId === undefined ? answer.data.it : answer.data.it.author;
      const version = Number(String(name).slice(1));
      const deaf = isDeaf && deafTurn === this.#deafTurn;
      const fault = this.#ledger.faultOf({ node, id, version, askedAt, deaf });
      if (fault === undefined) continue;
      this.#complain(`${fault} (${answer.headers.get('cache-status')}, ${postId ?? 'root field'})`);
    }
  }

  /** One write after the other, each in the next way. */
  async #write(): Promise<void> {
    const { nodes } = this.#options;
    for (let turn = 0; !this.#stop.signal.aborted; turn += 1) {
      await sleep(WRITE_EVERY_MS);
      const id = IDS[turn % IDS.length] as string;
      const way = turn % (2 + nodes.length);
      if (way === 0) this.#publishPlainly(id);
      else if (way === 1) await this.#publish(id);
      else if (!this.#excused.has(way - 2)) await this.#mutate(way - 2, id);
      this.#writes += 1;
    }
  }

  /** The service changes its data, and tells the channel until it is heard. */
  #publishPlainly(id: string): void {
    const version = this.#change(id);
    const message = JSON.stringify({
      message_id: randomUUID(), entity_type: 'User', entity_id: id, pattern: null,
      entity_ids: null, action: 'Update', timestamp: new Date().toISOString(),
      source_service: 'load', metadata: null,
    });
    this.#deliver(async () => {
      await this.#plain.publish('cache:invalidate', message);
      this.#accepted(id, version);
      return true;
    });
  }

  async #publish(id: string): Promise<void> {
    const version = this.#change(id);
    const { position } = await this.#publisher.invalidateUser(id, { action: 'Update' });
    if (position !== undefined) return this.#accepted(id, version);
    this.#deliver(() => {
      if (this.#publisher.stats.outbox > 0) return false;
      this.#accepted(id, version);
      return true;
    });
  }

  async #mutate(at: number, id: string): Promise<void> {
    const version = this.#ledger.next(id);
    const answer = await this.#ask(at, RENAME, { id, name: `v${version}` });
    if (answer === undefined) return;
    if (answer.data.rename.name !== `v${version}`) this.#complain('a mutation answered nonsense');
    this.#ledger.wrote(id, version);
    this.#ledger.toldByClient(at, id, version);
    const node = this.#options.nodes[at] as LoadedNode;
    this.#deliver(async () => {
      if (this.#excused.has(at) || (await node.status()).kept > 0) return false;
      this.#accepted(id, version);
      return true;
    });
  }

  #change(id: string): number {
    const version = this.#ledger.next(id);
    this.#options.world.people.set(id, { ...person(id), name: `v${version}` });
    this.#ledger.wrote(id, version);
    return version;
  }

  #accepted(id: string, version: number): void {
    for (const node of this.#options.nodes.keys()) this.#ledger.accepted(node, id, version);
  }

  /** Tries until it is delivered, beside all else. */
  #deliver(attempt: () => boolean | Promise<boolean>): void {
    const delivery = (async () => {
      const giveUpAt = performance.now() + 30_000;
      while (!(await Promise.resolve().then(attempt).catch(() => false))) {
        if (performance.now() > giveUpAt) return this.#complain('it was never delivered');
        await sleep(20);
      }
    })().finally(() => this.#deliveries.delete(delivery));
    this.#deliveries.add(delivery);
  }

  async #ask(at: number, query: string, variables: object): Promise<Answer | undefined> {
    const node = this.#options.nodes[at] as LoadedNode;
    const beganAt = this.#ticks;
    this.#asked[at] = (this.#asked[at] ?? 0) + 1;
    try {
      const answer = await node.ask(query, { variables: { ...variables } });
      const tookMs = (this.#ticks - beganAt) * 10;
      if (tookMs > ANSWER_MS_MAX) this.#complain(`node ${at} took ${tookMs} ms for ${query}`);
      if (answer.status === 200 && answer.errors === undefined) return answer;
      this.#complain(`node ${at} answered ${answer.status}: ${answer.text.slice(0, 300)}`);
    } catch (error) {
      this.#complain(`node ${at} did not answer: ${String(error)}`);
    } finally {
      this.#asked[at] -= 1;
    }
    return undefined;
  }

  #complain(text: string): void {
    if (this.#complaints.length < 20) this.#complaints.push(text);
  }
}

function postsOf(id: string): readonly string[] {
  return Array.from({ length: POSTS_PER_ID }, (_, index) => `post-${index}-of-${id}`);
}
