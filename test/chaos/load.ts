/**
 * Readers and writers on all gateways while something goes wrong. Each answer is held against the
 * ledger and counted in the tally of the moment.
 *
 * A request that was under way at a node when that was killed is asked again of another one, as a
 * load balancer does, and counts as failed only where that fails too; a node that is down is asked
 * nothing. No other failure is excused.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Random } from '../../src/invalidation/clock.ts';
import { createPublisher, type Publisher } from '../../src/invalidation/publisher.ts';
import { formatPosition } from '../../src/invalidation/position.ts';
import { connectRedis, type RedisClient } from '../../src/invalidation/redis.ts';
import { integerBelow, pick } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import type { Gateway } from './gateways.ts';
import { HttpClient, type HttpAnswer } from './http-client.ts';
import type { Ledger } from './ledger.ts';
import { DAWDLE_MS_MAX, membersOf, TEAM_SIZE, type Origin } from './origin.ts';
import { StallMeter } from './stall-meter.ts';
import { StolenTime } from './stolen-time.ts';
import type { Kind, Tally } from './tally.ts';
import type { Topology } from './topology.ts';

export interface LoadOptions {
  readonly gateways: readonly Gateway[];
  readonly topology: Topology;
  readonly origin: Origin;
  readonly ledger: Ledger;
  readonly random: Random;
  /** A reader's pause after each answer, at most. Default 8 ms. */
  readonly pauseMsMax?: number | undefined;
}

/**
 * Few at a time, so that a wait tells of Redis: after a fault all of them miss, and on two cores
 * that this load shares with its gateways each of them waits for the others as well.
 */
const READERS_PER_NODE = 1;
const WRITE_EVERY_MS = 360;
const POSITIONED_SHARE = 0.1;
const WRITTEN_AGAIN_SHARE = 0.5;
/** It is not asked of less whether the machine stood still. */
const LONG_MS = 50;
const RECONNECT_EVERY_MS = 1_000;
/** After this long without a way to deliver, the suite itself is at fault. */
const DELIVERY_MS = 60_000;

/** What is asked for: whose names are in the answer, and the body of the request. */
interface Question {
  readonly ids: readonly string[];
  readonly body: Buffer;
}

const BY_ROOT_FIELD = 'query ($id: ID!) { it: user(id: $id) { name } }';
const BY_ENTITY = 'query ($id: ID!) { it: post(id: $id) { author { name } } }';
const BY_LIST = 'query ($id: ID!) { it: team(id: $id) { name } }';
const RENAME = 'mutation ($id: ID!, $version: Int!) { it: rename(id: $id, version: $version) '
  + '{ id name } }';

export class Load {
  tally: Tally;
  readonly #options: LoadOptions;
  readonly #http = new HttpClient();
  readonly #plain: RedisClient;
  readonly #publisher: Publisher;
  #reconnectedAt = 0;
  readonly #stalls = new StallMeter();
  readonly #stolen = new StolenTime();
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  readonly #deliveries = new Set<Promise<void>>();
  readonly #questions: readonly Question[];
  /** Why a node is known to be deaf: how many reasons, and how often that has changed. */
  readonly #deafness: { reasons: number; turn: number }[];
  /** Of each process of a node: how many of its invalidations have been kept so far. */
  readonly #kept = new Map<string, number>();

