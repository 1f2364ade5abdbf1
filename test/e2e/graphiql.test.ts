/** GraphiQL in a browser: what the cache did is said of each answer. */
import { renderGraphiQL } from 'graphql-yoga';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from '../support/browser.ts';
import { freePort } from '../support/process.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let node: TestNode;
let browser: TestBrowser;
beforeAll(async () => {
  world = await startWorld();
  const adminPort = await freePort();
  [node, browser] = await Promise.all([
    startTestNode({ subgraphs: world.subgraphs, graphiql: true, adminPort }),
    startBrowser(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await node?.stop();
  await world?.stop();
});

it('shows of each answer what the cache did, with a link to explain it', async () => {
  const { origin } = new URL(node.url);
  const { page, errors, foreign } = await browser.open({ origin });
  const own = 'var YogaGraphiQL = { renderYogaGraphiQL() {} }';
  await page.route((url) => url.origin !== origin, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: own }));
  await page.goto('/graphql');
  const ask = (body: object) => page.evaluate(async (text) => {
    const headers = { 'content-type': 'application/json' };
    await (await fetch('/graphql', { method: 'POST', headers, body: text })).text();
  }, JSON.stringify(body));
  const line = page.getByRole('status');

  const query = 'query A($id: ID!) { user(id: $id) { name } }';
  await ask({ query, variables: { id: '1' }, operationName: 'A' });
  await page.getByText('Cache: miss, stored').waitFor();
  await ask({ query, variables: { id: '1' }, operationName: 'A' });
  await page.getByText('Cache: hit: memory of this process').waitFor();
  expect(await line.count()).toBe(1);
  expect(await line.textContent()).toMatch(/TTL \d+ s.*age 0 s.*position \d+-\d+/);

  const link = new URL(await line.getByRole('link').getAttribute('href') ?? '');
  expect(link.port).toBe(new URL(node.adminUrl).port);
  expect(Object.fromEntries(new URLSearchParams(link.hash.split('?')[1]))).toEqual({
    query, variables: '{"id":"1"}', operationName: 'A',
  });
  await ask({ query: '{ __schema { queryType { name } } }' });
  await page.getByText('Cache: bypass: it asks for the schema').waitFor();

  const yogas = renderGraphiQL({});
  expect(foreign.filter((url) => !yogas.includes(url))).toEqual([]);
  expect(errors).toEqual([]);
});
