/** The page in a browser, on real nodes: each view is seen and used. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  accessibilityFaults, overflowOf, startBrowser, type PageOptions, type TestBrowser,
  type WatchedPage,
} from '../../support/browser.ts';
import { freePort } from '../../support/process.ts';
import { until } from '../../support/until.ts';
import { startTestNode, type TestNode } from '../../e2e/fleet.ts';
import { startWorld, type World } from '../../e2e/world.ts';

// The browser may have to be installed first.
vi.setConfig({ hookTimeout: 300_000 });

const BUILD = fileURLToPath(new URL('../../../src/ops/dashboard/build.ts', import.meta.url));
const QUERY = '{ user(id: "1") { name } }';
const TOKENS = { reader: 'token-of-a-reader', purger: 'token-of-a-purger' };
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

let world: World;
/** With tokens and an audit. */
let guarded: TestNode;
/** Without: whoever is on this machine may do everything. */
let open: TestNode;
let browser: TestBrowser;
let openPort = 0;
const pages: WatchedPage[] = [];
/** Of one test alone. */
const nodes: TestNode[] = [];

beforeAll(async () => {
  execFileSync(process.execPath, [BUILD, '--if-older']);
  world = await startWorld();
  openPort = await freePort();
  [guarded, open, browser] = await Promise.all([
    startTestNode({
      subgraphs: world.subgraphs,
      audit: { enabled: true },
      rehearsal: false,
      adminTokens: [
        { name: 'the-reader', role: 'read', hash: hashOf(TOKENS.reader) },
        { name: 'the-purger', role: 'purge', hash: hashOf(TOKENS.purger) },
      ],
    }),
    openNode(),
    startBrowser(),
  ]);
});

afterAll(async () => {
  await browser?.close();
  await Promise.all([guarded?.stop(), open?.stop()]);
  await world?.stop();
});

/** Whatever a test is about, nothing may go wrong unseen, and nothing may leave the machine. */
afterEach(async () => {
  for (const { errors, foreign, close } of pages.splice(0)) {
    await close();
    expect([...errors, ...foreign]).toEqual([]);
  }
  for (const { stop } of nodes.splice(0)) await stop();
});

function openNode(): Promise<TestNode> {
  return startTestNode({ subgraphs: world.subgraphs, adminPort: openPort, rehearsal: false });
}

async function visit(
  node: TestNode,
  hash: string,
  { token, ...options }: Omit<PageOptions, 'origin'> & { token?: string } = {},
): Promise<Page> {
  const watched = await browser.open({ ...options, origin: node.adminUrl });
  pages.push(watched);
  const { page } = watched;
  if (token !== undefined) {
    await page.addInitScript((text) => sessionStorage.setItem('freshet-token', text), token);
  }
  await page.goto(`/#/${hash}`);
  return page;
}

const asPurger = { token: TOKENS.purger };
const asReader = { token: TOKENS.reader };

