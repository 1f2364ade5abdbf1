/**
 * How processes reach the simulated Redis: late, not at all, or without an answer. A client has the
 * face of the real one as far as it is used; what it sends arrives in order, and what is under way
 * when a connection is cut may have been executed or not.
 */
import type { Millis, Random } from '../../src/invalidation/clock.ts';
import type { RedisClient } from '../../src/invalidation/redis.ts';
import type { SimulatedRedis } from './simulated-redis.ts';
import type { MachineClock, VirtualTime } from './virtual-time.ts';

export type Role = 'append' | 'follow' | 'cache' | 'listen';
export const ROLES: readonly Role[] = ['append', 'follow', 'cache', 'listen'];

export interface NetworkOptions {
  readonly time: VirtualTime;
  readonly redis: SimulatedRedis;
  readonly random: Random;
}

export class Network {
  readonly time: VirtualTime;
  readonly redis: SimulatedRedis;
  readonly random: Random;
  readonly wires = new Set<Wire>();
  /** The most that one way takes, of all wires. */
  latencyMsMax: Millis = 1;

  constructor({ time, redis, random }: NetworkOptions) {
    this.time = time;
    this.redis = redis;
    this.random = random;
  }

  wire(clock: MachineClock): Wire {
    const wire = new Wire(this, clock);
    this.wires.add(wire);
    return wire;
  }

  /** Of a process that is gone. */
  remove(wire: Wire): void {
    wire.refuse();
    this.wires.delete(wire);
  }

  cutAll(): void {
    for (const wire of this.wires) wire.cut();
    this.redis.forgetConnections();
  }

  heal(): void {
    this.latencyMsMax = 1;
    for (const wire of this.wires) wire.heal();
  }
}

/** The way between one process and Redis, for one purpose. */
export class Wire {
  readonly network: Network;
  readonly clock: MachineClock;
  readonly #clients = new Set<SimulatedClient>();
  readonly #held: (() => void)[] = [];
  #state: 'open' | 'silent' | 'refused' = 'open';
  /** So many answers are lost, with the connection that was to carry them. */
  answersToLose = 0;

  constructor(network: Network, clock: MachineClock) {
    this.network = network;
    this.clock = clock;
  }

  get isOpen(): boolean {
    const { redis } = this.network;
    return this.#state === 'open' && !redis.isDown && !redis.isStopped;
  }

  client(commandTimeoutMs: Millis): RedisClient {
    const client = new SimulatedClient(this, commandTimeoutMs);
    this.#clients.add(client);
    return client as unknown as RedisClient;
  }

  forget(client: SimulatedClient): void {
    this.#clients.delete(client);
  }

