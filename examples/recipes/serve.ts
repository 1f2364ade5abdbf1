/** The service of a recipe, as a process: `npx node examples/recipes/serve.ts shop`. */
import { parseArgs } from 'node:util';
import { startAnalytics } from './analytics/service.ts';
import { startFeed } from './feed/service.ts';
import { startShop } from './shop/service.ts';

const RECIPES = { shop: startShop, feed: startFeed, analytics: startAnalytics };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    redis: { type: 'string', default: 'redis://127.0.0.1:6379' },
    port: { type: 'string', default: '4101' },
  },
});
const start = Object.entries(RECIPES).find(([name]) => name === positionals[0])?.[1];
if (start === undefined) {
  process.stderr.write(`one of ${Object.keys(RECIPES).join(', ')} was required\n`);
  process.exit(2);
}
const { redis, port } = values;
const service = await start({ redis, port: Number(port) });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void service.close().then(() => process.exit(0)));
}
process.stdout.write(`${positionals[0]} answers at ${service.url}\n`);
