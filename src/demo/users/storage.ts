/** The table of users. */
import { dataset } from '../dataset.ts';
import { timestamp, type Database } from '../database.ts';
import { insertAll, migrate } from '../migration.ts';
import type { PageRequest } from '../page.ts';

export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly handle: string;
  readonly email: string;
  readonly bio: string | null;
  readonly avatarUrl: string | null;
  readonly createdAt: string;
  readonly version: number;
}

/** What is undefined stays as it is. */
export interface UserChanges {
  readonly name?: string | undefined;
  readonly bio?: string | null | undefined;
  readonly avatarUrl?: string | null | undefined;
}

const COLUMNS = `id::text as id, name, handle, email, bio, avatar_url as "avatarUrl",
  ${timestamp('created_at', 'createdAt')}, version`;

export class UserStorage {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  static async open(database: Database): Promise<UserStorage> {
    await migrate(database, {
      schema: 'users',
      steps: [[
        `create table users.member (
          id integer primary key,
          name text not null,
          handle text not null unique,
          email text not null unique,
          bio text,
          avatar_url text,
          created_at timestamptz not null default now(),
          version integer not null default 1
        )`,
      ]],
      seed: (queryable) => insertAll(queryable, 'users.member', {
        columns: 'id integer, name text, handle text, email text, bio text, avatar_url text, '
          + 'created_at timestamptz',
        rows: dataset().users,
      }),
    });
    return new UserStorage(database);
  }

  byKeys(keys: readonly number[]): Promise<readonly UserRow[]> {
    const sql = `select ${COLUMNS} from users.member where id = any($1::int[])`;
    return this.#database.query(sql, [keys]);
  }

  page({ limit, after }: PageRequest): Promise<readonly UserRow[]> {
    return this.#database.query(
      `select ${COLUMNS} from users.member
       where $1::int is null or id > $1 order by member.id limit $2`,
      [after, limit],
    );
  }

  async update(key: number, changes: UserChanges): Promise<UserRow | undefined> {
    const { name = null, bio, avatarUrl } = changes;
    const [row] = await this.#database.query<UserRow>(
      `update users.member set
         name = coalesce($2::text, name),
         bio = case when $3 then $4::text else bio end,
         avatar_url = case when $5 then $6::text else avatar_url end,
         version = version + 1
       where id = $1 returning ${COLUMNS}`,
      [key, name, bio !== undefined, bio ?? null, avatarUrl !== undefined, avatarUrl ?? null],
    );
    return row;
  }

  async delete(key: number): Promise<UserRow | undefined> {
    const sql = `delete from users.member where id = $1 returning ${COLUMNS}`;
    const [row] = await this.#database.query<UserRow>(sql, [key]);
    return row;
  }
}
