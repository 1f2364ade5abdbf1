/** The tables of accounts, sessions, and the key that signs tokens. */
import type { JWK } from 'jose';
import { dataset } from '../dataset.ts';
import { timestamp, type Database, type Queryable } from '../database.ts';
import { insertAll, migrate, type Migrations } from '../migration.ts';
import { hashPassword } from './password.ts';
import { newPrivateJwk } from './tokens.ts';

/** Of every account in the data set. */
export const DEMO_PASSWORD = 'freshet';

export interface Account {
  readonly userId: string;
  readonly passwordHash: string;
  readonly roles: readonly string[];
}

export interface SessionRow {
  readonly id: string;
  readonly userId: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

const SESSIONS_MAX = 10;
const SESSION_TTL = '1 hour';
const SESSION_COLUMNS = `session.id, session.user_id::text as "userId",
  ${timestamp('session.created_at', 'createdAt')}, ${timestamp('session.expires_at', 'expiresAt')}`;

export class AuthStorage {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  static async open(database: Database): Promise<AuthStorage> {
    await migrate(database, MIGRATIONS);
    return new AuthStorage(database);
  }

  async privateJwk(): Promise<JWK> {
    const [row] = await this.#database.query<{ jwk: JWK }>('select jwk from auth.signing_key');
    return (row as { jwk: JWK }).jwk;
  }

  /** `login`: a handle or an e-mail address, in any case. */
  async account(login: string): Promise<Account | undefined> {
    const [row] = await this.#database.query<Account>(
      `select user_id::text as "userId", password_hash as "passwordHash", roles
       from auth.account where handle = $1 or email = $1`,
      [login.toLowerCase()],
    );
    return row;
  }

  /** `undefined` for one that was revoked or has expired. */
  async session(id: string): Promise<SessionRow | undefined> {
    const [row] = await this.#database.query<SessionRow>(
      `select ${SESSION_COLUMNS} from auth.session where id = $1 and expires_at > now()`, [id],
    );
    return row;
  }

  /** Opens a session; of one user at most 10 are kept, and the ids of those given up are told. */
  openSession(userId: string): Promise<{ opened: SessionRow; dropped: readonly string[] }> {
    return this.#database.transaction(async (queryable) => {
      await queryable.query('delete from auth.session where expires_at < now()');
      const [opened] = await queryable.query<SessionRow>(
        `insert into auth.session (user_id, expires_at)
         values ($1, now() + interval '${SESSION_TTL}') returning ${SESSION_COLUMNS}`,
        [Number(userId)],
      );
      const dropped = await queryable.query<{ id: string }>(
        `delete from auth.session where id in (
           select id from auth.session where user_id = $1
           order by created_at desc offset ${SESSIONS_MAX}
         ) returning id`,
        [Number(userId)],
      );
      return { opened: opened as SessionRow, dropped: dropped.map(({ id }) => id) };
    });
  }

  /** False for an unknown one. */
  async revokeSession(id: string): Promise<boolean> {
    const sql = 'delete from auth.session where id = $1 returning id';
    return (await this.#database.query(sql, [id])).length > 0;
  }

  /** Answers the sessions that ended with it. */
  deleteAccount(userKey: number): Promise<readonly string[]> {
    return this.#database.transaction(async (queryable) => {
      const sessions = await queryable.query<{ id: string }>(
        'delete from auth.session where user_id = $1 returning id', [userKey],
      );
      await queryable.query('delete from auth.account where user_id = $1', [userKey]);
      return sessions.map(({ id }) => id);
    });
  }
}

const MIGRATIONS: Migrations = {
  schema: 'auth',
  steps: [[
    `create table auth.account (
      user_id integer primary key,
      handle text not null unique,
      email text not null unique,
      password_hash text not null,
      roles text[] not null
    )`,
    `create table auth.session (
      id text primary key default gen_random_uuid()::text,
      user_id integer not null references auth.account on delete cascade,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`,
    'create index session_of_user on auth.session (user_id, created_at)',
    'create index session_by_expiry on auth.session (expires_at)',
    'create table auth.signing_key (jwk jsonb not null)',
  ]],
  async seed(queryable) {
    await insertKey(queryable);
    // One hash for all: they share the password, and a hash each would delay the start by seconds.
    const password_hash = await hashPassword(DEMO_PASSWORD);
    await insertAll(queryable, 'auth.account', {
      columns: 'user_id integer, handle text, email text, password_hash text, roles text[]',
      rows: dataset().users.map(({ id, handle, email }) => ({
        user_id: id, handle, email, password_hash,
        roles: id === 1 ? ['user', 'admin'] : ['user'],
      })),
    });
  },
};

async function insertKey(queryable: Queryable): Promise<void> {
  const jwk = JSON.stringify(await newPrivateJwk());
  await queryable.query('insert into auth.signing_key (jwk) values ($1::jsonb)', [jwk]);
}
