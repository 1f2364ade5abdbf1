import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemClock, systemRandom, type Clock } from '../../src/invalidation/clock.ts';
import { createLogger } from '../../src/ops/logger.ts';
import { rehearse } from '../../src/ops/rehearsal.ts';
import { end, printed, spawnBound } from '../support/process.ts';
import { until } from '../support/until.ts';

const WORKERS = fileURLToPath(new URL('rehearsing-workers.ts', import.meta.url));

/** However slow this machine is, a rehearsal gets to its end. */
const patient: Clock = {
  ...systemClock, after: (delayMs, task) => systemClock.after(20 * delayMs, task),
};

function rehearsed(clock: Clock = patient) {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLogger({ level: 'debug', production: true, write });
  return { lines, answered: rehearse({ clock, random: systemRandom, log }) };
}

const sockets = (): number => process.getActiveResourcesInfo()
  .filter((kind) => kind.startsWith('TCP')).length;

describe('a rehearsal', () => {
  it('asks queries and mutations, each of which is answered, and leaves nothing open', async () => {
    const before = sockets();
    const { lines, answered } = rehearsed();
    expect(await answered).toBe(96);
    await until(() => sockets() <= before, { what: 'all connections are closed' });
    const events = lines.map((line) => JSON.parse(line) as { msg: string });
    // Nothing of the gateway that it makes for itself, no question and no answer.
    expect(events.map(({ msg }) => msg)).toEqual(['rehearsed']);
  });

  it('ends early where the machine is slow, and lets the node start', async () => {
    const late: Clock = {
      ...systemClock, after: (delayMs, task) => systemClock.after(Math.min(delayMs, 0), task),
    };
    expect(await rehearsed(late).answered).toBeLessThan(96);
  });

  it('is asked nothing by another worker of its node, and asks it nothing', async () => {
    const workers = spawnBound(process.execPath, [WORKERS]);
    try {
      const options = { name: 'workers' };
      expect(await printed(workers, /answered \d+/, options)).toContain('answered 96');
    } finally {
      await end(workers, 'SIGKILL');
    }
  });
});