describe('who asks', () => {
  it('is asked for a token, told where it is wrong, and let in with a right one', async () => {
    const page = await visit(guarded, 'nodes');
    const token = page.getByLabel('Token', { exact: true });
    await token.fill('a token of somebody else');
    await page.getByRole('button', { name: 'Use token' }).click();
    await page.getByText('The node does not know this token.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await token.fill(TOKENS.reader);
    await token.press('Enter');
    await page.getByRole('heading', { name: '1 node' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: '1 node' }).waitFor();
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(TOKENS.reader);
    await page.getByRole('button', { name: 'Forget token' }).click();
    await token.waitFor();
  });
});

describe('the overview', () => {
  it('says so before the first request, shows hits climb, and a mutation as a purge', async () => {
    const node = await startTestNode({ subgraphs: world.subgraphs, rehearsal: false });
    nodes.push(node);
    const page = await visit(node, 'overview');
    await page.getByText('No request has been answered yet.').waitFor();
    await page.getByText('None since this page was opened.').waitFor();
    const hits = page.getByRole('row', { name: /^Hit in memory/ }).getByRole('cell').last();
    for (let round = 0; round < 5; round += 1) await node.ask(QUERY);
    await expect.poll(() => hits.textContent()).toBe('4');
    for (let round = 0; round < 5; round += 1) await node.ask(QUERY);
    await expect.poll(() => hits.textContent()).toBe('9');
    await page.getByRole('row', { name: /^User/ }).waitFor();

    await node.ask('mutation { rename(id: "1", name: "Bea") { name } }');
    const purge = page.getByRole('region', { name: 'Latest purges' })
      .getByRole('row', { name: /user:1/ });
    await purge.waitFor();
    expect(await purge.textContent()).toMatch(/freshet/);
    await expect.poll(() => page.getByRole('status').first().textContent())
      .toMatch(/^1 purge: .*user:1/);
  });

  it('holds the list still while it is read', async () => {
    const page = await visit(open, 'overview');
    const list = page.getByRole('region', { name: 'Latest purges' });
    await page.getByText('None since this page was opened.').waitFor();
    // The stream of purges has begun once the first is seen.
    await expect.poll(async () => {
      await open.ask('mutation { rename(id: "2", name: "Cid") { name } }');
      return list.count();
    }, { interval: 200 }).toBe(1);
    await page.getByRole('button', { name: 'Hold' }).click();
    const shown = await list.getByRole('row').count();
    await open.ask('mutation { rename(id: "3", name: "Dan") { name } }');
    const held = page.getByRole('button', { name: /^Held, [1-9]/ });
    await held.waitFor();
    expect(await list.getByRole('row').count()).toBe(shown);
    await held.click();
    await list.getByRole('row', { name: /user:3/ }).waitFor();
  });

  it('says that the node is away, and goes on by itself when it is back', async () => {
    const page = await visit(open, 'overview');
    await page.getByText('Requests a second').first().waitFor();
    await open.stop();
    await page.getByText('The node does not answer.').waitFor();
    open = await openNode();
    await page.getByText('The node does not answer.').waitFor({ state: 'detached' });
  });
});

describe('tags', () => {
  it('shows what depends on one, tries a purge, and purges when that is confirmed', async () => {
    await guarded.ask(QUERY);
    const page = await visit(guarded, 'tags', asPurger);
    await page.getByLabel('Tag', { exact: true }).fill('user:1');
    await page.getByRole('button', { name: 'Look' }).click();
    await page.getByRole('heading', { name: 'What depends on user:1' }).waitFor();
    await page.getByRole('link', { name: /^response:/ }).first().waitFor();
    expect(page.url()).toMatch(/#\/tags\?tag=user%3A1$/);

    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText(/It would purge/).waitFor();
    expect((await guarded.ask(QUERY)).cache).toBe('hit');

    await page.getByLabel(/^Reason/).fill('a wrong name');
    await page.getByRole('button', { name: 'Purge...' }).click();
    const dialog = page.getByRole('dialog', { name: /Purge key user:1/ });
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect((await guarded.ask(QUERY)).cache).toBe('hit');

    await page.getByRole('button', { name: 'Purge...' }).click();
    await dialog.getByRole('button', { name: 'Purge' }).click();
    await page.getByText(/Purged user:1\. Its place in the log is/).waitFor();
    expect((await guarded.ask(QUERY)).cache).not.toBe('hit');
    await page.getByRole('row', { name: /the-purger, for dashboard/ }).first().waitFor();
  });

  it('tells whose answers they are, and asks about no purge but the tried one', async () => {
    await guarded.ask('query Greeting { user(id: "1") { name } }');
    const page = await visit(guarded, 'tags?tag=user:1', asPurger);
    await page.getByRole('row', { name: /answers Greeting/ }).waitFor();

    const held = Promise.withResolvers<void>();
    const isDryRun = (url: URL): boolean => url.search.includes('dry_run');
    await page.route(isDryRun, async (route) => {
      await held.promise;
      await route.continue();
    }, { times: 1 });
    const tried = page.waitForRequest((request) => isDryRun(new URL(request.url())));
    await page.getByRole('button', { name: 'Purge...' }).click();
    await tried;
    await page.getByLabel('Which').fill('user:3');
    const answered = page.waitForResponse((response) => isDryRun(new URL(response.url())));
    held.resolve();
    await (await answered).finished();
    // What is answered after it is shown, so it has been dealt with.
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText(/It would purge user:3/).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.getByRole('button', { name: 'Purge...' }).click();
    const dialog = page.getByRole('dialog', { name: /Purge key user:3/ });
    await dialog.getByText(/It would purge user:3/).waitFor();
    await page.keyboard.press('Escape');
  });

  it('lets who may only read try a purge, and not make one', async () => {
    const page = await visit(guarded, 'tags?tag=user:2', asReader);
    await page.getByText('The role of this token is read').waitFor();
    expect(await page.getByRole('button', { name: 'Purge...' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText(/It would purge/).waitFor();
    await page.getByText('Nothing that this process holds carries this tag.').waitFor();
  });

  it('says what an operator lacks who wants to purge everything', async () => {
    const page = await visit(guarded, 'tags?tag=user:2', asPurger);
    await page.getByRole('combobox', { name: 'What' }).selectOption('pattern');
    await page.getByLabel('Which').fill('*');
    await page.getByRole('button', { name: 'Purge...' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Purge' }).click();
    await page.getByText('The role of this token does not suffice.').waitFor();
  });
});

describe('explain', () => {
  it('is opened filled in by a link, and says why', async () => {
    await guarded.ask(QUERY);
    await guarded.ask(QUERY);
    const query = encodeURIComponent(QUERY);
    const page = await visit(guarded, `explain?query=${query}`, asReader);
    await page.getByRole('heading', { name: 'Hit', exact: true }).waitFor();
    expect(await page.getByLabel('Query').inputValue()).toBe(QUERY);
    await page.getByRole('heading', { name: /^Made of 1 part/ }).waitFor();
  });

  it('takes a query with variables and headers, and a key', async () => {
    const page = await visit(guarded, 'explain', asReader);
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('Write a query.').waitFor();
    await page.getByLabel('Query').fill('query Q($id: ID!) { user(id: $id) { email } }');
    await page.getByText('Variables, headers, operation name').click();
    await page.getByLabel('Variables, as JSON').fill('{"id":"1"}');
    await page.getByLabel('Query').press('Control+Enter');
    await page.getByText(/Never from the cache: it is PRIVATE by the directive on User\.email/)
      .waitFor();
    await page.getByLabel(/^Headers/).fill('authorization: Bearer of-1');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('Q, for a caller with credentials.').waitFor();
    expect(page.url()).not.toMatch(/Bearer/);

    await page.getByLabel('A key or a tag').check();
    await page.getByLabel('Key', { exact: true }).fill('user:1');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('heading', { name: /^Held by \d+ entr/ }).waitFor();
  });
});

describe('nodes, audit and operations', () => {
  it('shows how far each node has read the log', async () => {
    const page = await visit(guarded, 'nodes', asReader);
    const row = page.getByRole('row', { name: /this one/ });
    await row.getByText('heard', { exact: true }).waitFor();
    expect(await row.textContent()).toContain('0.0.0-test');
  });

  it('searches the audit, and says so where there is none', async () => {
    const purged = await fetch(`${guarded.adminUrl}/invalidate/key`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json', authorization: `Bearer ${TOKENS.purger}`,
      },
      body: JSON.stringify({ keys: ['lamp:9'], reason: 'a wrong price', triggered_by: 'deploy 7' }),
    });
    expect(purged.status).toBe(200);
    await until(async () => {
      const found = await fetch(`${guarded.adminUrl}/audit/logs?pattern=lamp:9`, {
        headers: { authorization: `Bearer ${TOKENS.reader}` },
      });
      return (await found.json() as { total_count: number }).total_count === 1;
    }, { what: 'the audit has the purge' });
    const page = await visit(guarded, 'audit', asReader);
    await page.getByLabel('Key or pattern').fill('lamp:*');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('heading', { name: /^1 record/ }).waitFor();
    const row = page.getByRole('row', { name: /lamp:9/ });
    expect(await row.textContent()).toMatch(/the-purger, for deploy 7a wrong price/);
    await page.getByLabel('On whose behalf').fill('nobody');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('Nothing was found.').waitFor();

    const without = await visit(open, 'audit');
    await without.getByText('This node keeps no audit.').waitFor();
  });

  it('lists operations, with what keeps them from the cache', async () => {
    const query = 'query Mail { user(id: "1") { email } }';
    for (let round = 0; round < 3; round += 1) await guarded.ask(query);
    const page = await visit(guarded, 'operations?by=misses', asReader);
    const row = page.getByRole('row', { name: /^Mail/ });
    await row.getByText(/User\.email/).first().waitFor();
    await row.getByRole('button', { name: 'Mail' }).click();
    await row.getByRole('link', { name: 'Explain it' }).click();
    await page.getByRole('heading', { name: 'Bypass' }).waitFor();
  });
});

const HASHES = [
  'overview', 'tags', 'tags?tag=user:1', `explain?query=${encodeURIComponent(QUERY)}`,
  'explain?key=user:1', 'nodes', 'audit', 'operations',
];

describe('every view', () => {
  it('is accessible', async () => {
    await guarded.ask(QUERY);
    const page = await visit(guarded, '', asPurger);
    for (const hash of HASHES) {
      await page.goto(`/#/${hash}`);
      await settled(page);
      expect({ hash, faults: await accessibilityFaults(page) }).toEqual({ hash, faults: [] });
    }
  });

  it('can be read in the dark as well', async () => {
    const page = await visit(guarded, '', { theme: 'dark', ...asPurger });
    for (const hash of ['overview', 'tags?tag=user:1', 'explain?key=user:1', 'operations']) {
      await page.goto(`/#/${hash}`);
      await settled(page);
      const faults = await accessibilityFaults(page, ['color-contrast']);
      expect({ hash, faults }).toEqual({ hash, faults: [] });
    }
  });

  it('fits a screen of 360 pixels', async () => {
    const page = await visit(guarded, '', { width: 360, ...asPurger });
    for (const hash of HASHES) {
      await page.goto(`/#/${hash}`);
      await settled(page);
      expect({ hash, overflow: await overflowOf(page) }).toEqual({ hash, overflow: 0 });
    }
  });

  it('is reached by the keyboard alone, and told by its title', async () => {
    const page = await visit(guarded, 'nodes', asReader);
    await settled(page);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('Nodes');
    await page.getByRole('link', { name: 'Audit' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.title()).toBe('Audit \u2013 Freshet');
    expect(await focused(page)).toBe('Audit');
    await page.goBack();
    await expect.poll(() => page.title()).toBe('Nodes \u2013 Freshet');
  });

  it('is as light or dark as the reader chose, also after a reload', async () => {
    const page = await visit(guarded, 'nodes', asReader);
    const ground = (): Promise<string> =>
      page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.getByLabel('Theme').selectOption('dark');
    expect(await ground()).not.toBe(light);
    await page.reload();
    await settled(page);
    expect(await ground()).not.toBe(light);
  });
});

/** What is shown is no longer on its way. */
async function settled(page: Page): Promise<void> {
  await page.getByText('log heard').waitFor();
  await page.locator('.loading').waitFor({ state: 'detached' });
}

function focused(page: Page): Promise<string | null> {
  return page.evaluate('document.activeElement.textContent');
}
