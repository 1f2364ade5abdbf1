/**
 * Four subgraphs over data that a test changes at random, with most ways in which an answer can
 * depend on an entity: by another key than its first, by an interface and a union, in lists of
 * lists, behind objects that are no entities, by `@requires`, by a composite key.
 */
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';

export interface Person {
  readonly __typename: 'User';
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly managerId: string;
  readonly pet: string;
}

export interface Article {
  readonly __typename: 'Post' | 'Comment';
  readonly id: string;
  readonly text: string;
  readonly authorId: string;
  /** Of a comment. */
  readonly postId: string;
}

export interface Order {
  readonly shop: { readonly id: string };
  readonly number: number;
  readonly note: string;
  readonly buyerId: string;
}

export class OracleData {
  readonly users = new Map<string, Person>();
  readonly posts = new Map<string, Article>();
  readonly comments = new Map<string, Article>();
  /** By shop and number. */
  readonly orders = new Map<string, Order>();

  reference(id: string): { __typename: 'User'; id: string } | null {
    return this.users.has(id) ? { __typename: 'User', id } : null;
  }

  byEmail(email: string): Person | undefined {
    return [...this.users.values()].find((one) => one.email === email);
  }

  postsOf(authorId: string): Article[] {
    return [...this.posts.values()].filter((one) => one.authorId === authorId);
  }
}

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key", "@external", "@requires", "@shareable"])`;

const USERS = `${LINK}
  type Query {
    user(id: ID!): User byEmail(email: String!): User users: [User!]!
    node(id: ID!): Node nodes: [Node] team: Team
  }
  interface Node { id: ID! name: String }
  type User implements Node @key(fields: "id") @key(fields: "email") {
    id: ID! email: String! name: String said(loudly: Boolean): String
    manager: User home: Home pets: [Pet!]
  }
  type Home { of: String owner: User }
  type Pet { name: String friend: User }
  type Team implements Node { id: ID! name: String lead: User grid: [[User!]] }
`;

const CONTENT = `${LINK}
  type Query { post(id: ID!): Post posts: [Post!]! feed: [Item!]! page: Page! }
  union Item = Post | Comment | Advert
  type Advert { sponsor: User }
  type Page { edges: [Edge!]! total: Int! }
  type Edge { cursor: ID! node: Post! }
  type Post @key(fields: "id") { id: ID! text: String author: User comments: [Comment!]! }
  type Comment @key(fields: "id") { id: ID! text: String author: User }
  type User @key(fields: "id") { id: ID! posts(first: Int): [Post!]! page: Page }
`;

const ORDERS = `${LINK}
  type Query { order(shop: ID!, number: Int!): Order orders: [Order!] }
  type Order @key(fields: "shop { id } number") {
    shop: Shop! number: Int! note: String buyer: User
  }
  type Shop @shareable { id: ID! }
  type User @key(fields: "email") { email: String! badge: String }
  type Post @key(fields: "id") { id: ID! text: String @external
    rating: String @requires(fields: "text") }
`;

const SHIPPING = `${LINK}
  type Query { carriers: Int }
  type Order @key(fields: "shop { id } number") { shop: Shop! number: Int! state: String }
  type Shop @shareable { id: ID! }
`;

export function startOracleWorld(data: OracleData): Promise<TestSubgraph[]> {
  return Promise.all([users(data), content(data), orders(data), shipping(data)]);
}

function users(data: OracleData): Promise<TestSubgraph> {
  const { users: all } = data;
  const team = { __typename: 'Team', id: 'team', name: 'team' };
  return startSubgraph({
    name: 'users',
    sdl: USERS,
    resolvers: {
      Query: {
        user: (_, { id }) => all.get(id),
        byEmail: (_, { email }) => data.byEmail(email),
        users: () => [...all.values()],
        node: (_, { id }) => all.get(id),
        nodes: () => [...all.values(), team],
        team: () => team,
      },
      User: {
        said: ({ name }: Person, { loudly }) => (loudly === true ? `${name}!` : name),
        manager: ({ managerId }: Person) => all.get(managerId),
        home: (owner: Person) => ({ of: owner.name, owner }),
        pets: ({ pet, managerId }: Person) => [{ name: pet, friend: all.get(managerId) }],
      },
      Team: { lead: () => all.get('4'), grid: () => [[...all.values()]] },
    },
    entities: { User: ({ id, email }) => all.get(id) ?? data.byEmail(email) ?? null },
  });
}

function content(data: OracleData): Promise<TestSubgraph> {
  const { posts, comments } = data;
  const author = ({ authorId }: Article) => data.reference(authorId);
  return startSubgraph({
    name: 'content',
    sdl: CONTENT,
    resolvers: {
      Query: {
        post: (_, { id }) => posts.get(id),
        posts: () => [...posts.values()],
        feed: () => [...posts.values(), ...comments.values(), { __typename: 'Advert' }],
        page: () => [...posts.values()],
      },
      Advert: { sponsor: () => data.reference('2') },
      Page: {
        edges: (all: Article[]) => all.map((node) => ({ cursor: node.id, node })),
        total: (all: Article[]) => all.length,
      },
      Post: {
        author,
        comments: ({ id }: Article) => [...comments.values()].filter((one) => one.postId === id),
      },
      Comment: { author },
      User: {
        posts: ({ id }: Person, { first }) => data.postsOf(id).slice(0, first ?? 9),
        page: ({ id }: Person) => data.postsOf(id),
      },
    },
    entities: {
      Post: ({ id }) => posts.get(id), Comment: ({ id }) => comments.get(id), User: (one) => one,
    },
  });
}

function orders(data: OracleData): Promise<TestSubgraph> {
  return startSubgraph({
    name: 'orders',
    sdl: ORDERS,
    resolvers: {
      Query: {
        order: (_, { shop, number }) => data.orders.get(`${shop}:${number}`),
        orders: () => [...data.orders.values()],
      },
      Order: {
        buyer: ({ buyerId }: Order) => {
          const buyer = data.users.get(buyerId);
          return buyer && { __typename: 'User', email: buyer.email };
        },
      },
      User: { badge: ({ email }: Person) => `badge of ${data.byEmail(email)?.name}` },
      Post: { rating: ({ text }: Article) => `rating of ${text}` },
    },
    entities: {
      Order: ({ shop, number }) => data.orders.get(`${shop.id}:${number}`),
      User: (one) => one,
      Post: (one) => one,
    },
  });
}

function shipping(data: OracleData): Promise<TestSubgraph> {
  return startSubgraph({
    name: 'shipping',
    sdl: SHIPPING,
    resolvers: {
      Order: {
        state: ({ shop, number }: Order) =>
          `state of ${data.orders.get(`${shop.id}:${number}`)?.note}`,
      },
    },
    entities: { Order: (one) => one },
  });
}
