/**
 * What the services ask of a SQL database: PostgreSQL's dialect, positional parameters, and
 * transactions. Each service keeps its tables in a schema of its own, so that all of them can share
 * one database or have one each.
 */

export type Parameter = string | number | boolean | null | readonly (string | number)[];

export interface Queryable {
  /** One statement; `$1` is the first parameter. Rows are objects by column name. */
  query<Row extends object>(
    sql: string,
    parameters?: readonly Parameter[],
  ): Promise<readonly Row[]>;
}

export interface Database extends Queryable {
  /** Commits what `work` did once it resolves; undoes it, and rejects, when it rejects. */
  transaction<Result>(work: (queryable: Queryable) => Promise<Result>): Promise<Result>;
  /** Ends the connections. Statements under way are finished first. */
  close(): Promise<void>;
}

/** Selects a column of type timestamptz as RFC 3339 text in UTC, as the scalar DateTime is. */
export function timestamp(column: string, name: string): string {
  return `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "${name}"`;
}
