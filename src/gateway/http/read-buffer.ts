/**
 * Lets all connections of a server read into one buffer. Node's parser reads so by itself; for
 * whoever else reads from a socket, Node takes new memory for each piece, and to give that back was
 * nine tenths of each collection of new objects: 4 ms, in which nobody is answered.
 */
import type { Server } from 'node:http';
import { Socket, type SocketConstructorOpts } from 'node:net';

/** As much as Node reads at once. */
const READ_BYTES = 64 * 1024;

/** What is read is there for the length of the call. `false`: to stop reading. */
export type Receive = (piece: Buffer) => boolean;

/**
 * What Node has and does not document: a socket can be made of the handle of another one. Its own
 * modules do so; a Node without it serves its sockets as they are, each piece in new memory.
 */
interface WithHandle {
  _handle?: object | null;
}

/**
 * To be called before the server listens. `accept` is called for each connection before anything
 * of it is read; what it returns is called with all that the parser does not read itself.
 */
export function shareReadBuffer(server: Server, accept: (socket: Socket) => Receive): void {
  const serve = server.listeners('connection') as ((socket: Socket) => void)[];
  const shared = Buffer.allocUnsafeSlow(READ_BYTES);
  server.removeAllListeners('connection');
  Object.assign(server, { pauseOnConnect: true });
  server.on('connection', (accepted) => {
    const socket = withBuffer(accepted, shared, accept);
    for (const listener of serve) listener.call(server, socket);
  });
}

function withBuffer(
  accepted: Socket & WithHandle,
  buffer: Buffer,
  accept: (socket: Socket) => Receive,
): Socket {
  const { _handle: handle, readableFlowing } = accepted;
  if (!handle || readableFlowing !== false) {
    accept(accepted);
    return accepted;
  }
  const callback = (length: number): boolean => receive(buffer.subarray(0, length));
  const socket = new Socket({
    handle, allowHalfOpen: true, readable: true, writable: true, onread: { buffer, callback },
  } as SocketConstructorOpts);
  const receive = accept(socket);
  accepted._handle = null;
  // The server counts the one that it has made.
  socket.once('close', () => accepted.destroy());
  return socket;
}
