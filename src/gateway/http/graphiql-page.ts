/**
 * GraphiQL, as Yoga has it, with a line that says of each answer what the cache did: read from the
 * headers of the very answer, so that what it shows is what any client gets. A link in it leads to
 * the dashboard, with the operation filled in.
 *
 * It loads nothing that Yoga's own page does not load, and is for development alone.
 */
import { renderGraphiQL } from 'graphql-yoga';

export interface GraphiqlPageOptions {
  /** Where GraphQL is answered: `/graphql`. */
  readonly path: string;
  /** Of the operators' listener, on the same host; 0: any, and so no link. */
  readonly adminPort: number;
}

/** For `renderGraphiQL` of Yoga. */
export function graphiqlPage(
  options: GraphiqlPageOptions,
): (options: Parameters<typeof renderGraphiQL>[0]) => string {
  const { path, adminPort } = options;
  const told = JSON.stringify({ path, adminPort, words: WORDS }).replaceAll('<', '\\u003c');
  const parts = `<style>${STYLE}</style><script>(${SCRIPT})(${told})</script>`;
  // Before the scripts of the page, which may take hold of fetch as they are loaded.
  return (yogaOptions) => renderGraphiQL(yogaOptions).replace('</title>', () => `</title>${parts}`);
}

/** Of the details of `Cache-Status`, those that do not speak for themselves. */
const WORDS: Readonly<Record<string, string>> = {
  'l1': 'memory of this process',
  'l2': 'Redis',
  'uncacheable': 'its maxAge is 0',
  'private': 'PRIVATE, and nobody is logged in',
  'disabled': 'caching is off',
  'behind': 'this node has not reached your position',
  'invalidated': 'a purge overtook it',
  'error': 'it holds errors',
  'cookie': 'a subgraph set a cookie',
  'incremental': 'it comes in pieces',
  'introspection': 'it asks for the schema',
  'part-uncacheable': 'a part of it is not kept',
  'part-private': 'a part of it is PRIVATE',
  'part-unknown': 'a part of it cannot be tagged',
};

const STYLE = `
#freshet-cache { position: fixed; inset: auto 0 0 0; z-index: 10; padding: 4px 12px;
  display: flex; flex-wrap: wrap; gap: 4px 16px; font: 12px/1.5 ui-monospace, monospace;
  color: #1b2530; background: #eef2f5; border-top: 1px solid #b9c4cd; }
#freshet-cache a { color: #0b5cad; }
@media (prefers-color-scheme: dark) {
  #freshet-cache { color: #dbe3ea; background: #1b2530; border-color: #42505c; }
  #freshet-cache a { color: #7ab8ff; }
}`;

/** Runs in the browser, so it stands here as text. */
const SCRIPT = `function ({ path, adminPort, words }) {
  const ask = window.fetch;
  window.fetch = async function (input, init) {
    const response = await ask.apply(this, arguments);
    try {
      const { pathname, origin } = new URL(input.url || input, location.href);
      if (origin === location.origin && pathname === path) show(response, init && init.body);
    } catch {
      // Whatever the page asks for goes its way.
    }
    return response;
  };

  function show(response, body) {
    const status = response.headers.get('cache-status');
    const asked = typeof body === 'string' ? JSON.parse(body) : {};
    if (status === null || asked.operationName === 'IntrospectionQuery') return;
    const line = document.createElement('div');
    line.id = 'freshet-cache';
    line.setAttribute('role', 'status');
    for (const text of textsOf(status, response.headers)) {
      line.appendChild(document.createElement('span')).textContent = text;
    }
    if (adminPort !== 0 && asked.query) line.appendChild(linkTo(asked));
    const old = document.getElementById(line.id);
    if (old) old.replaceWith(line);
    else document.body.appendChild(line);
  }

  function textsOf(status, headers) {
    const [, ...parts] = status.split(';').map((part) => part.trim());
    const members = new Map(parts.map((part) => part.split('=')));
    const what = members.has('hit') ? 'hit'
      : members.has('collapsed') ? 'shared a load'
      : members.get('fwd') === 'method' ? 'mutation'
      : members.get('fwd') || 'unknown';
    const detail = members.get('detail');
    const why = detail && detail !== what ? ': ' + (words[detail] || detail) : '';
    return [
      'Cache: ' + what + why + (members.has('stored') ? ', stored' : ''),
      members.has('ttl') && 'TTL ' + members.get('ttl') + ' s',
      headers.get('age') && 'age ' + headers.get('age') + ' s',
      headers.get('cache-tag') && 'tags ' + headers.get('cache-tag'),
      headers.get('freshet-position') && 'position ' + headers.get('freshet-position'),
    ].filter(Boolean);
  }

  function linkTo({ query, variables, operationName }) {
    const parameters = new URLSearchParams({ query });
    if (variables) parameters.set('variables', JSON.stringify(variables));
    if (operationName) parameters.set('operationName', operationName);
    const link = document.createElement('a');
    link.href = 'http://' + location.hostname + ':' + adminPort + '/#/explain?' + parameters;
    link.target = '_blank';
    link.rel = 'noopener';
    link.textContent = 'Explain in the dashboard';
    return link;
  }
}`;
