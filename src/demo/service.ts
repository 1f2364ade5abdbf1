/** What makes up one of the sample services, and what it is given. */
import type { GraphQLSchema } from 'graphql';
import type { InvalidationMessage } from '../invalidation/message.ts';
import type { Publisher } from '../invalidation/publisher.ts';
import type { Database } from './database.ts';
import type { Identity } from './identity.ts';
import type { Route } from './server.ts';

export interface ServiceParts {
  readonly database: Database;
  /** Called after a commit, never before it. */
  readonly publisher: Publisher;
}

export interface Service {
  readonly schema: GraphQLSchema;
  /** What it answers beside GraphQL, by path. */
  readonly routes?: Readonly<Record<string, Route>>;
  /** Where the service itself knows who is calling. */
  readonly identity?: Identity;
  /**
   * Hears of what other services changed. Called in the order of the log, and again after an
   * outage: doing it twice is the same as doing it once.
   */
  readonly onMessage?: (message: InvalidationMessage) => Promise<void>;
}

/** Brings its tables up to date and fills them the first time. */
export type StartService = (parts: ServiceParts) => Promise<Service>;
