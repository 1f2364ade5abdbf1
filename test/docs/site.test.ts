/** The site: whole, connected, and at home without a network. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { buildSite } from '../../docs/site/build.ts';
import { temporaryDirectory } from '../support/process.ts';

const site = join(temporaryDirectory('site'), 'site');
let pages: string[];

beforeAll(() => {
  pages = buildSite(site);
});

function read(page: string): string {
  return readFileSync(join(site, page), 'utf8');
}

function linksOf(page: string): string[] {
  return [...read(page).matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link = '']) => link);
}

it('has a page for each page of the documentation', () => {
  expect(pages).toContain('index.html');
  expect(pages).toContain('docs/concepts/rule.html');
  expect(pages.length).toBeGreaterThan(20);
});

it('is reached from its first page, all of it', () => {
  const reached = new Set<string>();
  const waiting = ['index.html'];
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    if (reached.has(page)) continue;
    reached.add(page);
    for (const link of linksOf(page)) {
      const target = normalize(join(dirname(page), link.split('#')[0] ?? ''));
      if (pages.includes(target)) waiting.push(target);
    }
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});

it('has no dead link', () => {
  const dead = pages.flatMap((page) => linksOf(page).filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path));
    if (!existsSync(join(site, target))) return true;
    return anchor !== undefined && !read(target).includes(`id="${anchor}"`);
  }).map((link) => `${page}: ${link}`));
  expect(dead).toEqual([]);
});

it('loads nothing from elsewhere, and runs nothing', () => {
  for (const page of pages) {
    const html = read(page).replaceAll(/<pre[^]*?<\/pre>/g, '');
    expect(html.match(/<script|<iframe|<img[^>]+src="https?:/g), page).toBeNull();
    const loaded = [...html.matchAll(/<link[^>]+href="([^"]+)"/g)].map(([, link = '']) => link);
    expect(loaded.filter((link) => /^https?:/.test(link)), page).toEqual([]);
  }
  expect(read('style.css')).not.toMatch(/url\(|@import/);
});

it('names each page once, in its title and its heading, and has words for each drawing', () => {
  const titles = pages.map((page) => /<title>(.*)<\/title>/.exec(read(page))?.[1]);
  expect(new Set(titles).size).toBe(pages.length);
  for (const page of pages) {
    expect(read(page).match(/<h1/g), page).toHaveLength(1);
    const images = read(page).match(/<img[^>]*>/g) ?? [];
    for (const image of images) expect(image).toMatch(/alt="[^"]{20}/);
  }
});
