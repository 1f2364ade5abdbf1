/**
 * Two subgraphs over data that a test changes at will, as a service's own code would: users, and
 * the posts and comments that they wrote.
 */
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';

export interface Person {
  id: string;
  name: string;
  email: string;
  nickname?: string;
}

export interface Post {
  id: string;
  title: string;
  authorId: string;
}

export interface World {
  readonly people: Map<string, Person>;
  readonly posts: Map<string, Post>;
  readonly users: TestSubgraph;
  readonly content: TestSubgraph;
  /** For the configuration of a node. */
  readonly subgraphs: Record<string, string>;
  stop(): Promise<void>;
}

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key", "@external", "@shareable"])`;

const USERS = `${LINK}
  directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean)
    on FIELD_DEFINITION | OBJECT
  enum CacheControlScope { PUBLIC PRIVATE }
  type Query {
    user(id: ID!): User
    users: [User!]!
    me: User
    open: Open @cacheControl(scope: PUBLIC)
  }
  type Mutation {
    rename(id: ID!, name: String!): User
    renamed(id: ID!, name: String!): Renamed
    remove(id: ID!): User
  }
  type Renamed { before: User after: User }
  type User @key(fields: "id") {
    id: ID!
    name: String!
    nickname: String
    email: String @cacheControl(scope: PRIVATE)
  }
  type Open @cacheControl(scope: PUBLIC) { text: String }
`;

const CONTENT = `${LINK}
  type Query { post(id: ID!): Post posts: [Post!]! postPage: PostConnection! }
  type PostConnection { edges: [PostEdge!]! totalCount: Int! }
  type PostEdge { cursor: ID! node: Post! }
  type Mutation { createPost(id: ID!, title: String!, authorId: ID!): Post }
  type Post @key(fields: "id") { id: ID! title: String! author: User }
  type User @key(fields: "id") { id: ID! posts: [Post!]! latestPost: Post }
`;

export async function startWorld(): Promise<World> {
  const people = new Map(['1', '2', '3'].map((id) => [id, person(id)]));
  const posts = new Map([['p1', post('p1', '1')], ['p2', post('p2', '2')]]);
  const users = await startSubgraph({
    name: 'users',
    sdl: USERS,
    resolvers: {
      Query: {
        user: (_, { id }) => people.get(id),
        users: () => [...people.values()],
        me: (_, __, { request }) => people.get(request.headers.get('authorization')?.at(-1) ?? ''),
        open: () => ({ text: 'for everyone' }),
      },
      Mutation: {
        rename: (_, { id, name }) => {
          const known = people.get(id);
          if (known !== undefined) people.set(id, { ...known, name });
          return people.get(id);
        },
        renamed: (_, { id, name }) => {
          const before = people.get(id);
          if (before !== undefined) people.set(id, { ...before, name });
          return { before, after: people.get(id) };
        },
        remove: (_, { id }) => {
          const removed = people.get(id);
          people.delete(id);
          return removed;
        },
      },
    },
    entities: { User: ({ id }) => people.get(id) },
  });
  const content = await startSubgraph({
    name: 'content',
    sdl: CONTENT,
    resolvers: {
      Query: {
        post: (_, { id }) => posts.get(id),
        posts: () => [...posts.values()],
        postPage: () => ({
          edges: [...posts.values()].map((node) => ({ cursor: node.id, node })),
          totalCount: posts.size,
        }),
      },
      Mutation: {
        createPost: (_, { id, title, authorId }) => {
          posts.set(id, { id, title, authorId });
          return posts.get(id);
        },
      },
      Post: { author: ({ authorId }) => ({ __typename: 'User', id: authorId }) },
      User: {
        posts: ({ id }) => [...posts.values()].filter((one) => one.authorId === id),
        latestPost: ({ id }) => [...posts.values()].findLast((one) => one.authorId === id),
      },
    },
    entities: { Post: ({ id }) => posts.get(id), User: ({ id }) => ({ id }) },
  });
  return {
    people, posts, users, content,
    subgraphs: { users: users.url, content: content.url },
    stop: async () => void (await Promise.all([users.stop(), content.stop()])),
  };
}

export function person(id: string): Person {
  return { id, name: `name of ${id}`, email: `${id}@example.org` };
}

export function post(id: string, authorId: string): Post {
  return { id, title: `title of ${id}`, authorId };
}
