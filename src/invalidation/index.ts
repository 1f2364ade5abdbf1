/**
 * `freshet-gateway/invalidation`: what a microservice needs to say what has changed, to hear it,
 * and to judge by it. It loads no GraphQL package.
 */
export {
  createPublisher, Publisher, type EntityOptions, type Published, type PublisherOptions,
} from './publisher.ts';
export { createSubscriber, Subscriber, type SubscriberOptions } from './subscriber.ts';
export type { CallbackOptions, Delivery } from './callbacks.ts';
export type { PositionStore } from './position-store.ts';
export { FilePositionStore } from './position-file.ts';
export { RedisPositionStore, type RedisPositionStoreOptions } from './position-redis.ts';
export { MemoryPositionStore } from './position-memory.ts';
export { MemoryBus, type MemoryBusOptions } from './memory-bus.ts';
export {
  InvalidationNode, type InvalidationNodeOptions, type NodeRedisOptions, type NodeStats,
} from './node.ts';
export type { StatsSnapshot } from './stats.ts';
export type { Latency, Percentiles } from './histogram.ts';
export {
  METRICS_CONTENT_TYPE, serviceMetrics, type ServiceMetricsSource,
} from './service-metrics.ts';
export type { RedisAddress, RedisOptions, RedisSettings } from './redis-options.ts';

export { FreshetError, FAULTS, type FaultCode } from './errors.ts';

export {
  collectionTag, entityTag, escapeSegment, readTag, segmentsOf, tagOf, unescapeSegment, type Tag,
} from './tag.ts';
export { keys, pattern } from './names.ts';
export { KeyMap, type KeyTemplates } from './key-map.ts';
export { patternText, readPattern, type Pattern, type PatternLimits } from './pattern.ts';
export type { Purge } from './purge.ts';

export {
  entityTypeName, entityTypeOf, readMessage, writeMessage,
  type Action, type EntityType, type InvalidationMessage, type MessageLimits, type Metadata,
} from './message.ts';
export { MessageMaker, type MessageMakerOptions } from './message-maker.ts';
export { purgesOf } from './purges-of.ts';

export type { AppendOptions, Log, LogEvent, LogRecord } from './log.ts';
export { MemoryLog, type MemoryLogOptions } from './log-memory.ts';
export { RedisLog, type RedisLogOptions } from './log-redis.ts';
export { Horizon, type HorizonLimits } from './horizon.ts';
export { formatPosition, ORIGIN, parsePosition, type Position } from './position.ts';
export {
  systemClock, systemRandom, type Clock, type Millis, type Random,
} from './clock.ts';
