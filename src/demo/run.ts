/** Runs one service: its database, its publisher, its ear to the log, its HTTP server. */
import type { Log } from '../invalidation/log.ts';
import { createPublisher } from '../invalidation/publisher.ts';
import { startAuth } from './auth/service.ts';
import { startContent } from './content/service.ts';
import type { Database } from './database.ts';
import { startFeed } from './feed/service.ts';
import { introspecting } from './identity.ts';
import { listen } from './listener.ts';
import { startNotifications } from './notifications/service.ts';
import { serve, type RunningServer } from './server.ts';
import type { StartService } from './service.ts';
import { startUsers } from './users/service.ts';

/** Auth first: the others ask it who is calling. */
export const SERVICE_NAMES = ['auth', 'users', 'content', 'feed', 'notifications'] as const;

export type ServiceName = (typeof SERVICE_NAMES)[number];

export const DEFAULT_PORTS: Readonly<Record<ServiceName, number>> = {
  users: 5001, content: 5002, feed: 5003, notifications: 5004, auth: 5005,
};

const STARTS: Readonly<Record<ServiceName, StartService>> = {
  users: startUsers,
  content: startContent,
  feed: startFeed,
  notifications: startNotifications,
  auth: startAuth,
};

/** Where invalidations go and come from. */
export type LogSource = { readonly log: Log } | { readonly redis: string };

export interface RunOptions {
  readonly database: Database;
  readonly source: LogSource;
  readonly host: string;
  readonly port: number;
  readonly slowMs: number;
  /** Where auth tells who a token belongs to; auth itself does without. */
  readonly introspectionUrl: string;
  readonly onError: (error: unknown) => void;
}

export interface RunningService {
  /** `http://127.0.0.1:5001`; GraphQL is at `/graphql`. */
  readonly origin: string;
  /** Answers the requests under way and hands over what is to be published. Keeps the database. */
  close(): Promise<void>;
}

/** Rejects where the tables cannot be made or the port cannot be had. */
export async function runService(name: ServiceName, options: RunOptions): Promise<RunningService> {
  const { database, source, onError } = options;
  const publisher = createPublisher({ ...source, source: `${name}-service` });
  try {
    const service = await STARTS[name]({ database, publisher });
    const { onMessage } = service;
    const listener = onMessage === undefined
      ? undefined
      : await listen({ schema: name, database, source, onMessage, onError });
    let server: RunningServer;
    try {
      server = await serve({
        ...options,
        schema: service.schema,
        routes: service.routes ?? {},
        identity: service.identity ?? introspecting(options.introspectionUrl),
      });
    } catch (error) {
      await listener?.close();
      throw error;
    }
    return {
      origin: server.origin,
      async close() {
        await server.close();
        await listener?.close();
        await publisher.close();
      },
    };
  } catch (error) {
    await publisher.close();
    throw error;
  }
}
