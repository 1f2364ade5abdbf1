/**
 * How long it takes until the dashboard shows something: the first paint, and the figures, of a
 * page that nothing is cached of, and how much is sent for it. `npm run bench:dashboard`
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { startTestNode } from '../test/e2e/fleet.ts';
import { startWorld } from '../test/e2e/world.ts';
import { findProgram } from '../test/support/process.ts';
import { requireProgram } from '../test/support/requirements.ts';

const ROUNDS = 10;
const build = fileURLToPath(new URL('../src/ops/dashboard/build.ts', import.meta.url));

interface Visit {
  readonly firstPaintMs: number;
  readonly figuresMs: number;
  readonly gzippedBytes: number;
}

execFileSync(process.execPath, [build, '--if-older']);
const world = await startWorld();
const node = await startTestNode({ subgraphs: world.subgraphs });
const executablePath = requireProgram({
  program: 'chromium', debianPackage: 'chromium', find: () => findProgram('chromium'),
});
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const visits: Visit[] = [];
// The first is of a browser that has itself not warmed up.
for (let round = 0; round <= ROUNDS; round += 1) visits.push(await visit());
await browser.close();
await node.stop();
await world.stop();

console.log(`browser               ${browser.version()}`);
console.log(`first paint           ${spread((one) => one.firstPaintMs)} ms`);
console.log(`figures of the node   ${spread((one) => one.figuresMs)} ms`);
console.log(`sent, if compressed   ${visits[0]?.gzippedBytes} bytes`);
process.exit(0);

async function visit(): Promise<Visit> {
  const context = await browser.newContext();
  const page = await context.newPage();
  let gzippedBytes = 0;
  const files: Promise<void>[] = [];
  page.on('response', (response) => {
    if (/\/admin\//.test(response.url())) return;
    files.push(response.body().then((body) => {
      gzippedBytes += gzipSync(body).length;
    }));
  });
  const began = performance.now();
  await page.goto(node.adminUrl);
  await page.getByText('Requests a second').first().waitFor();
  const figuresMs = performance.now() - began;
  const paints: { startTime: number }[] =
    await page.evaluate('performance.getEntriesByName("first-contentful-paint")');
  await Promise.all(files);
  await context.close();
  return { firstPaintMs: paints[0]?.startTime ?? Number.NaN, figuresMs, gzippedBytes };
}

/** Least, median and most, without the first. */
function spread(of: (one: Visit) => number): string {
  const values = visits.slice(1).map(of).toSorted((one, other) => one - other);
  const [least, median, most] = [values[0], values[Math.floor(values.length / 2)], values.at(-1)];
  return `${least?.toFixed(0)} / ${median?.toFixed(0)} / ${most?.toFixed(0)}`;
}
