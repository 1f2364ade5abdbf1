/**
 * PostgreSQL inside the process: the audit of a node that has no database. In a directory it is
 * still there after a restart; in memory it is not. It works in the thread of the requests, so it
 * is for trying things out and for small deployments.
 */
import { PGlite } from '@electric-sql/pglite';
import { dataDir } from '@electric-sql/pglite-prepopulatedfs';
import { fault } from '../../invalidation/errors.ts';
import type { AuditDatabase, AuditSession } from './database.ts';

export interface PGliteAuditOptions {
  /** Made where it is not there. Default: in memory. Of one process at a time. */
  readonly directory?: string | undefined;
}

/** The default of 128 MB is allocated in full. */
const SETTINGS = ['-c', 'shared_buffers=8MB'];

/** Starts with the first session. */
export function pgliteAudit({ directory }: PGliteAuditOptions = {}): AuditDatabase {
  let opening: Promise<PGlite> | undefined;
  const query = async <Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> => {
    if (opening === undefined) {
      throw fault('AUDIT_UNAVAILABLE', { reason: 'it has not been started yet' });
    }
    const { rows } = await (await opening).query<Row>(text, [...values]);
    return rows;
  };
  const session: AuditSession = {
    query,
    async run(script) {
      await (await opening)?.transaction((transaction) => transaction.exec(script));
    },
    lock: () => Promise.resolve(true),
    end: () => undefined,
  };
  return {
    async open() {
      opening ??= create(directory);
      try {
        await opening;
      } catch (error) {
        opening = undefined;
        throw error;
      }
      return session;
    },
    queries: { query },
    async close() {
      const pglite = await opening?.catch(() => undefined);
      await pglite?.close();
    },
  };
}

async function create(directory: string | undefined): Promise<PGlite> {
  return PGlite.create({
    startParams: [...PGlite.defaultStartParams, ...SETTINGS],
    ...(directory === undefined ? { loadDataDir: await dataDir() } : { dataDir: directory }),
  });
}
