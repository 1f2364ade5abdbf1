/** Connections to RabbitMQ. They promise: no error of theirs shows a user or a password. */
import { readFile } from 'node:fs/promises';
import type { ChannelModel } from 'amqplib';

export interface RabbitmqConnectOptions {
  readonly url: string;
  /** Holds the password, in place of one in the URL. */
  readonly passwordFile: string | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that is silent for two of them is gone. */
const HEARTBEAT_SECONDS = 5;
/** User and password of a server that was just installed, which it takes from loopback only. */
const DEFAULT = 'guest';

/** One connection that ends where it breaks: the loop of the source makes the next one. */
export async function connectRabbitmq(options: RabbitmqConnectOptions): Promise<ChannelModel> {
  // Loaded only where a source is configured.
  const { connect } = await import('amqplib');
  const { protocol, hostname, port, username, password, pathname } = new URL(options.url);
  const { passwordFile } = options;
  const secret = passwordFile === undefined
    ? decodeURIComponent(password)
    : (await readFile(passwordFile, 'utf8')).trimEnd();
  return connect({
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { port: Number(port) }),
    username: decodeURIComponent(username) || DEFAULT,
    password: secret || DEFAULT,
    vhost: pathname.slice(1),
    heartbeat: HEARTBEAT_SECONDS,
  }, {
    timeout: CONNECT_TIMEOUT_MS,
    noDelay: true,
    clientProperties: { connection_name: 'freshet-source' },
  });
}
