/** The definitions of the directives of this project: `schema/freshet.graphql`. */
import { readFileSync } from 'node:fs';
import { parse, type DocumentNode } from 'graphql';

/** As text, for a subgraph to put into its own SDL. */
export const FRESHET_SDL = readFileSync(
  new URL('../../schema/freshet.graphql', import.meta.url),
  'utf8',
);

export const FRESHET_DEFINITIONS: DocumentNode = parse(FRESHET_SDL, { noLocation: true });
