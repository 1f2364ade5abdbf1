/**
 * `freshet-gateway/invalidation/postgres`: a transactional outbox for services that keep their data
 * in PostgreSQL. It loads no client of PostgreSQL: the service brings its own (`pg`).
 */
export type { PostgresClient, Queryable } from './client.ts';
export { outboxSql, type OutboxTableOptions } from './table.ts';
export { PostgresOutbox, type PostgresOutboxOptions } from './outbox.ts';
export { OutboxRelay, type OutboxRelayOptions, type OutboxRelayStats } from './relay.ts';
export type { Invalidation } from '../invalidation.ts';
