/** A view and its parameters as the hash of a URL: `#/explain?query=...`. */

export const VIEWS = ['overview', 'tags', 'explain', 'nodes', 'audit', 'operations'] as const;
export type View = (typeof VIEWS)[number];

export type Parameters = Readonly<Record<string, string>>;

export interface Route {
  readonly view: View;
  readonly parameters: Parameters;
}

/** `#/explain?query=...`. What is not known is the overview. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const view = VIEWS.find((one) => one === path) ?? 'overview';
  return { view, parameters: Object.fromEntries(new URLSearchParams(query)) };
}

/** What is empty is left out. */
export function linkTo(view: View, parameters: Parameters = {}): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== '');
  const query = new URLSearchParams(given).toString();
  return query === '' ? `#/${view}` : `#/${view}?${query}`;
}
