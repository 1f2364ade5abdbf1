/**
 * A fleet in virtual time, from a seed: nodes, services that write and publish, clients, and all
 * that goes wrong, watched by checkers that know only what went in and what came out. The same
 * seed gives the same run, to the last event.
 */
import assert from 'node:assert/strict';
import { setImmediate as macrotask } from 'node:timers/promises';
import type { Millis, Random } from '../../src/invalidation/clock.ts';
import { isFence, tellsLoss } from '../../src/invalidation/fence.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { readMessage, writeMessage } from '../../src/invalidation/message.ts';
import { Outbox } from '../../src/invalidation/outbox.ts';
import { formatPosition, latest, type Position } from '../../src/invalidation/position.ts';
import { integerBelow, pick, seededRandom, shuffle } from '../support/seeded-random.ts';
import { CHECKERS, type CheckerName } from './checkers/all.ts';
import type { Checker, OwnWrite, Visit } from './checkers/checker.ts';
import { AGAIN } from './checkers/converges.ts';
import { makeFault } from './faults.ts';
import {
  REAL_PARTS, type Answer, type FleetNode, type NodeObserver, type Parts, type Request,
} from './fleet-node.ts';
import { Fleet } from './fleet.ts';
import { Ledger } from './ledger.ts';
import { Network } from './network.ts';
import { Origin } from './origin.ts';
import type { PartAnswer } from './part-reader.ts';
import { choose, planOf, type Plan } from './plan.ts';
import { Provenance } from './provenance.ts';
import { callerOf, post, queries, SESSIONS, type Query } from './queries.ts';
import { SimulatedLog } from './simulated-log.ts';
import { SimulatedRedis } from './simulated-redis.ts';
import { lifeMsMax } from './strategies.ts';
import { MachineClock, VirtualTime } from './virtual-time.ts';
import { write, type Written } from './writes.ts';

export interface SimulationOptions {
  /** What is built otherwise than in earnest. */
  readonly parts?: Partial<Parts>;
  /** What of the seed's plan is overruled. */
  readonly plan?: (plan: Plan) => Plan;
  /** Called before the run begins: what is to happen besides. */
  readonly script?: (simulation: Pick<Simulation, 'time' | 'fleet'>) => void;
  /** Called for each thing that happens, with the time and what it was. */
  readonly trace?: (at: Millis, text: string) => void;
}

export interface Violation {
  readonly checker: CheckerName | 'crash';
  readonly at: Millis;
  readonly text: string;
}

/**
 * What is counted of a run: requests; of the pieces that answers are made of, those out of a cache,
 * and those past their TTL by why they were served; and what nodes did which were there at the end.
 */
export const COUNTS = [
  'reads', 'hits', 'revalidating', 'afterErrors', 'writes', 'faults',
  'early', 'refreshes', 'lockWaits', 'lockHits', 'writtenThrough', 'outdated', 'unsettled',
] as const;
type Counts = Record<typeof COUNTS[number], number>;

export interface Report extends Readonly<Counts> {
  readonly seed: string;
  /** The run ends with the first. */
  readonly violations: readonly Violation[];
}

const WALL_MS = Date.UTC(2026, 0, 1);
/** Publishers of services, with an outbox each. */
const PUBLISHERS = 2;
const SLICE_MS = 500;
/** An answer takes no longer when nothing is wrong. */
const ASK_MS = 20;
/** By then all must have come right: back-off, a closing process, hearing, settling. */
const CONVERGE_MS = 7_000;

export async function simulate(seed: string, options: SimulationOptions = {}): Promise<Report> {
  const simulation = new Simulation(seed, options);
  const crashed = (error: unknown): void => simulation.crashed(error);
  process.on('unhandledRejection', crashed);
  options.script?.(simulation);
  try {
    return await simulation.run();
  } finally {
    process.off('unhandledRejection', crashed);
  }
}

interface Client {
  readonly id: number;
  readonly home: number;
  readonly session: number | undefined;
  position: Position | undefined;
}

