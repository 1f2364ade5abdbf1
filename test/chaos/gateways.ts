/**
 * Three gateway nodes as an operator starts them, each a process of its own; one of them finds
 * Redis by wires that can be cut.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { GatewayStatus } from '../../src/gateway/gateway.ts';
import { startNodeProcess, type NodeProcess } from '../e2e/node-process.ts';
import { freePort, temporaryDirectory } from '../support/process.ts';
import type { Topology } from './topology.ts';
import { ProcessorWait } from './processor-wait.ts';
import { startWires, type Wires } from './wires.ts';

const GATEWAYS = 3;
/** The node whose wires can be cut. The others are spared that way. */
export const WIRED = 2;
export const MAX_STALENESS_MS = 500;

const PRELOAD = fileURLToPath(new URL('./wire.ts', import.meta.url));
const WATCH_EVERY_MS = 100;

export class Gateway {
  readonly port: number;
  readonly #start: () => Promise<NodeProcess>;
  readonly #wires: Wires | undefined;
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  readonly #processorWait = new ProcessorWait(() => this.#process?.pid);
  #process: NodeProcess | undefined;
  /** Told when the process ends by itself. */
  onCrash: (how: string) => void = () => undefined;
  /** Counts the processes; one that is down has none. */
  #incarnation = 0;
  #status: GatewayStatus | undefined;

  constructor({ port, wires, start }: {
    port: number;
    wires: Wires | undefined;
    start: () => Promise<NodeProcess>;
  }) {
    this.port = port;
    this.#wires = wires;
    this.#start = start;
    this.#watching = this.#watch();
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  /** As it said at most some 100 ms ago. */
  get hears(): boolean {
    return this.#status?.hears === true;
  }

  /** What leads it to Redis; a node without finds the way by itself. */
  get wires(): Wires | undefined {
    return this.#wires;
  }

  /** How long since `from` it was ready to run and had no processor, as `ProcessorWait`. */
  waitedForProcessor(from: number): number {
    return this.#processorWait.since(from);
  }

  /** Asks the node now. Rejects where it is down. */
  async status(): Promise<GatewayStatus> {
    if (this.#process === undefined) throw new Error('the gateway is down');
    return this.#process.status();
  }

  async start(): Promise<void> {
    const process = await this.#start();
    this.#process = process;
    void process.ended.then((how) => {
      if (this.#process === process) this.onCrash(how);
    });
  }

  /** SIGKILL. `isUp` is false from the moment on at which the signal is sent. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    this.#status = undefined;
    this.#incarnation += 1;
    await process?.kill();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#processorWait.stop();
    await this.kill();
    await this.#watching;
    await this.#wires?.stop();
  }

  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const incarnation = this.#incarnation;
      const status = await this.status().catch(() => undefined);
      if (incarnation === this.#incarnation) this.#status = status;
      await sleep(WATCH_EVERY_MS);
    }
  }
}

/** Resolves when all of them hear the log. */
export async function startGateways(
  topology: Topology,
  subgraphs: Record<string, string>,
): Promise<readonly Gateway[]> {
  const config = join(temporaryDirectory('chaos'), 'freshet.config.json');
  writeFileSync(config, JSON.stringify({
    host: '127.0.0.1', subgraphs, redis: topology.configured,
    cache: { maxStalenessMs: MAX_STALENESS_MS, defaultTtlSeconds: 3_600 },
  }));
  const gateways = await Promise.all(Array.from({ length: GATEWAYS }, async (_, node) => {
    const [port, adminPort] = [await freePort(), await freePort()];
    const wires = node === WIRED ? await startWires(topology.ports) : undefined;
    const environment = {
      FRESHET_REHEARSAL: 'true', CHAOS_WIRES: JSON.stringify(wires?.ports ?? []),
    };
    const start = (): Promise<NodeProcess> => startNodeProcess({
      config, port, adminPort, deaf: true, environment,
      ...(wires !== undefined && { preload: PRELOAD }),
    });
    return new Gateway({ port, wires, start });
  }));
  await Promise.all(gateways.map((gateway) => gateway.start()));
  return gateways;
}
