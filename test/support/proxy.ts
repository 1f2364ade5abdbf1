/** A wire that a test can cut: passes TCP connections on to a port of this machine. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Proxy {
  readonly port: number;
  /** Breaks all connections off and refuses new ones. */
  cut(): void;
  /** Connections stay open and new ones are accepted, but nothing passes any more. */
  freeze(): void;
  /** From now on what passes arrives so much later, in each direction; 0 = at once. */
  delay(delayMs: number): void;
  /** Lets connections pass again; what was held back by `freeze` arrives now. */
  restore(): void;
  stop(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let state: 'passes' | 'cut' | 'frozen' = 'passes';
  let delayMs = 0;
  const add = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer({ noDelay: true }, (near) => {
    if (state === 'cut') {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    for (const [from, to] of [[near, far], [far, near]] as const) {
      add(from);
      // Timers of one length fire in order; one that was set when the delay was longer comes late.
      let before = Promise.resolve();
      from.on('data', (chunk) => {
        if (delayMs > 0) before = Promise.all([before, sleep(delayMs)]).then(() => undefined);
        void before.then(() => to.destroyed || to.write(chunk));
      });
      from.once('close', () => to.destroy());
      if (state === 'frozen') from.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cutAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = 'cut';
      cutAll();
    },
    freeze() {
      state = 'frozen';
      for (const socket of sockets) socket.pause();
    },
    delay(ms) {
      delayMs = ms;
    },
    restore() {
      state = 'passes';
      for (const socket of sockets) socket.resume();
    },
    async stop() {
      cutAll();
      server.close();
      await once(server, 'close');
    },
  };
}
