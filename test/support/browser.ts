/**
 * A headless Chromium of the machine, one for a test file, and pages in it that remember what a
 * test would otherwise not see: errors of the console, and requests to anywhere but the server.
 */
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { findProgram } from './process.ts';
import { requireProgram } from './requirements.ts';

export interface PageOptions {
  /** What it shows and may talk to: `http://127.0.0.1:4001`. */
  readonly origin: string;
  readonly theme?: 'light' | 'dark';
  /** Default 1,280. */
  readonly width?: number;
}

export interface WatchedPage {
  readonly page: Page;
  /** Errors of the console and of scripts, but not that the server refused something. */
  readonly errors: readonly string[];
  /** URLs of other origins that were asked for. */
  readonly foreign: readonly string[];
  close(): Promise<void>;
}

export interface TestBrowser {
  open(options: PageOptions): Promise<WatchedPage>;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<TestBrowser> {
  const executablePath = requireProgram({
    program: 'chromium', debianPackage: 'chromium', find: () => findProgram('chromium'),
  });
  // Root has no sandbox, and a container has little shared memory.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
  const browser = await chromium.launch({ executablePath, args });
  return {
    open: (options) => openPage(browser, options),
    close: () => browser.close(),
  };
}

async function openPage(
  browser: Browser,
  { origin, theme = 'light', width = 1_280 }: PageOptions,
): Promise<WatchedPage> {
  const context = await browser.newContext({
    baseURL: origin, colorScheme: theme, viewport: { width, height: 800 }, reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const [errors, foreign]: [string[], string[]] = [[], []];
  page.setDefaultTimeout(10_000);
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    const isRefusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefusal) errors.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) foreign.push(request.url());
  });
  return { page, errors, foreign, close: () => context.close() };
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/**
 * What axe finds wrong with the page as it is. Default: by the rules of WCAG 2.2 AA and by its own
 * advice.
 */
export async function accessibilityFaults(page: Page, rules = RULES): Promise<string[]> {
  // Through the debugger, since the page lets no script in that is not its own.
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async (runOnly) => {
    const { axe: injected } = globalThis as unknown as { axe: typeof axe };
    // Without what it found right, which is most of its work and of its answer.
    const found = await injected.run({ runOnly, resultTypes: ['violations'] });
    return found.violations;
  }, rules);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`));
}

/** By how many pixels the page is wider than the screen. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth');
}
