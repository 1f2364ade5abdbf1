/**
 * Floods a whole node with bad requests, and with good ones that are all different, and prints how
 * much memory was in use before and after. Run with `--expose-gc`.
 */
import { startTestNode } from './fleet.ts';
import { startWorld } from './world.ts';

/** Fills every cache that is bounded by count, so that what grows after it has no bound. */
const WARM_UP_ROUNDS = 30;
const ROUNDS = 60;

const world = await startWorld();
const node = await startTestNode({
  subgraphs: world.subgraphs,
  cache: { l1: { bytesMax: 1024 * 1024, entriesMax: 100 }, horizon: { marksMax: 1_000 } },
});
let sent = 0;
let refused = 0;

await rounds(WARM_UP_ROUNDS);
const before = await heapBytes();
await rounds(ROUNDS);
const after = await heapBytes();
process.stdout.write(JSON.stringify({ before, after, refused }));
await node.stop();
await world.stop();
process.exit(0);

async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) await Promise.all(requests().map(post));
}

/** No two of them are equal. */
function requests(): string[] {
  sent += 1;
  const asking = (query: string, variables = {}): string => JSON.stringify({ query, variables });
  const numbered = (length: number, text: (n: number) => string): string =>
    Array.from({ length }, (_, n) => text(n)).join(' ');
  return [
    'x'.repeat(1_200_000 + sent),
    `{"query":"${'y'.repeat(100_000)}${sent}`,
    asking(`{ ${'a { '.repeat(100_000 + sent)}`),
    asking(`{ a${sent} ${'a{'.repeat(200)}${'}'.repeat(200)} }`),
    asking(`{ ${numbered(10_000, (n) => `a${sent}_${n}: __typename`)} }`),
    asking(`{ users { ${numbered(1_000, (n) => `nmae${sent}_${n}`)} } }`),
    asking(`{ ${numbered(1_000, (n) => `...F${sent}_${n}`)} }`),
    asking(`{ user(id: "${'z'.repeat(10_000)}${sent}") { nope${sent} } }`),
    asking('query ($id: ID!) { user(id: $id) { name } }', { id: [`${'z'.repeat(10_000)}${sent}`] }),
    asking('query ($id: ID!) { user(id: $id) { name } }', { id: `${'z'.repeat(10_000)}${sent}` }),
    asking(`{ a${sent}: user(id: "${sent}") { b${sent}: name } }`),
    asking(`mutation { rename(id: "${sent}", name: "n") { id } }`),
    `{"query":"{ users { id } }","variables":{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`,
  ];
}

async function post(body: string): Promise<void> {
  const headers = {
    'content-type': 'application/json', 'accept': 'application/graphql-response+json',
  };
  const response = await fetch(node.url, { method: 'POST', headers, body });
  await response.arrayBuffer();
  if (response.status >= 400) refused += 1;
}

async function heapBytes(): Promise<number> {
  for (let n = 0; n < 3; n += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