export class Simulation {
  readonly time = new VirtualTime();
  readonly redis: SimulatedRedis;
  readonly network: Network;
  readonly origin: Origin;
  readonly ledger = new Ledger();
  readonly fleet: Fleet;
  readonly #plan: Plan;
  readonly #trace: SimulationOptions['trace'];
  readonly #violations: Violation[] = [];
  readonly #checkers: readonly Checker[];
  readonly #maker: MessageMaker;
  readonly #publishers: readonly Outbox[];
  readonly #clients: readonly Client[];
  readonly #queries: readonly Query[];
  readonly #ending = new Set<() => void>();
  readonly #random: Readonly<Record<'reads' | 'writes' | 'faults', Random>>;
  readonly #counts = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Counts;
  #messages = 0;
  #isOver = false;

  constructor(seed: string, options: SimulationOptions) {
    const { parts = {}, plan: overrule = (plan) => plan, trace } = options;
    const plan = overrule(planOf(seed));
    const random = (concern: string): Random => seededRandom(`${seed}/${concern}`);
    const { time, ledger } = this;
    this.#plan = plan;
    this.#queries = shuffle(random('queries'), queries(plan));
    this.#trace = trace;
    this.#random = { reads: random('reads'), writes: random('writes'), faults: random('faults') };
    this.redis = new SimulatedRedis(time, {
      wallMs: WALL_MS,
      observer: {
        appended: (record) => this.#appended(record),
        lock: (event) => this.#tell((checker) => checker.lock?.(event)),
      },
    });
    this.network = new Network({ time, redis: this.redis, random: random('network') });
    this.network.latencyMsMax = plan.latencyMsMax;
    const { strategies } = plan.limits;
    this.origin = new Origin({ time, random: random('origin'), replica: strategies.replica });
    this.origin.readMsMax = plan.readMsMax;
    for (let id = 0; id < plan.posts / 2; id += 1) this.origin.setPost(post(id), true);
    const { network, origin } = this;
    this.fleet = new Fleet({
      time, network, origin, ledger,
      provenance: new Provenance(),
      random: random('nodes'),
      limits: plan.limits,
      observer: this.#observer(),
      parts: { ...REAL_PARTS, ...parts },
      wallMs: WALL_MS,
      victimShare: plan.victimShare,
    }, plan.nodes);
    const clock = new MachineClock(time, { aheadMs: 0, wallMs: WALL_MS });
    const newId = (): string => `m${(this.#messages += 1)}`;
    this.#maker = new MessageMaker({ sourceService: 'writer', clock, newId });
    const services = random('services');
    this.#publishers = Array.from({ length: PUBLISHERS }, () => this.#publisher(services));
    this.#clients = Array.from({ length: plan.clients }, (_, id) => this.#client(id));
    this.#checkers = this.#makeCheckers();
  }

  async run(): Promise<Report> {
    const { faultsUntil, readEveryMs, writeEveryMs, faultEveryMs } = this.#plan;
    const { reads, writes, faults } = this.#random;
    this.#often(readEveryMs, reads, () => this.#read());
    this.#often(writeEveryMs, writes, () => this.#write());
    this.#often(faultEveryMs, faults, () => this.#fault());
    await this.#runUntil(faultsUntil);
    this.#heal();
    await this.#runUntil(faultsUntil + CONVERGE_MS);
    const { strategies } = this.#plan.limits;
    if (this.fleet.lostWithoutTrace || strategies.replica?.guard === 'versions') {
      // Nobody can know of it but by what was cached being too old. Likewise of what a replica that
      // lagged showed of something whose version nobody told.
      await this.#runUntil(this.time.now + lifeMsMax(strategies) + this.fleet.clockSetBackMs);
    }
    await this.#settle();
    for (const node of this.fleet.nodes) this.#countDone(node);
    return { seed: this.#plan.seed, violations: this.#violations, ...this.#counts };
  }

  #countDone({ readPath, writeThrough, tiers }: FleetNode): void {
    const counts = this.#counts;
    const { early, refreshes, lockWaits, lockHits } = readPath.stats;
    const { outdated, unsettled } = tiers.stats.refused;
    const done = {
      early, refreshes, lockWaits, lockHits, outdated, unsettled,
      writtenThrough: writeThrough.stats.stored,
    };
    for (const [name, count] of Object.entries(done)) counts[name as keyof Counts] += count;
  }

