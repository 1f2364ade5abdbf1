/**
 * What the audit asks of PostgreSQL, by URL or inside the process. It promises: no wait is without
 * a bound, and no error of it shows a credential.
 */

export interface AuditQueries {
  /** One statement; `$1` is the first value. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** The connection of the one that writes. Once it has failed, it is of no more use. */
export interface AuditSession extends AuditQueries {
  /** Several statements, all of them or none. */
  run(script: string): Promise<void>;
  /** Whether this session alone, of all that ask for it, may write. It may until its end. */
  lock(): Promise<boolean>;
  end(): void;
}

export interface AuditDatabase {
  /** Rejects where the database cannot be reached. */
  open(): Promise<AuditSession>;
  /** For searching, beside the one that writes. */
  readonly queries: AuditQueries;
  close(): Promise<void>;
}
