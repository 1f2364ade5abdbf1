/** The tables of feed: its members, who follows whom, and who wrote which post. */
import { dataset } from '../dataset.ts';
import type { Database } from '../database.ts';
import { insertAll, migrate, type Migrations } from '../migration.ts';
import type { PageRequest } from '../page.ts';

export interface FeedItem {
  /** Of the post. */
  readonly id: string;
}

export interface Follow {
  readonly user: number;
  readonly target: number;
}

export class FeedStorage {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  static async open(database: Database): Promise<FeedStorage> {
    await migrate(database, MIGRATIONS);
    return new FeedStorage(database);
  }

  /** Those of `keys` that are members. */
  async members(keys: readonly number[]): Promise<ReadonlySet<number>> {
    const rows = await this.#database.query<{ id: number }>(
      'select id from feed.member where id = any($1::int[]) and not deleted', [keys],
    );
    return new Set(rows.map(({ id }) => id));
  }

  page(user: number, { limit, after }: PageRequest): Promise<readonly FeedItem[]> {
    return this.#database.query(
      `select post.id::text as id
       from feed.follow join feed.post on post.author_id = follow.target_id
       where follow.user_id = $1 and not post.deleted and ($2::int is null or post.id < $2)
       order by post.id desc limit $3`,
      [user, after, limit],
    );
  }

  /** False where it was so already. */
  async follow({ user, target }: Follow): Promise<boolean> {
    const rows = await this.#database.query(
      `insert into feed.follow (user_id, target_id) values ($1, $2)
       on conflict do nothing returning user_id`,
      [user, target],
    );
    return rows.length > 0;
  }

  /** False where it was not so. */
  async unfollow({ user, target }: Follow): Promise<boolean> {
    const rows = await this.#database.query(
      'delete from feed.follow where user_id = $1 and target_id = $2 returning user_id',
      [user, target],
    );
    return rows.length > 0;
  }

  /** A post that is known already stays as it is, be it deleted. Answers whose feeds changed. */
  async addPost(post: number, author: number): Promise<readonly string[]> {
    await this.#database.query(
      'insert into feed.post (id, author_id) values ($1, $2) on conflict do nothing',
      [post, author],
    );
    return this.#followersOf(author);
  }

  /** Its row stays, so that doing it again tells the same. Answers whose feeds changed. */
  async deletePost(post: number): Promise<readonly string[]> {
    const [row] = await this.#database.query<{ author_id: number }>(
      'update feed.post set deleted = true where id = $1 returning author_id', [post],
    );
    return row === undefined ? [] : this.#followersOf(row.author_id);
  }

  async deleteMember(key: number): Promise<void> {
    await this.#database.query('update feed.member set deleted = true where id = $1', [key]);
  }

  async #followersOf(author: number): Promise<readonly string[]> {
    const rows = await this.#database.query<{ id: string }>(
      'select user_id::text as id from feed.follow where target_id = $1', [author],
    );
    return rows.map(({ id }) => id);
  }
}

const MIGRATIONS: Migrations = {
  schema: 'feed',
  steps: [[
    `create table feed.member (
      id integer primary key,
      deleted boolean not null default false
    )`,
    `create table feed.follow (
      user_id integer not null references feed.member,
      target_id integer not null references feed.member,
      created_at timestamptz not null default now(),
      primary key (user_id, target_id)
    )`,
    'create index follow_of_target on feed.follow (target_id)',
    `create table feed.post (
      id integer primary key,
      author_id integer not null,
      deleted boolean not null default false
    )`,
    'create index post_of_author on feed.post (author_id, id)',
  ]],
  async seed(queryable) {
    const { users, follows, posts } = dataset();
    await insertAll(queryable, 'feed.member', {
      columns: 'id integer',
      rows: users.map(({ id }) => ({ id })),
    });
    await insertAll(queryable, 'feed.follow', {
      columns: 'user_id integer, target_id integer, created_at timestamptz',
      rows: follows,
    });
    await insertAll(queryable, 'feed.post', {
      columns: 'id integer, author_id integer',
      rows: posts.map(({ id, author_id }) => ({ id, author_id })),
    });
  },
};