  crashed(error: unknown): void {
    this.#report('crash', error instanceof Error ? error.stack ?? error.message : String(error));
  }

  async #runUntil(end: Millis): Promise<void> {
    while (this.time.now < end && this.#violations.length === 0) {
      try {
        await this.time.run(Math.min(end, this.time.now + SLICE_MS));
      } catch (error) {
        this.crashed(error);
      }
      // A rejection that nobody handles is told after a turn.
      await macrotask();
      for (const node of this.fleet.nodes) this.#tell((checker) => checker.inspect?.(node));
    }
  }

  #often(everyMs: Millis, random: Random, task: () => void): void {
    this.time.after(-Math.log(1 - random()) * everyMs, () => {
      if (this.#isOver) return;
      task();
      this.#often(everyMs, random, task);
    });
  }

  #heal(): void {
    this.#isOver = true;
    this.#note(() => 'all faults end');
    for (const end of this.#ending) end();
    this.#ending.clear();
    this.redis.isDown = false;
    this.redis.resume();
    this.network.heal();
    this.fleet.heal();
    this.origin.failures = 0;
    this.origin.outages = 0;
    this.origin.catchUp();
    this.origin.readMsMax = 5;
    this.network.latencyMsMax = 1;
  }

  async #settle(): Promise<void> {
    for (const node of this.fleet.nodes) {
      const answers: Answer[] = [];
      const first: Answer[] = [];
      // Of a whole that is made of parts the first may be about to expire; this one lives for long.
      const lasting = this.#queries.find(({ name }) => name === 'user 0') as Query;
      const again = Array.from({ length: AGAIN }, () => lasting);
      const all = [...this.#queries, ...again];
      const client: Client = { id: -1, home: 0, session: 0, position: undefined };
      const ask = async (query: Query, into: Answer[]): Promise<void> => {
        void this.#ask(client, node, query).then((answer) => answer && into.push(answer));
        await this.#runUntil(this.time.now + ASK_MS);
      };
      // What was purged softly may be served once more, while it is loaded anew.
      for (const query of this.#queries) await ask(query, first);
      for (const query of all) {
        if (this.#violations.length > 0) return;
        await ask(query, answers);
      }
      const isAll = answers.length === all.length;
      if (!isAll) this.#report('converges', `${node.name} does not answer`);
      this.#tell((checker) => checker.settled?.(node, answers));
    }
  }

  #read(): void {
    const random = this.#random.reads;
    const { roamShare } = this.#plan;
    // A few are asked for most of the time.
    const place = Math.floor(random() ** 3 * this.#queries.length);
    const query = this.#queries[place] as Query;
    // Many ask for the same at once, now and then.
    const count = random() < 0.1 ? 4 : 1;
    for (let asked = 0; asked < count; asked += 1) {
      const client = pick(random, this.#clients);
      const roams = random() < roamShare;
      const node = this.fleet.at(roams ? integerBelow(random, this.#plan.nodes) : client.home);
      if (node === undefined) continue;
      node.clock.deliver(() => void this.#ask(client, node, query));
    }
  }

  async #ask(client: Client, node: FleetNode, query: Query): Promise<Answer | undefined> {
    const sends = this.#random.reads() < this.#plan.positionShare;
    const request: Request = {
      caller: callerOf(client.session),
      parts: query.parts,
      position: sends ? client.position : undefined,
      arrivedAt: this.time.now,
    };
    node.knowledge.stands(node.position);
    const known = node.knowledge.copy();
    const visit: Visit = { client: client.id, node, request, known, freezes: node.clock.freezes };
    this.#tell((checker) => checker.arrived?.(visit));
    this.#counts.reads += 1;
    let answer: Answer;
    try {
      answer = await node.query(request);
    } catch (error) {
      this.#note(() => `${node.name} fails ${query.name}: ${String(error)}`);
      this.#tell((checker) => checker.failed?.(visit, error));
      return undefined;
    }
    for (const part of answer.parts) this.#count(part);
    client.position = latest(client.position ?? answer.position, answer.position);
    this.#note(() => `${node.name} answers ${query.name} to client ${client.id}, asked at `
      + `${request.arrivedAt.toFixed(1)}: ${describe(answer)}`);
    this.#tell((checker) => checker.answered?.(visit, answer));
    return answer;
  }

  #count({ leaves }: PartAnswer): void {
    for (const { how, why } of leaves) {
      if (how === 'l1' || how === 'l2') this.#counts.hits += 1;
      if (how === 'stale') this.#counts[why === 'error' ? 'afterErrors' : 'revalidating'] += 1;
    }
  }

  #write(): void {
    const random = this.#random.writes;
    const name = choose(random, this.#plan.writes);
    const route = choose(random, this.#plan.routes);
    const { strategies } = this.#plan.limits;
    const tellsVersions = strategies.replica?.guard === 'versions';
    const telling = { isSoft: random() < strategies.softShare, tellsVersions };
    this.#counts.writes += 1;
    const commit = (): Written => {
      const { origin } = this;
      const options = { origin, maker: this.#maker, random, extent: this.#plan };
      const written = write(name, options, telling);
      const { message_id: id } = written.message;
      this.#note(() => `write ${id} (${telling.isSoft ? 'soft ' : ''}${name}, by ${route})`
        + ` commits ${describeCovers(written)}`);
      this.ledger.published(id, written.covers);
      return written;
    };
    if (route === 'mutation') {
      this.#mutate(pick(random, this.#clients), commit);
      return;
    }
    const written = commit();
    const delayMs = this.#plan.publishDelayMsMax * random() ** 2;
    switch (route) {
      case 'publisher': {
        const publisher = pick(random, this.#publishers);
        this.time.after(delayMs, () => void publisher.append(written.message));
        return;
      }
      case 'foreign': {
        const isCareless = random() < 0.1;
        this.time.after(delayMs, () => this.#publish(written));
        if (isCareless) this.time.after(delayMs + 100 * random(), () => this.#publish(written));
        return;
      }
      default:
        route satisfies never;
    }
  }

  /** As a service does that knows only the channel; it tries until Redis takes it. */
  #publish(written: Written): void {
    const { message } = written;
    if (!this.redis.publish(writeMessage(message))) {
      this.time.after(200, () => this.#publish(written));
      return;
    }
    this.#note(() => `write ${message.message_id} is said on the channel`);
    this.ledger.announced(message.message_id, this.time.now);
  }

  /** A write that comes through a node. */
  #mutate(client: Client, commit: () => Written): void {
    const node = this.fleet.at(client.home) ?? this.fleet.nodes[0];
    assert(node !== undefined, 'the last node is never killed');
    let beganAt = this.time.now;
    let { freezes } = node.clock;
    node.clock.deliver(() => node.mutate({
      commit: () => {
        if (node.clock.isDead) this.fleet.lostWithoutTrace = true;
        return commit();
      },
      purging: () => {
        beganAt = this.time.now;
        ({ freezes } = node.clock);
      },
      purged: ({ message, covers }, position) => {
        const answeredAt = this.time.now;
        const write: OwnWrite = {
          client: client.id, node, covers, position, beganAt, answeredAt, freezes,
        };
        client.position = latest(client.position ?? node.position, position ?? node.position);
        this.#note(() => `${node.name} answers write ${message.message_id} to client ${client.id}`
          + ` (${position === undefined ? 'kept' : formatPosition(position)})`);
        this.#tell((checker) => checker.wrote?.(write));
      },
      failed: (error) => {
        if (!this.fleet.isUp(node)) this.fleet.lostWithoutTrace = true;
        this.#tell((checker) => checker.writeFailed?.(node, error));
      },
    }));
  }

  #fault(): void {
    const random = this.#random.faults;
    const name = choose(random, this.#plan.faults);
    const forMs = 50 + random() ** 2 * this.#plan.faultMsMax;
    const { time, network, redis, origin, fleet } = this;
    const later = (task: () => void): void => {
      const end = (): void => {
        if (this.#ending.delete(end)) task();
      };
      this.#ending.add(end);
      time.after(forMs, end);
    };
    const isOver = (): boolean => this.#isOver;
    const world = { time, random, network, redis, origin, fleet };
    const what = makeFault(name, { ...world, forMs, later, isOver });
    this.#counts.faults += 1;
    this.#note(() => `FAULT ${what} (${Math.round(forMs)} ms)`);
  }

  #observer(): NodeObserver {
    return {
      loading: (load) => this.#tell((checker) => checker.loading?.(load)),
      loaded: (load, how) => this.#tell((checker) => checker.loaded?.(load, how)),
      found: (node, key) => this.#tell((checker) => checker.found?.(node, key)),
      lockTaken: (node, key, leaseMs) =>
        this.#tell((checker) => checker.lockTaken?.(node, key, leaseMs)),
      lockLooked: (node, key) => this.#tell((checker) => checker.lockLooked?.(node, key)),
      gap: (node) => {
        this.#note(() => `${node.name} notices a gap, goes on at ${formatPosition(node.position)}`);
        this.fleet.noticedGap(node);
      },
    };
  }

  #appended({ position, messageId, message: json }: {
    position: Position;
    messageId: string;
    message: string;
  }): void {
    const message = readMessage(json);
    const told = tellsLoss(message);
    const fence = told ? 'fence that tells of a loss' : 'fence';
    this.#note(() =>
      `record ${formatPosition(position)}: ${isFence(message) ? fence : messageId}`);
    this.ledger.recorded({ position, messageId, at: this.time.now, tellsLoss: told });
  }

  #publisher(random: Random): Outbox {
    const clock = new MachineClock(this.time, { aheadMs: 0, wallMs: WALL_MS });
    const wires = { append: this.network.wire(clock), follow: this.network.wire(clock) };
    const { log: limits } = this.#plan.limits;
    const { client } = REAL_PARTS;
    const log = new SimulatedLog({ wires, clock, random, client, ...limits });
    return new Outbox({ log, maker: this.#maker, clock, random });
  }

  #client(id: number): Client {
    const session = id % (SESSIONS + 1);
    return {
      id,
      home: id % this.#plan.nodes,
      session: session === SESSIONS ? undefined : session,
      position: undefined,
    };
  }

  #makeCheckers(): readonly Checker[] {
    const { fleet, ledger, origin } = this;
    const now = (): Millis => this.time.now;
    return Object.entries(CHECKERS).map(([name, make]) => {
      const report = (text: string): void => this.#report(name as CheckerName, text);
      return make({ now, fleet, ledger, origin, report });
    });
  }

  #tell(tell: (checker: Checker) => void): void {
    for (const checker of this.#checkers) tell(checker);
  }

  #report(checker: Violation['checker'], text: string): void {
    this.#note(() => `VIOLATION of "${checker}": ${text}`);
    this.#violations.push({ checker, at: this.time.now, text });
  }

  #note(text: () => string): void {
    this.#trace?.(this.time.now, text());
  }
}

function describe({ parts }: Answer): string {
  return parts.map(({ part, how, versions }) => {
    const texts = Object.entries(versions).map(([tag, version]) => `${tag}=${version}`);
    return `${part.name} (${how}) ${texts.join(' ')}`;
  }).join('; ');
}

function describeCovers({ covers }: Written): string {
  return covers.map(({ tag, version }) => `${tag}=${version}`).join(' ');
}
