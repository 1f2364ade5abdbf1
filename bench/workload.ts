/**
 * What all contestants of `hit` and `miss` are asked, and what they answer: one account with as
 * many rows as make up the size. The peers import it too, so it needs nothing but the language.
 */
export const SIZES = { '200B': 200, '2kB': 2_000, '50kB': 50_000, '1MB': 1_000_000 } as const;
export type Size = keyof typeof SIZES;
export type Scope = 'public' | 'private';

export interface Ask {
  readonly id: string;
  readonly bytes: number;
  readonly scope?: Scope;
}

export const TYPES = `
  type Account { id: ID! name: String! rows(bytes: Int!): [Row!]! }
  type Row { title: String! author: String! text: String! }
`;
/** `mine` is what each caller has for themselves; to the resolvers it is all the same. */
export const SDL = `
  type Query { account(id: ID!): Account mine(id: ID!): Account }
  ${TYPES.replace('type Account', 'type Account @key(fields: "id")')}
`;
export const PLAIN_SDL = `
  type Query { account(id: ID!): Account mine(id: ID!): Account }
  ${TYPES}
`;

const ROW = {
  title: 'A row of the answer', author: 'Somebody', text: 'of a hundred bytes'.padEnd(30, '.'),
};
const ROW_BYTES = JSON.stringify(ROW).length + 1;
const FRAME = { account: { id: '00000000', name: 'Account 00000000', rows: [] } };
const FRAME_BYTES = JSON.stringify({ data: FRAME }).length;

export interface Account {
  readonly id: string;
  readonly name: string;
}

/** How often the resolvers of an account ran: a cache that hits does not ask them. */
export const origin = { calls: 0 };

/** What was changed, by id. */
export const names = new Map<string, string>();

export function account(id: string): Account {
  origin.calls += 1;
  return { id, name: names.get(id) ?? `Account ${id}` };
}

export function rows(bytes: number): readonly (typeof ROW)[] {
  const length = Math.max(1, Math.round((bytes - FRAME_BYTES) / ROW_BYTES));
  return Array.from({ length }, () => ROW);
}

export const RESOLVERS = {
  Query: {
    account: (_: unknown, { id }: { id: string }) => account(id),
    mine: (_: unknown, { id }: { id: string }) => account(id),
  },
  Account: { rows: (_: unknown, { bytes }: { bytes: number }) => rows(bytes) },
};

export function bodyOf({ id, bytes, scope = 'public' }: Ask): string {
  const field = scope === 'private' ? 'mine' : 'account';
  const query = `query Account($id: ID!, $bytes: Int!) { account: ${field}(id: $id) `
    + '{ id name rows(bytes: $bytes) { title author text } } }';
  return JSON.stringify({ query, variables: { id, bytes } });
}

/** The answer, byte for byte as each contestant that keeps the order of fields gives it. */
export function answerTo({ id, bytes }: Ask): string {
  return JSON.stringify({ data: { account: { id, name: `Account ${id}`, rows: rows(bytes) } } });
}

/** Eight digits, so that all requests of a run are of one length. */
export function idOf(number: number): string {
  return String(number).padStart(8, '0');
}
