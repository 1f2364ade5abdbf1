/** Lets some live for a while, and tells how large V8 has let the space for that grow. */
import { setImmediate as turn } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import { boundHeapGrowth } from '../../src/ops/heap-growth.ts';

if (process.argv[2] === 'bound') boundHeapGrowth();
const alive: object[][] = [];
let oldBytesMax = 0;
for (let round = 0; round < 600; round += 1) {
  alive[round % 64] = Array.from({ length: 20_000 }, (_, n) => ({ n, round }));
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space');
  oldBytesMax = Math.max(oldBytesMax, space?.space_used_size ?? 0);
  await turn();
}
process.stdout.write(JSON.stringify({ oldBytesMax }));
