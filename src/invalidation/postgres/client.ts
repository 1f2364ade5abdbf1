/**
 * What is asked of a client of PostgreSQL: `pg` has it, and is loaded by whoever makes one, never
 * by this library.
 */

export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** A connection of its own, not of a pool: `() => new pg.Client(url)` makes one. */
export interface PostgresClient extends Queryable {
  connect(): Promise<unknown>;
  end(): Promise<void>;
  on(event: 'notification', listener: (message: { readonly channel: string }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}
