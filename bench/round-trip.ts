/** What Redis alone takes: one GET at a time, from a socket of this process. */
import { once } from 'node:events';
import { connect } from 'node:net';

const GETS = 5_000;

/** The median of many, in us, for a value of so many bytes. */
export async function roundTripUs(port: number, bytes: number): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const key = 'bench:round-trip';
  const name = `$${key.length}\r\n${key}\r\n`;
  socket.write(`*3\r\n$3\r\nSET\r\n${name}$${bytes}\r\n${'x'.repeat(bytes)}\r\n`);
  await once(socket, 'data');
  const expected = `$${bytes}\r\n`.length + bytes + 2;
  const took: number[] = [];
  await new Promise<void>((resolve) => {
    let left = expected;
    let sentAt = 0;
    const send = (): void => {
      sentAt = performance.now();
      socket.write(`*2\r\n$3\r\nGET\r\n${name}`);
    };
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left > 0) return;
      took.push((performance.now() - sentAt) * 1_000);
      left = expected;
      if (took.length < GETS) send();
      else resolve();
    });
    send();
  });
  socket.destroy();
  return took.sort((a, b) => a - b)[GETS / 2] ?? Number.NaN;
}
