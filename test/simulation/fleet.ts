/** The processes of a run: they come, are killed, and come again as new ones. */
import type { Millis, Random } from '../../src/invalidation/clock.ts';
import type { Ledger, Recorded } from './ledger.ts';
import { FleetNode, type NodeLimits, type NodeObserver, type Parts } from './fleet-node.ts';
import type { Network } from './network.ts';
import type { Origin } from './origin.ts';
import type { Provenance } from './provenance.ts';
import { MachineClock, type VirtualTime } from './virtual-time.ts';

export interface FleetOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly network: Network;
  readonly origin: Origin;
  readonly ledger: Ledger;
  readonly provenance: Provenance;
  readonly limits: NodeLimits;
  readonly observer: NodeObserver;
  readonly parts: Parts;
  readonly wallMs: Millis;
  /** How often a fault hits the first node, whichever it is, rather than any. */
  readonly victimShare: number;
}

/** Records that a failover lost after somebody had read them: who did will tell the others. */
interface Loss {
  readonly witnesses: Set<FleetNode>;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #nodes = new Map<number, FleetNode>();
  readonly #closing = new Set<FleetNode>();
  readonly #losses = new Set<Loss>();
  #generation = 0;
  /** How far Redis' clock was set back in all: ages of what it holds are off by that much. */
  clockSetBackMs: Millis = 0;
  /** An invalidation is gone of which no trace is left: only its TTL ends what it made stale. */
  lostWithoutTrace = false;

  constructor(options: FleetOptions, count: number) {
    this.#options = options;
    for (let place = 0; place < count; place += 1) this.#begin(place);
  }

  /** Those that run, or are frozen. Never none: the last cannot be killed. */
  get nodes(): readonly FleetNode[] {
    return [...this.#nodes.values()].filter((node) => this.isUp(node));
  }

  isUp(node: FleetNode): boolean {
    return !node.clock.isDead && !this.#closing.has(node);
  }

  get victimShare(): number {
    return this.#options.victimShare;
  }

  at(place: number): FleetNode | undefined {
    const node = this.#nodes.get(place);
    return node !== undefined && this.isUp(node) ? node : undefined;
  }

  kill(node: FleetNode): void {
    if (this.nodes.length <= 1 || !this.isUp(node)) return;
    this.#end(node);
  }

  /** A new process takes the place of one that is dead. */
  replace(node: FleetNode): void {
    for (const [place, known] of this.#nodes) {
      if (known === node && node.clock.isDead) this.#begin(place);
    }
  }

  restart(node: FleetNode): void {
    if (this.nodes.length <= 1 || !this.isUp(node)) return;
    this.#closing.add(node);
    void node.node.close().then(() => {
      if (node.clock.isDead) return;
      this.#end(node);
      this.#closing.delete(node);
      this.replace(node);
    });
  }

  /** A replica has taken over that has only the first `count` records. */
  lost(count: number): void {
    const { ledger } = this.#options;
    const lost = ledger.lose(count);
    if (lost.length === 0) return;
    const [first] = lost as [Recorded];
    const witnesses = this.nodes.filter(({ position }) => position >= first.position);
    if (witnesses.length === 0) this.lostWithoutTrace = true;
    else this.#losses.add({ witnesses: new Set(witnesses) });
    // What a witness said of an earlier loss may be lost as well.
    if (lost.some(({ tellsLoss }) => tellsLoss)) this.lostWithoutTrace = true;
  }

  noticedGap(node: FleetNode): void {
    for (const loss of this.#losses) if (loss.witnesses.has(node)) this.#losses.delete(loss);
  }

  setRedisClock(aheadMs: Millis): void {
    const { redis } = this.#options.network;
    this.clockSetBackMs += Math.max(0, redis.clockAheadMs - aheadMs);
    redis.clockAheadMs = aheadMs;
  }

  heal(): void {
    for (const [place, node] of this.#nodes) {
      node.log.heldUntil = Number.NEGATIVE_INFINITY;
      node.clock.thaw();
      if (node.clock.isDead) this.#begin(place);
    }
  }

  #begin(place: number): void {
    const { time, random, wallMs } = this.#options;
    this.#generation += 1;
    // No two machines show the same time.
    const aheadMs = Math.floor(random() * 1e6);
    const clock = new MachineClock(time, { aheadMs, wallMs: wallMs + (random() - 0.5) * 1e5 });
    const name = `n${place}.${this.#generation}`;
    const node = new FleetNode({ ...this.#options, name, clock });
    this.#nodes.set(place, node);
    void node.start();
  }

  #end(node: FleetNode): void {
    if (node.unsettled > 0 || node.node.stats.outbox > 0) this.lostWithoutTrace = true;
    node.clock.kill();
    for (const wire of Object.values(node.wires)) this.#options.network.remove(wire);
    for (const loss of this.#losses) {
      loss.witnesses.delete(node);
      if (loss.witnesses.size === 0) this.lostWithoutTrace = true;
    }
  }
}