  constructor(options: LoadOptions, tally: Tally) {
    this.#options = options;
    this.tally = tally;
    const { topology, gateways, origin } = options;
    this.#plain = connectRedis(topology.options, { name: 'foreign', commandTimeoutMs: 500 });
    this.#publisher = createPublisher({ redis: topology.options, source: 'chaos' });
    this.#questions = origin.ids.flatMap((id) => [
      { ids: [id], body: bodyOf(BY_ROOT_FIELD, { id }) },
      { ids: [id], body: bodyOf(BY_ENTITY, { id }) },
      ...(Number(id) % TEAM_SIZE === 0 ? [teamQuestion(Number(id) / TEAM_SIZE)] : []),
    ]);
    this.#deafness = gateways.map(() => ({ reasons: 0, turn: 0 }));
    this.#loops.push(this.#writeBy((id) => this.#mutate(id)));
    this.#loops.push(this.#writeBy((id) => this.#publish(id)));
    this.#loops.push(this.#writeBy((id) => this.#publishPlainly(id)));
    for (const [node, gateway] of gateways.entries()) {
      gateway.onCrash = (how) => {
        this.tally.failed += 1;
        this.tally.complaints.unshift(`node ${node} ended by itself, ${how}`);
      };
      for (let reader = 0; reader < READERS_PER_NODE; reader += 1) {
        this.#loops.push(this.#readOn(node));
      }
    }
  }

  /** While `reasons` of a node are above 0 it is held to `maxStalenessMs`. */
  deaf(node: number, change: 1 | -1): void {
    const deafness = this.#deafness[node]!;
    deafness.reasons += change;
    deafness.turn += 1;
  }

  /** A node is about to be killed. */
  killed(node: number): void {
    this.#options.ledger.killed(node);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    await Promise.all(this.#deliveries);
    this.#stalls.stop();
    this.#stolen.stop();
    this.#http.close();
    this.#plain.disconnect();
    await this.#publisher.close();
  }

  /** Says on the channel, as a foreign service, that the user has changed. */
  async announce(id: string): Promise<void> {
    const message = foreignMessage(id);
    await until(() => this.#publishOnce(message), { what: 'Redis takes a message' });
  }

  /** Rejects where a node does not answer this version, and from its cache. */
  async answersHit(node: number, id: string, version: number): Promise<boolean> {
    const { port } = this.#options.gateways[node]!;
    const answer = await this.#http.post(port, bodyOf(BY_ROOT_FIELD, { id }));
    const [name] = namesIn(answer.text);
    if (answer.cacheStatus.includes('hit') && name === `v${version}`) return true;
    throw new Error(`${answer.status}, ${answer.cacheStatus}: ${answer.text}`);
  }

  async #readOn(node: number): Promise<void> {
    const { random, gateways, ledger, pauseMsMax = 8 } = this.#options;
    while (!this.#stop.signal.aborted) {
      if (gateways[node]?.isUp !== true) {
        await sleep(20);
        continue;
      }
      const question = pick(random, this.#questions);
      const positioned = random() < POSITIONED_SHARE && question.ids.length === 1
        ? ledger.positionOf(question.ids[0]!) : undefined;
      await this.#read(node, question, positioned);
      await sleep(random() * pauseMsMax);
    }
  }

  async #read(
    node: number,
    { ids, body }: Question,
    write: { version: number; position: string } | undefined,
  ): Promise<void> {
    const { ledger } = this.#options;
    const deafness = this.#deafness[node]!;
    const [wasDeaf, turn] = [deafness.reasons > 0, deafness.turn];
    const askedAt = performance.now();
    const kind = write === undefined ? 'read' : 'positioned';
    const asked = await this.#ask(node, body, { kind, position: write?.position });
    if (asked === undefined) return;
    const { answer, by } = asked;
    const { tally } = this;
    tally.reads += 1;
    if (answer.cacheStatus.includes('hit')) tally.hits += 1;
    const names = namesIn(answer.text);
    if (names.length !== ids.length) {
      this.#fail(`node ${by} answered nonsense: ${answer.text.slice(0, 200)}`);
      return;
    }
    const deaf = by === node && wasDeaf && turn === deafness.turn;
    for (const [index, id] of ids.entries()) {
      const version = Number(names[index]!.slice(1));
      const read = { node: by, id, version, askedAt, deaf, positioned: write?.version };
      const fault = ledger.faultOf(read);
      if (fault !== undefined) {
        tally.staleBeyond += 1;
        tally.complain(`${fault}; ${answer.cacheStatus}, ${kind} at ${seconds(askedAt)}, `
          + `behind for ${Math.round(ledger.behindMs(read))} ms, ${body.toString()}`);
        continue;
      }
      const behindMs = ledger.behindMs(read);
      if (behindMs === 0) continue;
      tally.staleWithin += 1;
      tally.behindMsMax = Math.max(tally.behindMsMax, behindMs);
    }
  }

  async #writeBy(write: (id: string) => Promise<void>): Promise<void> {
    const { random, origin } = this.#options;
    while (!this.#stop.signal.aborted) {
      await sleep(WRITE_EVERY_MS * (0.5 + random()));
      const id = pick(random, origin.ids);
      await write(id);
      // Again while it is being read for the first time after that: its old state is on its way.
      const looking = this.#look(id);
      if (random() < WRITTEN_AGAIN_SHARE) {
        await sleep(integerBelow(random, DAWDLE_MS_MAX));
        await write(id);
        this.tally.writes += 1;
      }
      this.tally.writes += 1;
      await looking;
      await this.#look(id);
    }
  }

  /** Each node is asked at once for what was just written: never was it more likely to be stale. */
  async #look(id: string): Promise<void> {
    const { gateways, ledger } = this.#options;
    const question = this.#questions.find(({ ids }) => ids[0] === id)!;
    const write = ledger.positionOf(id);
    await Promise.all(gateways.map(async ({ isUp }, node) => {
      if (isUp) await this.#read(node, question, undefined);
      if (write !== undefined && gateways[node]?.isUp) await this.#read(node, question, write);
    }));
  }

  async #mutate(id: string): Promise<void> {
    const { ledger, gateways, random } = this.#options;
    const up = gateways.flatMap(({ isUp }, node) => (isUp ? [node] : []));
    if (up.length === 0) return;
    const version = ledger.next(id);
    const node = up[integerBelow(random, up.length)]!;
    const asked = await this.#ask(node, bodyOf(RENAME, { id, version }), { kind: 'mutation' });
    if (asked === undefined) return;
    const { answer, by, incarnation } = asked;
    const gateway = gateways[by]!;
    if (gateway.incarnation !== incarnation) return;
    ledger.answered(by, id, version);
    if (await this.#wasKept(by)) {
      // In the log when its node keeps nothing any more; with the node it is gone.
      this.#deliver(async () => {
        if (gateway.incarnation !== incarnation) return true;
        if ((await gateway.status()).kept > 0) return false;
        if (gateway.incarnation === incarnation) ledger.acknowledged(id, version);
        return true;
      });
      return;
    }
    ledger.acknowledged(id, version);
    if (answer.position === undefined) this.#fail(`node ${by} told no position`);
    else ledger.positioned(id, { version, position: answer.position });
  }

  /** Whether the last mutation at this node may not be in the log; all of them come from here. */
  async #wasKept(node: number): Promise<boolean> {
    const gateway = this.#options.gateways[node]!;
    const process = `${node} ${gateway.incarnation}`;
    const status = await gateway.status().catch(() => undefined);
    if (status === undefined) return true;
    const before = this.#kept.get(process) ?? 0;
    this.#kept.set(process, status.invalidation.kept);
    return status.invalidation.kept > before;
  }

  async #publish(id: string): Promise<void> {
    const { ledger } = this.#options;
    const version = this.#change(id);
    const { position } = await this.#publisher.invalidateUser(id, { action: 'Update' });
    if (position === undefined) {
      this.#deliver(() => {
        if (this.#publisher.stats.outbox > 0) return false;
        ledger.acknowledged(id, version);
        return true;
      });
      return;
    }
    ledger.acknowledged(id, version);
    ledger.positioned(id, { version, position: formatPosition(position) });
  }

  /** A foreign service: it tells the channel until Redis has taken it. */
  async #publishPlainly(id: string): Promise<void> {
    const { ledger } = this.#options;
    const version = this.#change(id);
    const message = foreignMessage(id);
    const attempt = async (): Promise<boolean> => {
      if (!(await this.#publishOnce(message))) return false;
      ledger.acknowledged(id, version);
      return true;
    };
    if (!(await attempt())) this.#deliver(attempt);
  }

  async #publishOnce(message: string): Promise<boolean> {
    const receivers = await this.#plain.publish('cache:invalidate', message).catch(() => -1);
    if (this.#options.topology.name !== 'sentinel' || receivers !== 0) return receivers >= 0;
    // A replica takes what is published as well, and nobody listens there: this client found the
    // old master when it had come back and was not yet told. It asks the Sentinel again.
    const now = performance.now();
    if (now - this.#reconnectedAt > RECONNECT_EVERY_MS) {
      this.#reconnectedAt = now;
      (this.#plain as Redis).disconnect(true);
    }
    return false;
  }

  #change(id: string): number {
    const { ledger, origin } = this.#options;
    const version = ledger.next(id);
    origin.write(id, version);
    return version;
  }

  /** Tries until it is delivered, beside all else. */
  #deliver(attempt: () => boolean | Promise<boolean>): void {
    const delivery = (async () => {
      const giveUpAt = performance.now() + DELIVERY_MS;
      while (!(await Promise.resolve().then(attempt).catch(() => false))) {
        if (performance.now() > giveUpAt) return this.#fail('an invalidation was never delivered');
        await sleep(20);
      }
    })().finally(() => this.#deliveries.delete(delivery));
    this.#deliveries.add(delivery);
  }

  /** The answer, and who gave it. Undefined where there was none that is any good. */
  async #ask(
    node: number,
    body: Buffer,
    { kind, position }: { kind: Kind; position?: string | undefined },
  ): Promise<{ answer: HttpAnswer; by: number; incarnation: number } | undefined> {
    const { gateways } = this.#options;
    const { incarnation, port } = gateways[node]!;
    const { tally } = this;
    const [askedAt, stalledMs] = [performance.now(), this.#stalls.totalMs];
    let answer: HttpAnswer;
    try {
      answer = await this.#http.post(port, body, position);
    } catch (error) {
      const other = gateways.findIndex(({ isUp }, index) => isUp && index !== node);
      if (gateways[node]?.incarnation === incarnation || other === -1) {
        this.#fail(`node ${node} did not answer: ${String(error)} at ${seconds(askedAt)}`);
        return undefined;
      }
      tally.moved += 1;
      return this.#ask(other, body, { kind, position });
    }
    const fullMs = performance.now() - askedAt;
    // A time in which this process, or the one that it asked, could not run is no wait for Redis.
    // They may have stood still together, so the longest is taken off, and not the sum.
    const standstillMs = fullMs < LONG_MS ? 0 : Math.max(
      this.#stalls.totalMs - stalledMs,
      this.#stolen.since(askedAt),
      gateways[node]?.waitedForProcessor(askedAt) ?? 0,
    );
    const tookMs = fullMs - standstillMs;
    const isLate = tally.waited(kind, { tookMs, fullMs });
    if (isLate) {
      tally.complain(`a request (${kind}) took ${Math.round(tookMs)} ms at ${seconds(askedAt)}, `
        + `without ${Math.round(standstillMs)} ms of standstill, node ${node}: `
        + `${answer.cacheStatus}, ${body.toString()}`);
    }
    if (answer.status === 200 && answer.text.startsWith('{"data":{"it":')
      && !answer.text.includes('"errors"')) {
      return { answer, by: node, incarnation };
    }
    this.#fail(`node ${node} answered ${answer.status}: ${answer.text.slice(0, 300)}`);
    return undefined;
  }

  #fail(text: string): void {
    this.tally.failed += 1;
    this.tally.complain(text);
  }
}

function foreignMessage(id: string): string {
  return JSON.stringify({
    message_id: randomUUID(), entity_type: 'User', entity_id: id, pattern: null,
    entity_ids: null, action: 'Update', timestamp: new Date().toISOString(),
    source_service: 'foreign', metadata: null,
  });
}

function teamQuestion(team: number): Question {
  return { ids: membersOf(team), body: bodyOf(BY_LIST, { id: String(team) }) };
}

function bodyOf(query: string, variables: object): Buffer {
  return Buffer.from(JSON.stringify({ query, variables }));
}

function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/"name":"(v\d+)"/g)].map((match) => match[1]!);
}

function seconds(time: number): string {
  return `${(time / 1_000).toFixed(3)} s`;
}
