/** What a fault may touch: Redis, the gateways and their wires, and the load that has to know. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/invalidation/clock.ts';
import { until } from '../support/until.ts';
import type { Gateway } from './gateways.ts';
import type { Load } from './load.ts';
import type { Topology } from './topology.ts';

/** How long a node trusts what it heard last (`hearingTimeoutMs`). */
const HEARING_MS = 1_000;

export interface SceneOptions {
  readonly topology: Topology;
  readonly gateways: readonly Gateway[];
  readonly load: Load;
  readonly random: Random;
}

export class Scene {
  readonly topology: Topology;
  readonly gateways: readonly Gateway[];
  readonly load: Load;
  readonly random: Random;

  constructor({ topology, gateways, load, random }: SceneOptions) {
    this.topology = topology;
    this.gateways = gateways;
    this.load = load;
    this.random = random;
  }

  /** A time between the two. */
  lasts(leastMs: number, mostMs: number): Promise<void> {
    return sleep(leastMs + this.random() * (mostMs - leastMs));
  }

  /**
   * These nodes, all by default, are cut off from the log until this resolves, which is after
   * `lastsMs` at least: as soon as they say that they are deaf they are held to `maxStalenessMs`.
   */
  async deaf(lastsMs: number, nodes: readonly number[] = [...this.gateways.keys()]): Promise<void> {
    // A heartbeat from before the fault may make a node trust the log again for as long as that.
    await sleep(HEARING_MS);
    const over = sleep(lastsMs);
    await until(() => nodes.every((node) => this.gateways[node]?.hears === false), {
      what: `nodes ${nodes.join(', ')} notice that they are deaf`, deadlineMs: 10_000,
    });
    for (const node of nodes) this.load.deaf(node, 1);
    await over;
    for (const node of nodes) this.load.deaf(node, -1);
  }

  /** SIGKILL. */
  async killGateway(node: number): Promise<void> {
    const killed = this.gateways[node]?.kill();
    this.load.killed(node);
    await killed;
  }
}
