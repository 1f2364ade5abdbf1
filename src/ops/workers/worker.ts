/** What a worker process has that one by itself has not: the others. */
import assert from 'node:assert/strict';
import cluster from 'node:cluster';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Clock } from '../../invalidation/clock.ts';
import type { Siblings } from '../../invalidation/siblings.ts';
import type { Colleagues } from './colleagues.ts';
import type { FromWorker, ToWorker } from './envelope.ts';
import { Line } from './line.ts';
import { PLACE_VARIABLE } from './place-variable.ts';
import { RollCall } from './roll-call.ts';
import { SiblingHolds } from './sibling-holds.ts';

export interface JoinOptions {
  /** How many there are. */
  readonly workers: number;
  readonly clock: Clock;
}

export interface JoinedWorker {
  /** This worker's part: the memory that is meant for the node is shared out. */
  readonly config: FreshetConfig;
  readonly siblings: Siblings;
  readonly colleagues: Colleagues;
  /** To be called when the listeners are open, with where. */
  ready(where: unknown): void;
}

/** Undefined where this process is no worker. */
export function joinWorkers(
  config: FreshetConfig,
  { workers, clock }: JoinOptions,
): JoinedWorker | undefined {
  if (!cluster.isWorker) return undefined;
  const send = (message: FromWorker): void => {
    // Where the primary is gone, this process is about to end as well, and is to end in order.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
  const line = new Line({ clock, send });
  process.on('message', (message: ToWorker) => line.take(message));
  send({ kind: 'hello' });
  return {
    config: shareOf(config, workers),
    siblings: new SiblingHolds(line),
    colleagues: new RollCall(line, Number(process.env[PLACE_VARIABLE])),
    ready: (where) => line.ready(where),
  };
}

const MIB = 1024 * 1024;

function shareOf(config: FreshetConfig, workers: number): FreshetConfig {
  assert(workers >= 1, 'a node has a worker');
  const { cache } = config;
  const { bytesMax, entriesMax } = cache.l1;
  const l1 = {
    ...cache.l1,
    bytesMax: Math.max(MIB, Math.floor(bytesMax / workers)),
    entriesMax: Math.max(1, Math.floor(entriesMax / workers)),
  };
  return { ...config, cache: { ...cache, l1 } };
}
