/** Puts the explaining together: what the configuration says of it, and whom it asks. */
import { randomUUID } from 'node:crypto';
import type { Clock, Random } from '../invalidation/clock.ts';
import { MemoryHistory, RedisHistory, type LogHistory } from '../invalidation/history.ts';
import { RedisLogArchive } from '../invalidation/log-redis-archive.ts';
import type { Log } from '../invalidation/log.ts';
import { MessageMaker } from '../invalidation/message-maker.ts';
import type { FreshetConfig } from './config/config.ts';
import { Endings } from './explaining/endings.ts';
import { Explainer, type ExplainerOptions } from './explaining/explainer.ts';
import { callerReaderOf } from './gateway-yoga.ts';
import { DocumentLimits } from './http/document-limits.ts';
import { redisConnection } from './invalidation-node.ts';

export interface GatewayExplainerParts extends Pick<ExplainerOptions, 'core' | 'current'> {
  readonly clock: Clock;
  readonly random: Random;
  /** The one in this process, where there is one. */
  readonly invalidationLog: Log | undefined;
}

export interface GatewayExplainer {
  readonly explainer: Explainer;
  readonly close: () => void;
}

/** Connects to nothing before something is explained. */
export function createExplainer(
  config: FreshetConfig,
  parts: GatewayExplainerParts,
): GatewayExplainer {
  const { core, current, clock } = parts;
  const { cache, limits } = config;
  const { history, close } = historyOf(config, parts);
  const { node } = core;
  const maker = new MessageMaker({ sourceService: 'freshet', clock, newId: () => randomUUID() });
  const explainer = new Explainer({
    core,
    current,
    callerOf: callerReaderOf(config, clock),
    limits: new DocumentLimits(limits),
    endings: new Endings({
      history, clock,
      purgesOf: (message) => node.purgesOf(message),
      floor: () => node.horizon.floor,
    }),
    responses: cache.enabled && cache.responses,
    entities: cache.enabled && cache.entities,
    messageOf: (key) => maker.batch([key]),
  });
  return { explainer, close };
}

function historyOf(
  { redis, log: { stream } }: FreshetConfig,
  { clock, random, invalidationLog }: GatewayExplainerParts,
): { history: LogHistory | undefined; close: () => void } {
  const nothing = (): void => undefined;
  if (invalidationLog !== undefined) {
    return { history: new MemoryHistory(invalidationLog), close: nothing };
  }
  if (redis === undefined) return { history: undefined, close: nothing };
  const connection = { redis: redisConnection(redis), stream, clock, random };
  let archive: RedisLogArchive | undefined;
  const opened = (): RedisLogArchive => (archive ??= new RedisLogArchive(connection));
  const history = new RedisHistory({
    after: (position) => opened().after(position),
    backwards: () => opened().backwards(),
  });
  return { history, close: () => archive?.close() };
}