  /** Nothing passes, and nobody is told. */
  silence(): void {
    if (this.#state === 'open') this.#state = 'silent';
  }

  refuse(): void {
    this.#state = 'refused';
    this.#held.length = 0;
    this.cut();
  }

  cut(): void {
    for (const client of [...this.#clients]) client.cut();
  }

  heal(): void {
    this.#state = 'open';
    this.answersToLose = 0;
    for (const task of this.#held.splice(0)) this.network.time.after(0, task);
  }

  /** Lets `task` pass, now or when the silence ends. */
  pass(task: () => void): void {
    if (this.#state === 'open') task();
    else if (this.#state === 'silent') this.#held.push(task);
  }

  latencyMs(): Millis {
    const { random, latencyMsMax } = this.network;
    return 0.05 + random() ** 3 * latencyMsMax;
  }
}

interface Call {
  readonly reject: (error: Error) => void;
}

type Listener = (...args: unknown[]) => void;
type Argument = string | number | Buffer;

export class SimulatedClient {
  readonly isCluster = false;
  readonly #wire: Wire;
  readonly #commandTimeoutMs: Millis;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #calls = new Set<Call>();
  #status: 'connecting' | 'ready' | 'end' = 'connecting';
  /** Which connection it is: what belongs to one before has no say. */
  #session = 0;
  #arrivesAt: Millis = 0;
  #answersAt: Millis = 0;
  #unsubscribe: () => void = () => undefined;

  constructor(wire: Wire, commandTimeoutMs: Millis) {
    this.#wire = wire;
    this.#commandTimeoutMs = commandTimeoutMs;
    this.#connect();
  }

  get status(): string {
    return this.#status;
  }

  on(event: string, listener: Listener): this {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return this;
  }

  disconnect(): void {
    if (this.#status === 'end') return;
    this.cut();
    this.#status = 'end';
    this.#wire.forget(this);
  }

  /** The connection breaks; another one is sought. */
  cut(): void {
    if (this.#status !== 'ready') return;
    this.#status = 'connecting';
    this.#session += 1;
    this.#unsubscribe();
    for (const call of [...this.#calls]) {
      this.#wire.clock.deliver(() => call.reject(new Error('Connection is closed.')));
    }
    this.#calls.clear();
    this.#wire.clock.deliver(() => this.#emit('close'));
    this.#connect();
  }

  call(...args: Argument[]): Promise<unknown> {
    if (this.#status !== 'ready') return Promise.reject(new Error('Connection is closed.'));
    return new Promise((resolve, reject) => {
      const session = this.#session;
      const call = { reject };
      this.#calls.add(call);
      const cancel = this.#timeOut(() => {
        if (this.#calls.delete(call)) reject(new Error('Command timed out'));
      });
      const settle = (error: Error | undefined, value?: unknown): void => {
        if (session !== this.#session || !this.#calls.delete(call)) return;
        cancel();
        if (error === undefined) resolve(value);
        else reject(error);
      };
      this.#send(args, session, settle);
    });
  }

  /** As the real client: without a bound where whoever waits has one. */
  #timeOut(giveUp: () => void): () => void {
    if (!Number.isFinite(this.#commandTimeoutMs)) return () => undefined;
    return this.#wire.clock.after(this.#commandTimeoutMs, giveUp);
  }

  defineCommand(): void {}

  freshetReadOneBuffer(...args: Argument[]): Promise<unknown> {
    return this.call('freshetRead', 1, ...args);
  }

  freshetReadManyBuffer(...args: Argument[]): Promise<unknown> {
    return this.call('freshetRead', ...args);
  }

  freshetWrite(...args: Argument[]): Promise<unknown> {
    return this.call('freshetWrite', ...args);
  }

  unlink(name: string): Promise<unknown> {
    return this.call('unlink', name);
  }

  set(...args: Argument[]): Promise<unknown> {
    return this.call('set', ...args);
  }

  exists(name: string): Promise<unknown> {
    return this.call('exists', name);
  }

  freshetRelease(name: string, token: string): Promise<unknown> {
    return this.call('freshetRelease', name, token);
  }

  ping(): Promise<unknown> {
    return this.call('ping');
  }

  subscribe(): Promise<unknown> {
    return this.call('subscribe');
  }

  #send(args: Argument[], session: number, settle: Settle): void {
    const { time, redis, random } = this.#wire.network;
    this.#arrivesAt = Math.max(this.#arrivesAt, time.now + this.#wire.latencyMs());
    time.after(this.#arrivesAt - time.now, () => this.#wire.pass(() => {
      // Of a connection that is gone, what was under way may arrive all the same.
      if (session !== this.#session && random() < 0.5) return;
      redis.receive(args, (error, value) => {
        if (args[0] === 'subscribe') this.#hear(session);
        if (this.#wire.answersToLose > 0 && args[0] !== 'xread') {
          this.#wire.answersToLose -= 1;
          if (session === this.#session) this.cut();
          return;
        }
        this.#travelBack(session, () => settle(error, value));
      });
    }));
  }

  #hear(session: number): void {
    if (session !== this.#session) return;
    this.#unsubscribe();
    this.#unsubscribe = this.#wire.network.redis.subscribe((payload) =>
      this.#travelBack(session, () => this.#emit('message', payload)));
  }

  #travelBack(session: number, task: () => void): void {
    const { time } = this.#wire.network;
    this.#answersAt = Math.max(this.#answersAt, time.now + this.#wire.latencyMs());
    time.after(this.#answersAt - time.now, () => this.#wire.pass(() => {
      if (session !== this.#session) return;
      this.#wire.clock.deliver(() => {
        if (session === this.#session) task();
      });
    }));
  }

  #connect(): void {
    const { time, random } = this.#wire.network;
    const attempt = (): void => {
      if (this.#status !== 'connecting') return;
      if (!this.#wire.isOpen) {
        time.after(50 + 450 * random(), attempt);
        return;
      }
      this.#wire.clock.deliver(() => {
        if (this.#status !== 'connecting') return;
        this.#status = 'ready';
        this.#emit('ready');
      });
    };
    time.after(1 + 20 * random(), attempt);
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(...args);
  }
}

type Settle = (error: Error | undefined, value?: unknown) => void;
