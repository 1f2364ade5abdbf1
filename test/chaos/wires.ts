/**
 * The wires of one node to Redis, in a thread of their own: what passes there must not wait for the
 * load. As the thread, it runs the proxies; imported, it starts the thread.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { startProxy } from '../support/proxy.ts';

export interface Wires {
  /** By the port of Redis: the one to go to instead. */
  readonly ports: Readonly<Record<string, number>>;
  /** Breaks all connections off and refuses new ones. */
  cut(): void;
  /** Nothing passes any more, and nobody is told. */
  freeze(): void;
  /** What passes arrives so much later, in each direction. */
  delay(delayMs: number): void;
  restore(): void;
  stop(): Promise<void>;
}

type Order = { readonly to: 'cut' | 'freeze' | 'restore' } | {
  readonly to: 'delay';
  readonly delayMs: number;
};

export async function startWires(targets: readonly number[]): Promise<Wires> {
  const thread = new Worker(new URL(import.meta.url), { workerData: targets });
  const [ports] = await once(thread, 'message') as [Record<string, number>];
  thread.unref();
  // The rule is about windows of a browser.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  const order = (message: Order): void => thread.postMessage(message);
  return {
    ports,
    cut: () => order({ to: 'cut' }),
    freeze: () => order({ to: 'freeze' }),
    delay: (delayMs) => order({ to: 'delay', delayMs }),
    restore: () => order({ to: 'restore' }),
    stop: async () => void (await thread.terminate()),
  };
}

if (!isMainThread && parentPort !== null && Array.isArray(workerData)) {
  const targets = workerData as number[];
  const proxies = await Promise.all(targets.map((target) => startProxy(target)));
  parentPort.on('message', (order: Order) => {
    for (const proxy of proxies) {
      if (order.to === 'delay') proxy.delay(order.delayMs);
      else proxy[order.to]();
    }
  });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort.postMessage(Object.fromEntries(targets.map((to, at) => [to, proxies[at]?.port])));
}
