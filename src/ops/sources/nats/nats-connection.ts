/** Connections to NATS. They promise: no error of theirs shows a user, a password or a token. */
import { readFile } from 'node:fs/promises';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';

export interface NatsConnectOptions {
  readonly urls: readonly string[];
  readonly credentialsFile: string | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that answers none of two is gone. */
const PING_EVERY_MS = 5_000;

/** One connection that ends where it breaks: the loop of the source makes the next one. */
export async function connectNats(options: NatsConnectOptions): Promise<NatsConnection> {
  // Loaded only where a source is configured.
  const { connect, credsAuthenticator } = await import('@nats-io/transport-node');
  const { urls, credentialsFile } = options;
  const authenticator = credentialsFile === undefined
    ? {}
    : { authenticator: credsAuthenticator(await readFile(credentialsFile)) };
  return connect({
    ...serversOf(urls),
    ...authenticator,
    name: 'freshet-source',
    reconnect: false,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_EVERY_MS,
    maxPingOut: 2,
  });
}

/** The client takes credentials beside the servers, and for all of them the same. */
function serversOf(urls: readonly string[]): NodeConnectionOptions {
  const parsed = urls.map((url) => new URL(url));
  const one = parsed.find(({ username }) => username !== '');
  const [user, pass] = [one?.username, one?.password].map((text) =>
    (text === undefined || text === '' ? undefined : decodeURIComponent(text)));
  return {
    servers: parsed.map(({ host }) => host),
    ...(user === undefined ? {} : pass === undefined ? { token: user } : { user, pass }),
    ...(parsed.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
  };
}
