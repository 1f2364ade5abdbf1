/** The feed's service: it alone knows who follows whom, so it tells of the timelines. */
import { keys } from 'freshet-gateway/invalidation';
import {
  startSubgraph, type RecipeOptions, type RecipeService, type Telling,
} from '../subgraph.ts';

interface Post {
  readonly id: string;
  readonly authorId: string;
  text: string;
}

interface Pair {
  readonly reader: string;
  readonly author: string;
}

/** A message takes so many keys; who has more followers is told of in several. */
const KEYS_MAX = 10_000;

const users = new Map(['Ada', 'Bea', 'Cem', 'Dia'].map((name) => {
  const id = name.toLowerCase();
  return [id, { id, name }];
}));

export function startFeed(options: RecipeOptions): Promise<RecipeService> {
  const posts = new Map<string, Post>([
    ['1', { id: '1', authorId: 'ada', text: 'The engine weaves.' }],
    ['2', { id: '2', authorId: 'bea', text: 'Rain again.' }],
  ]);
  let lastId = posts.size;
  /** By reader: authors. */
  const follows = new Map([
    ['bea', new Set(['ada'])], ['cem', new Set(['ada', 'bea'])], ['dia', new Set(['bea'])],
  ]);

  const newest = (): Post[] => [...posts.values()].reverse();
  const followersOf = (author: string): string[] =>
    [...follows].flatMap(([reader, authors]) => (authors.has(author) ? [reader] : []));

  const resolvers = {
    Query: {
      user: (_: unknown, { id }: { id: string }) => userOf(id),
      timeline: (_: unknown, { reader, first }: { reader: string; first: number }) =>
        newest().filter(({ authorId }) => follows.get(reader)?.has(authorId)).slice(0, first),
    },
    User: {
      posts: ({ id }: { id: string }) => newest().filter(({ authorId }) => authorId === id),
    },
    Post: { author: ({ authorId }: Post) => userOf(authorId) },
    Mutation: {
      async createPost(_: unknown, args: { author: string; text: string }, { stale }: Telling) {
        const { author, text } = args;
        if (!users.has(author)) return null;
        const post = { id: `${lastId += 1}`, authorId: author, text };
        posts.set(post.id, post);
        const timelines = followersOf(author).map((reader) => keys.of('timeline', reader));
        const all = [keys.user(author, 'posts'), ...timelines];
        for (let at = 0; at < all.length; at += KEYS_MAX) {
          await stale(all.slice(at, at + KEYS_MAX));
        }
        return post;
      },
      async editPost(_: unknown, args: { post: string; text: string }, { stale }: Telling) {
        const post = posts.get(args.post);
        if (post === undefined) return null;
        post.text = args.text;
        await stale([keys.post(post.id)]);
        return post;
      },
      async deletePost(_: unknown, { post }: { post: string }, { stale }: Telling) {
        if (!posts.delete(post)) return false;
        await stale([keys.post(post)]);
        return true;
      },
      follow(_: unknown, { reader, author }: Pair, telling: Telling) {
        follows.set(reader, new Set([...follows.get(reader) ?? [], author]));
        return change(reader, telling);
      },
      unfollow(_: unknown, { reader, author }: Pair, telling: Telling) {
        follows.get(reader)?.delete(author);
        return change(reader, telling);
      },
    },
  };
  const find = {
    User: ({ id }: { id: string }) => userOf(id),
    Post: ({ id }: { id: string }) => posts.get(id) ?? null,
  };
  const schema = new URL('schema.graphql', import.meta.url);
  return startSubgraph({ source: 'feed', schema, resolvers, find }, options);
}

function userOf(id: string) {
  return users.get(id) ?? null;
}

async function change(reader: string, { stale }: Telling): Promise<true> {
  await stale([keys.of('timeline', reader)]);
  return true;
}
