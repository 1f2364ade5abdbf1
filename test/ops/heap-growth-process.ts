/** Lets much live for a short time, and tells how large V8 has let its spaces grow. */
import { setImmediate as turn } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import { systemClock } from '../../src/invalidation/clock.ts';
import { boundHeapGrowth } from '../../src/ops/heap-growth.ts';

const [flags] = process.argv.slice(2);
const end = flags === undefined ? undefined : boundHeapGrowth(systemClock, [flags]);
const alive: object[][] = [];
let newBytesMax = 0;
for (let round = 0; round < 150; round += 1) {
  alive[round % 64] = Array.from({ length: 20_000 }, (_, n) => ({ n, round }));
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  newBytesMax = Math.max(newBytesMax, space?.space_size ?? 0);
  await turn();
}
end?.();
process.stdout.write(JSON.stringify({ newBytesMax }));
