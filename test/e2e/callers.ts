/** Two subgraphs whose answers depend on who asks, and say so. */
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';
import type { AskOptions } from './fleet.ts';
import type { Pair } from './pair.ts';

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
    import: ["@key", "@external", "@requires", "@shareable"])
  directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean)
    on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
  enum CacheControlScope { PUBLIC PRIVATE }`;

const ACCOUNTS = `${LINK}
  type Query {
    me: User
    user(id: ID!): User
    contact: Contact
    bot: Contact
    found: [Found!]!
    vault: Vault
    greeting: String @cacheControl(scope: PUBLIC)
    author: User @cacheControl(scope: PUBLIC)
    news: [News!]!
    language: String
  }
  interface Contact { id: ID! email: String @cacheControl(scope: PRIVATE) }
  type User implements Contact @key(fields: "id") {
    id: ID!
    name: String
    email: String @cacheControl(scope: PRIVATE)
  }
  type Bot implements Contact { id: ID! email: String }
  type Vault @cacheControl(scope: PRIVATE) { email: String }
  type News @cacheControl(scope: PUBLIC) { text: String }
  union Found = User | News
`;

const BILLING = `${LINK}
  type Query { currency: String }
  type User @key(fields: "id") {
    id: ID!
    email: String @external
    balance: String @cacheControl(scope: PRIVATE)
    tariff: String
    domain: String @requires(fields: "email") @cacheControl(scope: PUBLIC)
  }
`;

/** Whom a subgraph answers: the text of the token, or its subject. */
export type WhoAsks = (authorization: string | null) => string;

export interface Services {
  readonly accounts: TestSubgraph;
  readonly billing: TestSubgraph;
  readonly subgraphs: Record<string, string>;
  stop(): Promise<void>;
}

export async function startServices(whoAsks: WhoAsks): Promise<Services> {
  const who = ({ request }: { request: Request }): string =>
    whoAsks(request.headers.get('authorization'));
  const user = (context: { request: Request }) =>
    ({ __typename: 'User', id: '1', name: who(context), email: `${who(context)}@x.org` });
  const accounts = await startSubgraph({
    name: 'accounts',
    sdl: ACCOUNTS,
    resolvers: {
      Query: {
        me: (_, __, context) => user(context),
        user: (_, __, context) => user(context),
        author: (_, __, context) => user(context),
        contact: (_, __, context) => user(context),
        bot: (_, __, context) => ({ ...user(context), __typename: 'Bot' }),
        found: (_, __, context) => [user(context)],
        vault: (_, __, context) => user(context),
        greeting: (_, __, { request }) => `hello ${request.headers.get('accept-language') ?? ''}`,
        news: () => [{ text: 'news' }],
        language: (_, __, { request }) => request.headers.get('accept-language'),
      },
    },
    entities: { User: (_, context) => user(context) },
  });
  const billing = await startSubgraph({
    name: 'billing',
    sdl: BILLING,
    resolvers: {
      User: {
        balance: (_, __, context) => `balance of ${who(context)}`,
        tariff: (_, __, context) => `tariff of ${who(context)}`,
        domain: ({ email }) => `domain of ${email}`,
      },
    },
    entities: { User: (reference) => reference },
  });
  return {
    accounts, billing,
    subgraphs: { accounts: accounts.url, billing: billing.url },
    stop: async () => void (await Promise.all([accounts.stop(), billing.stop()])),
  };
}

/** Asks with a bearer token. */
export function as(token: string, options: AskOptions = {}): AskOptions {
  return { ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } };
}

export const forgetAll = (pair: Pair): Promise<void> =>
  pair.publish({ action: 'Pattern', pattern: '*', entity_type: { Custom: 'pattern' } });

export const callsOf = ({ accounts, billing }: Services): number =>
  accounts.calls.length + billing.calls.length;
