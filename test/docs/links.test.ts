/** No link of the documentation is dead: not to a file, not to an anchor. */
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { readPage } from '../../docs/site/page.ts';
import { PAGES, ROOT, textOf } from './blocks.ts';

const pages = new Map(PAGES.map((page) => [page, readPage(page, textOf(page))]));

function faultOf(page: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) {
    const isRight = URL.canParse(link) && /^(https:|http:\/\/(localhost|127\.0\.0\.1):)/.test(link);
    return isRight ? undefined : 'an https URL, or one of this machine,';
  }
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(ROOT, target))) return 'a file that is there';
  if (anchor === undefined || !target.endsWith('.md')) return undefined;
  const { headings } = pages.get(target) ?? readPage(target, textOf(target));
  return headings.some(({ id }) => id === anchor) ? undefined : 'a heading that is there';
}

it.each(PAGES)('%s has no dead link', (page) => {
  const { html } = pages.get(page) ?? readPage(page, textOf(page));
  const links = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link = '']) => link);
  const dead = links.map((link) => link.replaceAll('&amp;', '&')).flatMap((link) => {
    const fault = faultOf(page, link);
    return fault === undefined ? [] : [`${link}: ${fault} was required`];
  });
  expect(dead).toEqual([]);
});

it('pages that are named in code quotes are there', () => {
  const named = PAGES.flatMap((page) =>
    [...textOf(page).matchAll(/`((?:docs|src|test|examples|bench)\/[\w/.-]+\.(?:ts|md|js))`/g)]
      .map(([, path = '']) => `${page}: ${path}`));
  const absent = named.filter((entry) => !existsSync(join(ROOT, entry.split(': ')[1] ?? '')));
  expect(named.length).toBeGreaterThan(20);
  expect(absent).toEqual([]);
});
