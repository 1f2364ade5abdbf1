/** What every peer does alike: listens where it is told, says so, and counts what was resolved. */
import { origin } from '../workload.ts';

export const port = Number(process.argv[2]);
export const argument = process.argv[3];

export function ready() {
  process.on('message', (message) => {
    if (message === 'calls') process.send(origin.calls);
  });
  process.send('ready');
}
