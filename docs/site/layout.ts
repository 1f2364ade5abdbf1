/** What stands round each page: navigation, what is on the page, and a door past both. */
import { dirname, relative } from 'node:path';
import { escape, type Page } from './page.ts';

export interface Section {
  readonly title: string;
  readonly entries: readonly { readonly source: string; readonly text: string }[];
}

export interface Surroundings {
  /** Of the page in the site. */
  readonly place: string;
  readonly sections: readonly Section[];
  readonly placeOf: (source: string) => string;
}

/** A whole HTML document, which loads `style.css` and the drawings of the page and nothing else. */
export function layout(page: Page, { place, sections, placeOf }: Surroundings): string {
  const from = dirname(place);
  const to = (target: string): string => relative(from, target);
  const navigation = sections.map(({ title, entries }) => `<h2>${escape(title)}</h2>\n<ul>\n${
    entries.map(({ source, text }) => {
      const current = placeOf(source) === place ? ' aria-current="page"' : '';
      return `<li><a href="${to(placeOf(source))}"${current}>${escape(text)}</a></li>`;
    }).join('\n')}\n</ul>`).join('\n');
  const parts = page.headings.filter(({ depth }) => depth === 2);
  const links = parts.map(({ id, text }) => `<li><a href="#${id}">${escape(text)}</a></li>`);
  const contents = parts.length < 3 ? '' : `<nav class="contents" aria-label="On this page">
<ul>
${links.join('\n')}
</ul>
</nav>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(page.title)} - Freshet</title>
<link rel="stylesheet" href="${to('style.css')}">
<link rel="icon" href="data:,">
</head>
<body>
<a class="skip" href="#main">To the text</a>
<header><a href="${to('index.html')}">Freshet</a></header>
<div class="columns">
<details class="menu" open><summary>Pages</summary>
<nav aria-label="Pages">
${navigation}
</nav>
</details>
<main id="main">
${page.html.replace('</h1>', `</h1>\n${contents}`)}
</main>
</div>
</body>
</html>
`;
}
