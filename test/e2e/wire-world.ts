/**
 * One subgraph with an entity of every type that the messages of the wire speak of. What it answers
 * bears a version that a test counts up behind the back of the gateway, so that an answer shows
 * whether it was read before or after.
 */
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';

/** One thing that can be asked for, and is cached by itself. */
export interface Probe {
  /** The tag by which it is purged, as the wire messages spell it. */
  readonly tag: string;
  readonly query: string;
  readonly variables: Record<string, string>;
}

export interface WireWorld {
  readonly subgraphs: Record<string, string>;
  /** From now on all that is asked for bears a higher version; returns it. */
  change(): number;
  stop(): Promise<void>;
}

const ENTITIES = ['User', 'Post', 'Comment', 'Notification', 'Feed', 'Session'] as const;

const SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  directive @cacheTag(format: String!) repeatable on FIELD_DEFINITION | OBJECT
  type Query {
    ${ENTITIES.map((type) => `${type.toLowerCase()}(id: ID!): ${type}`).join('\n    ')}
    feedPage(id: ID!): FeedPage @cacheTag(format: "feed:{$args.id}:home")
    posts: PostPage
  }
  type Mutation { touch(id: ID!): Touched }
  ${ENTITIES.map((type) => `type ${type} @key(fields: "id") { id: ID! version: Int! }`).join('')}
  type Touched @key(fields: "id") { id: ID! }
  type FeedPage { version: Int! }
  type PostPage { version: Int! posts: [Post!]! }
`;

export async function startWireWorld(): Promise<WireWorld> {
  let version = 1;
  const answer = (_: unknown, { id }: { id?: string }) => ({ id, version, posts: [] });
  const entity = ENTITIES.map((type) => [type.toLowerCase(), answer] as const);
  const subgraph: TestSubgraph = await startSubgraph({
    name: 'wire',
    sdl: SDL,
    resolvers: {
      Query: { ...Object.fromEntries(entity), feedPage: answer, posts: answer },
      Mutation: { touch: (_, { id }) => ({ id }) },
    },
  });
  return {
    subgraphs: { wire: subgraph.url },
    change: () => (version += 1),
    stop: () => subgraph.stop(),
  };
}

export function entityProbe(type: string, id: string): Probe {
  const field = type.toLowerCase();
  const query = `query ($id: ID!) { it: ${field}(id: $id) { version } }`;
  return { tag: `${field}:${id}`, query, variables: { id } };
}

/** The first page of somebody's feed, declared to carry a tag of its own. */
export function feedPageProbe(id: string): Probe {
  const query = 'query ($id: ID!) { it: feedPage(id: $id) { version } }';
  return { tag: `feed:${id}:home`, query, variables: { id } };
}

/** An empty list of posts: nothing but the collection's tag. */
export const POSTS_PROBE: Probe = {
  tag: 'post',
  query: '{ it: posts { version posts { id } } }',
  variables: {},
};
