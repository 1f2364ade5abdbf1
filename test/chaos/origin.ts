/**
 * The services behind the gateways: users, each with a version as a name, and posts that know their
 * authors. A version never goes back, whoever writes it and however late: what is read here is the
 * truth at that moment. One read in four dawdles between reading and answering, so that writes come
 * in between.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/invalidation/clock.ts';
import { integerBelow } from '../support/seeded-random.ts';
import { startSubgraph } from '../support/subgraph.ts';

export const USERS = 48;
export const TEAM_SIZE = 8;
export const DAWDLE_MS_MAX = 15;

export interface Origin {
  readonly ids: readonly string[];
  /** For the configuration of a gateway. */
  readonly subgraphs: Record<string, string>;
  /** The service changes its own data. */
  write(id: string, version: number): void;
  stop(): Promise<void>;
}

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key", "@external", "@shareable"])`;

/** `onWrite` is told of each version when it is there to be read. */
export async function startOrigin(
  { random, onWrite }: { random: Random; onWrite: (id: string, version: number) => void },
): Promise<Origin> {
  const ids = Array.from({ length: USERS }, (_, index) => String(index));
  const versions = new Map(ids.map((id) => [id, 1]));
  const write = (id: string, version: number): void => {
    versions.set(id, Math.max(version, versions.get(id) ?? 1));
    onWrite(id, version);
  };
  const user = (id: string) => ({ id, name: `v${versions.get(id) ?? 1}` });
  const dawdling = async <T>(read: T): Promise<T> => {
    if (random() < 0.25) await sleep(1 + integerBelow(random, DAWDLE_MS_MAX));
    return read;
  };
  const users = await startSubgraph({
    name: 'users',
    sdl: `${LINK}
      type Query { user(id: ID!): User team(id: ID!): [User!]! }
      type Mutation { rename(id: ID!, version: Int!): User }
      type User @key(fields: "id") { id: ID! name: String! }`,
    resolvers: {
      Query: {
        user: (_, { id }) => dawdling(user(id)),
        team: (_, { id }) => dawdling(membersOf(Number(id)).map(user)),
      },
      Mutation: {
        rename: (_, { id, version }) => {
          write(id, version);
          return user(id);
        },
      },
    },
    entities: { User: ({ id }) => dawdling(user(id)) },
  });
  const content = await startSubgraph({
    name: 'content',
    sdl: `${LINK}
      type Query { post(id: ID!): Post }
      type Post @key(fields: "id") { id: ID! author: User }
      type User @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: { post: (_, { id }) => ({ id }) },
      Post: { author: ({ id }) => ({ __typename: 'User', id }) },
    },
    entities: { Post: ({ id }) => ({ id }), User: ({ id }) => ({ id }) },
  });
  const forgetting = setInterval(() => [users, content].forEach((one) => one.forget()), 1_000);
  return {
    ids,
    subgraphs: { users: users.url, content: content.url },
    write,
    async stop() {
      clearInterval(forgetting);
      await Promise.all([users.stop(), content.stop()]);
    },
  };
}

export function membersOf(team: number): readonly string[] {
  return Array.from({ length: TEAM_SIZE }, (_, index) => String(team * TEAM_SIZE + index));
}
