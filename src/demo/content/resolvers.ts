/** The resolvers of `schema/content.graphql`. */
import { perRequest } from '../context.ts';
import { keyOf, readChange, readText } from '../input.ts';
import { connectionOf, readPage } from '../page.ts';
import { notFound, rejection } from '../rejection.ts';
import { idOf } from '../subgraph.ts';
import type { Announcements } from './announcements.ts';
import { ContentLoaders } from './loaders.ts';
import type { ContentStorage, PostRow } from './storage.ts';
import type { MutationResolvers, Resolvers } from './types.generated.ts';

export interface ContentParts {
  readonly storage: ContentStorage;
  readonly announcements: Announcements;
}

const TITLE = { lengthMax: 200 };
const BODY = { lengthMax: 10_000 };
const COMMENT = { lengthMax: 2_000 };

export function contentResolvers(parts: ContentParts): Resolvers {
  const { storage } = parts;
  const loaders = perRequest((context) => new ContentLoaders(storage, context));
  return {
    Query: {
      post: (_, { id }, context) => loaders(context).posts.load(id),
      posts: async (_, args, context) => {
        const page = readPage(args);
        return connectionOf(context.count(await storage.posts(page)), page);
      },
    },
    Mutation: contentMutations(parts),
    Post: {
      __resolveReference: (post, context) => loaders(context).posts.load(idOf(post)),
      author: ({ authorId }) => ({ id: authorId }),
      comments: ({ id }, args, context) => loaders(context).commentsOn(id, readPage(args)),
    },
    Comment: {
      __resolveReference: (comment, context) => loaders(context).comments.load(idOf(comment)),
      author: ({ authorId }) => ({ id: authorId }),
      post: async ({ postId }, _, context) => existing(await loaders(context).posts.load(postId)),
    },
    User: {
      __resolveReference: (user) => ({ id: idOf(user) }),
      posts: ({ id }, args, context) => loaders(context).postsOf(id, readPage(args)),
    },
  };
}

function contentMutations({ storage, announcements }: ContentParts): MutationResolvers {
  return {
    createPost: async (_, { input }) => {
      const post = await storage.createPost({
        author: keyOf(input.authorId) ?? 0,
        title: readText('title', input.title, TITLE),
        body: readText('body', input.body, BODY),
      });
      if (post === undefined) throw notFound('author');
      await announcements.postCreated(post);
      return post;
    },
    updatePost: async (_, { id, input }) => {
      const title = readChange('title', input.title, TITLE);
      const body = readChange('body', input.body, BODY);
      if (title === undefined && body === undefined) {
        throw rejection('BAD_USER_INPUT', 'input: at least one field was required, got none.');
      }
      const changes = { title: title ?? null, body: body ?? null };
      const post = existing(await storage.updatePost(keyOf(id) ?? 0, changes));
      await announcements.postUpdated(post);
      return post;
    },
    deletePost: async (_, { id }) => {
      const removed = await storage.deletePost(keyOf(id) ?? 0);
      existing(removed.posts[0]);
      await announcements.removed(removed);
      return id;
    },
    addComment: async (_, { postId, input }) => {
      const text = readText('text', input.text, COMMENT);
      const [post] = await storage.postsByKeys([keyOf(postId) ?? 0]);
      const { authorId: postAuthorId } = existing(post);
      const author = keyOf(input.authorId) ?? 0;
      const comment = await storage.addComment({ author, post: Number(postId), text });
      if (comment === undefined) throw notFound('author or post');
      await announcements.commentAdded(comment, { postAuthorId });
      return comment;
    },
    deleteComment: async (_, { id }) => {
      const comment = await storage.deleteComment(keyOf(id) ?? 0);
      if (comment === undefined) throw notFound('comment');
      await announcements.commentDeleted(comment);
      return id;
    },
  };
}

function existing(post: PostRow | null | undefined): PostRow {
  if (post === null || post === undefined) throw notFound('post');
  return post;
}
