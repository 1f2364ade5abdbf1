/** Many transactions at a time on a PostgreSQL server, some of which are rolled back. */
import type { Pool, PoolClient } from 'pg';
import { integerBelow, seededRandom } from './seeded-random.ts';

export interface TransactionsOptions {
  readonly pool: Pool;
  /** So many ids are used, each in one transaction: `u0`, `u1`... */
  readonly ids: number;
  /** Of the chances that are taken. */
  readonly seed: string;
  /** Writes what `ids` stand for, on the client of the transaction. */
  readonly write: (client: PoolClient, ids: readonly string[]) => Promise<unknown>;
}

/** Eight writers until all ids are used. Resolves to those whose transactions committed. */
export async function runTransactions(options: TransactionsOptions): Promise<ReadonlySet<string>> {
  const { pool, seed, write } = options;
  const committed = new Set<string>();
  let used = 0;
  const writer = async (name: number): Promise<void> => {
    const random = seededRandom(`${seed} ${name}`);
    while (used < options.ids) {
      const length = Math.min(1 + integerBelow(random, 400), options.ids - used);
      const ids = Array.from({ length }, () => `u${used++}`);
      const isCommitted = random() < 0.7;
      const client = await pool.connect();
      await client.query('BEGIN');
      const half = ids.length >>> 1;
      await write(client, ids.slice(0, half));
      if (random() < 0.5) await client.query('SELECT pg_sleep($1)', [random() / 100]);
      await write(client, ids.slice(half));
      await client.query(isCommitted ? 'COMMIT' : 'ROLLBACK');
      client.release();
      if (isCommitted) for (const id of ids) committed.add(id);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, name) => writer(name)));
  return committed;
}
