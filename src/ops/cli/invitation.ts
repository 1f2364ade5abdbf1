/** What the demo says when it runs: where it is, and what to try. */
import type { DemoServices } from '../../demo/start.ts';
import type { RunningNode } from '../node.ts';

/** Also run by a test, so that what is promised of them stays true. */
export const QUERIES = {
  user: '{ user(id: 1) { name posts(first: 2) { edges { node { title } } } } }',
  feed: '{ feed(userId: 7, first: 3) { posts { edges { node { title author { name } } } } } }',
  posts: '{ posts(first: 3) { edges { node { id title author { name } } } } }',
  rename: 'mutation { updateUser(id: 1, input: { name: "Ada Byron" }) { id name } }',
};

export function invitation({ url, adminUrl }: RunningNode, services: DemoServices): string {
  const { login, password } = services.account;
  const places = Object.entries(services.endpoints)
    .map(([name, at]) => `  ${name.padEnd(14)}${at}`);
  return `
Freshet answers at ${url} (with GraphiQL, in a browser).
The dashboard is at ${adminUrl}. Behind it are:
${places.join('\n')}

Run each of these twice: the first answer is a MISS, the second a HIT.

${curl(url, QUERIES.user)}

${curl(url, QUERIES.feed)}

${curl(url, QUERIES.posts)}

Now rename the user, and run the first one again: the new name, and a MISS.

${curl(url, QUERIES.rename)}

To log in: login(login: "${login}", password: "${password}"). Ctrl-C ends it all.

`;
}

function curl(url: string, query: string): string {
  const body = JSON.stringify({ query });
  return [
    `  curl -si ${url} -H 'content-type: application/json' \\`,
    `    -d '${body}' \\`,
    '    | grep -i -e cache-status -e data',
  ].join('\n');
}
