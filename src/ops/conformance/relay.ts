/**
 * A wire that the kit can cut: it listens on a port of loopback and passes TCP connections on to
 * another. Let a node reach what it hears of purges by (Redis, say) through it.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Relay {
  /** Breaks all connections off and refuses new ones. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

export interface RelayOptions {
  readonly port: number;
  readonly targetHost: string;
  readonly targetPort: number;
}

/** Rejects where it cannot listen. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { port, targetHost, targetPort } = options;
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(targetPort, targetHost);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.maxConnections = 1_000;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    cut() {
      isCut = true;
      breakOff();
    },
    restore() {
      isCut = false;
    },
    async close() {
      breakOff();
      server.close();
      await once(server, 'close');
    },
  };
}
