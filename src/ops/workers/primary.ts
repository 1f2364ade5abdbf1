/**
 * The process that starts the workers of a node and answers nothing itself: they share its ports
 * (`node:cluster` hands each connection to the next worker), and it lets them talk to each other.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Clock, Random } from '../../invalidation/clock.ts';
import { withBoundNewSpace } from '../heap-growth.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Logger } from '../logger.ts';
import type { FromWorker, ToWorker } from './envelope.ts';
import { PLACE_VARIABLE } from './place-variable.ts';
import { Switchboard } from './switchboard.ts';
import { WorkerPool, type PooledWorker, type Started } from './worker-pool.ts';

export interface PrimaryOptions {
  readonly workers: number;
  readonly log: Logger;
  readonly lifecycle: Pick<Lifecycle, 'onClose'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** Starts `workers` processes with this one's own command line; they belong to `lifecycle`. */
export function startWorkers(options: PrimaryOptions): Promise<Started> {
  const { workers, log, lifecycle, clock, random } = options;
  const { execArgv, env: { NODE_OPTIONS: nodeOptions } } = process;
  cluster.setupPrimary({ execArgv: [...withBoundNewSpace(execArgv, nodeOptions)] });
  const switchboard = new Switchboard();
  const pool = new WorkerPool({
    size: workers,
    clock,
    random,
    start: (place) => startWorker(switchboard, place),
    onReplaced: (exitCode) => log.warn({ exitCode }, 'a worker ended, another takes its place'),
  });
  lifecycle.onClose('workers', () => pool.close());
  return pool.open();
}

function startWorker(switchboard: Switchboard, place: number): PooledWorker {
  const worker = cluster.fork({ [PLACE_VARIABLE]: place });
  const ready = new Promise<unknown>((resolve) => {
    worker.on('message', (message: FromWorker) => {
      // One that is not yet there to reply holds up nobody: it has nothing cached either.
      if (message.kind === 'hello') switchboard.join(worker.id, (to) => send(worker, to));
      if (message.kind === 'ready') resolve(message.body);
      switchboard.take(worker.id, message);
    });
  });
  return { ready, ended: endOf(worker, switchboard), end: () => end(worker) };
}

function send(worker: Worker, message: ToWorker): void {
  // One that ends at this moment takes nothing any more; without a callback that ends the primary.
  if (worker.isConnected()) worker.send(message, () => undefined);
}

async function endOf(worker: Worker, switchboard: Switchboard): Promise<number> {
  const [exitCode] = await once(worker, 'exit') as [number | null];
  switchboard.leave(worker.id);
  return exitCode ?? 1;
}

function end(worker: Worker): void {
  worker.process.kill('SIGTERM');
}
