/**
 * What content publishes after a commit, so that of all answers that any cache holds exactly those
 * go that the change made wrong. Lists carry the tags that `schema/content.graphql` declares; that
 * something was added or removed also changes whether the page before it has a next page.
 */
import { BATCH_LENGTH_MAX } from '../../invalidation/message.ts';
import type { Publisher } from '../../invalidation/publisher.ts';
import type { CommentRow, PostRow, Removed } from './storage.ts';

export class Announcements {
  readonly #publisher: Publisher;

  constructor(publisher: Publisher) {
    this.#publisher = publisher;
  }

  /** Every list of posts. `author_id` tells feeds whose it is. */
  async postCreated(post: PostRow): Promise<void> {
    const cascade = [`user:${post.authorId}:posts`];
    const metadata = { version: post.version, author_id: post.authorId, cascade };
    await this.#publisher.created('Post', post.id, metadata);
  }

  async postUpdated({ id, version }: PostRow): Promise<void> {
    await this.#publisher.invalidatePost(id, { action: 'Update', metadata: { version } });
  }

  /** The lists of comments on the post. The others tell notifications whom to notify. */
  async commentAdded(comment: CommentRow, { postAuthorId }: { postAuthorId: string }) {
    await this.#publisher.created('Comment', comment.id, {
      author_id: comment.authorId,
      post_id: comment.postId,
      post_author_id: postAuthorId,
      cascade: [`post:${comment.postId}:comments`],
    });
  }

  async commentDeleted({ id, postId }: CommentRow): Promise<void> {
    const metadata = { cascade: [`post:${postId}:comments`] };
    await this.#publisher.invalidateComment(id, { action: 'Delete', metadata });
  }

  /** Posts one by one, since feeds listen to that; all comments together. */
  async removed({ posts, comments }: Removed): Promise<void> {
    for (const { id, authorId, version } of posts) {
      const cascade = [`post:${id}:*`, `user:${authorId}:posts`, 'post'];
      const metadata = { version: version + 1, cascade };
      await this.#publisher.invalidatePost(id, { action: 'Delete', metadata });
    }
    const keys = comments.flatMap(({ id, postId }) => [`comment:${id}`, `post:${postId}:comments`]);
    const unique = [...new Set(keys)];
    for (let start = 0; start < unique.length; start += BATCH_LENGTH_MAX) {
      await this.#publisher.invalidateBatch(unique.slice(start, start + BATCH_LENGTH_MAX));
    }
  }
}
