/** A page of Markdown: its HTML, its title, its headings, and the links below each. */
import { Marked, type Tokens } from 'marked';

export interface Heading {
  readonly depth: number;
  readonly text: string;
  readonly id: string;
}

export interface Page {
  /** Path from the root of the repository. */
  readonly source: string;
  readonly title: string;
  readonly html: string;
  readonly headings: readonly Heading[];
  /** Headings of the second rank, with the links in lists below them. */
  readonly sections: readonly { title: string; links: readonly { to: string; text: string }[] }[];
}

/** As GitHub names anchors, since the pages are read there as well; a second one gets a number. */
export function readPage(source: string, markdown: string): Page {
  const marked = new Marked({ gfm: true });
  const headings: Heading[] = [];
  const taken = new Map<string, number>();
  marked.use({
    renderer: {
      heading({ tokens, depth }: Tokens.Heading): string {
        const html = this.parser.parseInline(tokens);
        const text = plain(html);
        const id = anchorOf(text, taken);
        headings.push({ depth, text, id });
        const link = `<a class="anchor" href="#${id}" aria-label="Link to ${escape(text)}">#</a>`;
        return `<h${depth} id="${id}">${html} ${depth === 1 ? '' : link}</h${depth}>\n`;
      },
      code({ text }: Tokens.Code): string {
        return `<pre tabindex="0"><code>${escape(text)}</code></pre>\n`;
      },
      table(token: Tokens.Table): string {
        const cells = (row: readonly Tokens.TableCell[], tag: 'th' | 'td'): string =>
          `<tr>${row.map(({ text: words, tokens }) => {
            // A head without words is none.
            const kind = words === '' ? 'td' : tag;
            return `<${kind}>${this.parser.parseInline(tokens)}</${kind}>`;
          }).join('')}</tr>`;
        const body = token.rows.map((row) => cells(row, 'td')).join('\n');
        return '<div class="wide" tabindex="0"><table>\n'
          + `<thead>${cells(token.header, 'th')}</thead>\n<tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
  const html = marked.parse(markdown, { async: false });
  const title = headings.find(({ depth }) => depth === 1)?.text ?? source;
  return { source, title, html, headings, sections: sectionsOf(markdown) };
}

function sectionsOf(markdown: string): Page['sections'] {
  const [, ...parts] = markdown.split(/^## /m);
  return parts.map((part) => {
    const [title = '', ...lines] = part.split('\n');
    const links = lines.filter((line) => line.startsWith('- ')).flatMap((line) =>
      [...line.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)]
        .map(([, text = '', to = '']) => ({ to, text })));
    return { title, links };
  });
}

function anchorOf(text: string, taken: Map<string, number>): string {
  const plainly = text.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
  const count = taken.get(plainly) ?? 0;
  taken.set(plainly, count + 1);
  return count === 0 ? plainly : `${plainly}-${count}`;
}

function plain(html: string): string {
  const text = html.replaceAll(/<[^>]+>/g, '');
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
