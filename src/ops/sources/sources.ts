/** Puts the sources of a node together, as the configuration says. */
import assert from 'node:assert/strict';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import { redisConnection } from '../../gateway/invalidation-node.ts';
import type { Clock, Random } from '../../invalidation/clock.ts';
import { RedisLog } from '../../invalidation/log-redis.ts';
import type { Log } from '../../invalidation/log.ts';
import { NatsSource } from './nats/nats-source.ts';
import { OutboxSource } from './postgres/outbox-source.ts';
import { ReplicationSource } from './postgres/replication-source.ts';
import { readTableMapping } from './postgres/table-mapping.ts';
import { RabbitmqSource } from './rabbitmq/rabbitmq-source.ts';
import type { InvalidationSource, SourceStats, SourceSurroundings } from './source.ts';

export interface SourcesDependencies {
  readonly warn: (text: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  /** The log of the process, where the configuration names no Redis. It is not closed. */
  readonly log: Log | undefined;
}

export interface Sources {
  readonly stats: readonly SourceStats[];
  /** Begins to read, and waits for nothing. */
  start(): void;
  close(): Promise<void>;
}

/** Nobody waits for an append but the next one: there is more time than for a caller. */
const APPEND_TIMEOUT_MS = 2_000;

/** Undefined where none are configured. Connects to nothing before `start`. */
export function createSources(
  config: FreshetConfig,
  dependencies: SourcesDependencies,
): Sources | undefined {
  const { postgres, nats, rabbitmq } = config.sources;
  const count = [postgres, nats, rabbitmq].flatMap((kind) => Object.keys(kind)).length;
  if (count === 0) return undefined;
  const { warn, clock, random } = dependencies;
  const { log, close } = logOf(config, dependencies);
  const around = (name: string): SourceSurroundings => ({ name, sink: log, warn, clock, random });
  const sources = [
    ...Object.entries(postgres).map(([name, one]) => postgresSource(one, around(name))),
    ...Object.entries(nats).map(([name, { consumer = `freshet_${name}`, ...one }]) =>
      new NatsSource({ ...one, consumer, ...around(name) })),
    ...Object.entries(rabbitmq).map(([name, { queue = `freshet_${name}`, ...one }]) =>
      new RabbitmqSource({ ...one, queue, ...around(name) })),
  ];
  return {
    get stats() {
      return sources.map(({ stats }) => stats);
    },
    start() {
      for (const source of sources) source.start();
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()));
      await close();
    },
  };
}

type PostgresConfig = FreshetConfig['sources']['postgres'][string];

function postgresSource(
  { url, read, outbox, tables, slot, publication, retainedBytesMax }: PostgresConfig,
  surroundings: SourceSurroundings,
): InvalidationSource {
  switch (read) {
    case 'outbox':
      return new OutboxSource({ ...surroundings, url, outbox });
    case 'replication':
      return new ReplicationSource({
        ...surroundings, url, publication, retainedBytesMax,
        slot: slot ?? `freshet_${surroundings.name}`,
        mappings: tables.map(readTableMapping),
      });
    default:
      return read satisfies never;
  }
}

function logOf(
  { redis, log: options }: FreshetConfig,
  { log, clock, random }: SourcesDependencies,
): { log: Log; close: () => Promise<void> } {
  if (log !== undefined || redis === undefined) {
    assert(log !== undefined, 'sources have a log to append to');
    return { log, close: async () => undefined };
  }
  const own = new RedisLog({
    ...options, redis: redisConnection(redis), appendTimeoutMs: APPEND_TIMEOUT_MS, clock, random,
  });
  return { log: own, close: () => own.close() };
}
