/** The tables of posts and comments, and of whom content knows as an author. */
import { timestamp, type Database, type Queryable } from '../database.ts';
import { migrate } from '../migration.ts';
import type { PageRequest } from '../page.ts';
import { CONTENT_MIGRATIONS } from './migrations.ts';

export interface PostRow {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly authorId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
}

export interface CommentRow {
  readonly id: string;
  readonly text: string;
  readonly authorId: string;
  readonly postId: string;
  readonly createdAt: string;
}

/** A row of a list that belongs to `parentId`. */
export type Listed<Row> = Row & { readonly parentId: string };

/** What a deletion took away. */
export interface Removed {
  readonly posts: readonly PostRow[];
  readonly comments: readonly CommentRow[];
}

const POST_COLUMNS = `id::text as id, title, body, author_id::text as "authorId",
  ${timestamp('created_at', 'createdAt')}, ${timestamp('updated_at', 'updatedAt')}, version`;
const COMMENT_COLUMNS = `id::text as id, text, author_id::text as "authorId",
  post_id::text as "postId", ${timestamp('created_at', 'createdAt')}`;

export class ContentStorage {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  static async open(database: Database): Promise<ContentStorage> {
    await migrate(database, CONTENT_MIGRATIONS);
    return new ContentStorage(database);
  }

  postsByKeys(keys: readonly number[]): Promise<readonly PostRow[]> {
    const sql = `select ${POST_COLUMNS} from content.post where id = any($1::int[])`;
    return this.#database.query(sql, [keys]);
  }

  commentsByKeys(keys: readonly number[]): Promise<readonly CommentRow[]> {
    const sql = `select ${COMMENT_COLUMNS} from content.comment where id = any($1::int[])`;
    return this.#database.query(sql, [keys]);
  }

  posts({ limit, after }: PageRequest): Promise<readonly PostRow[]> {
    return this.#database.query(
      `select ${POST_COLUMNS} from content.post
       where $1::int is null or id < $1 order by post.id desc limit $2`,
      [after, limit],
    );
  }

  /** The same page of the posts of each author. */
  postsOf(
    authors: readonly number[],
    { limit, after }: PageRequest,
  ): Promise<readonly Listed<PostRow>[]> {
    return this.#database.query(
      `select author::text as "parentId", page.*
       from unnest($1::int[]) as author cross join lateral (
         select ${POST_COLUMNS} from content.post
         where author_id = author and ($2::int is null or id < $2) order by post.id desc limit $3
       ) as page`,
      [authors, after, limit],
    );
  }

  /** The same page of the comments on each post. */
  commentsOn(
    posts: readonly number[],
    { limit, after }: PageRequest,
  ): Promise<readonly Listed<CommentRow>[]> {
    return this.#database.query(
      `select parent::text as "parentId", page.*
       from unnest($1::int[]) as parent cross join lateral (
         select ${COMMENT_COLUMNS} from content.comment
         where post_id = parent and ($2::int is null or id > $2) order by comment.id limit $3
       ) as page`,
      [posts, after, limit],
    );
  }

  /** `undefined` for an unknown author. */
  async createPost(
    { author, title, body }: { author: number; title: string; body: string },
  ): Promise<PostRow | undefined> {
    // The lock keeps the author from being deleted before the post is there to be found.
    const [row] = await this.#database.query<PostRow>(
      `with author as (select id from content.author where id = $1 and not deleted for share)
       insert into content.post (author_id, title, body)
       select author.id, $2::text, $3::text from author returning ${POST_COLUMNS}`,
      [author, title, body],
    );
    return row;
  }

  async updatePost(
    key: number,
    { title = null, body = null }: { title?: string | null; body?: string | null },
  ): Promise<PostRow | undefined> {
    const [row] = await this.#database.query<PostRow>(
      `update content.post set
         title = coalesce($2::text, title), body = coalesce($3::text, body),
         updated_at = now(), version = version + 1
       where id = $1 returning ${POST_COLUMNS}`,
      [key, title, body],
    );
    return row;
  }

  deletePost(key: number): Promise<Removed> {
    return this.#database.transaction((queryable) => removePosts(queryable, [key]));
  }

  /** `undefined` for an unknown author or post. */
  async addComment(
    { author, post, text }: { author: number; post: number; text: string },
  ): Promise<CommentRow | undefined> {
    const [row] = await this.#database.query<CommentRow>(
      `with author as (select id from content.author where id = $1 and not deleted for share),
         post as (select id from content.post where id = $2 for share)
       insert into content.comment (author_id, post_id, text)
       select author.id, post.id, $3::text from author, post returning ${COMMENT_COLUMNS}`,
      [author, post, text],
    );
    return row;
  }

  async deleteComment(key: number): Promise<CommentRow | undefined> {
    const sql = `delete from content.comment where id = $1 returning ${COMMENT_COLUMNS}`;
    const [row] = await this.#database.query<CommentRow>(sql, [key]);
    return row;
  }

  /** With all that the author wrote, and all that others wrote below it. */
  deleteAuthor(key: number): Promise<Removed> {
    return this.#database.transaction(async (queryable) => {
      await queryable.query('update content.author set deleted = true where id = $1', [key]);
      const written = await queryable.query<{ id: number }>(
        'select id from content.post where author_id = $1', [key],
      );
      const below = await removePosts(queryable, written.map(({ id }) => id));
      const comments = await queryable.query<CommentRow>(
        `delete from content.comment where author_id = $1 returning ${COMMENT_COLUMNS}`, [key],
      );
      return { posts: below.posts, comments: [...below.comments, ...comments] };
    });
  }
}

async function removePosts(queryable: Queryable, keys: readonly number[]): Promise<Removed> {
  // First the lock, so that no comment is added between the two deletions.
  await queryable.query('select id from content.post where id = any($1::int[]) for update', [keys]);
  const comments = await queryable.query<CommentRow>(
    `delete from content.comment where post_id = any($1::int[]) returning ${COMMENT_COLUMNS}`,
    [keys],
  );
  const posts = await queryable.query<PostRow>(
    `delete from content.post where id = any($1::int[]) returning ${POST_COLUMNS}`, [keys],
  );
  return { posts, comments };
}
