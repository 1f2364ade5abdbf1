/**
 * A cluster of two: one has taken port 0 of loopback twice, and answers nothing that it is asked
 * there; then the other one rehearses, and prints how many of its questions were answered.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { systemClock, systemRandom, type Clock } from '../../src/invalidation/clock.ts';
import { createLogger } from '../../src/ops/logger.ts';
import { rehearse } from '../../src/ops/rehearsal.ts';

const ROLE = 'TEST_ROLE';

async function conduct(): Promise<void> {
  const other = cluster.fork({ [ROLE]: 'listens' });
  await once(other, 'message');
  const rehearsing = cluster.fork({ [ROLE]: 'rehearses' });
  const [answered] = await once(rehearsing, 'message') as [number];
  process.stdout.write(`answered ${answered}\n`);
  const ended = [other, rehearsing].map((worker: Worker) => once(worker, 'exit'));
  other.kill();
  rehearsing.kill();
  await Promise.all(ended);
}

async function listenTwice(): Promise<void> {
  for (let at = 0; at < 2; at += 1) {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  process.send?.('listening');
}

if (cluster.isPrimary) await conduct();
else if (process.env[ROLE] === 'listens') await listenTwice();
else {
  const log = createLogger({ level: 'silent', production: true, write: () => undefined });
  // However slow this machine is, it gets to the end.
  const clock: Clock = {
    ...systemClock, after: (delayMs, task) => systemClock.after(20 * delayMs, task),
  };
  process.send?.(await rehearse({ clock, random: systemRandom, log }));
}
