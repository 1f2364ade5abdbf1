/** How much of its WAL a server keeps because of a slot: it may fill the server's disk. */
import type { Clock } from '../../../invalidation/clock.ts';
import { connectDatabase } from './connection.ts';
import { quotedText } from './table-mapping.ts';

export interface RetainedOptions {
  readonly url: string;
  readonly slot: string;
  readonly retainedBytesMax: number;
  readonly clock: Clock;
}

interface SlotRow {
  /** Of a number that a double may not hold: as text. */
  readonly retained: string | null;
  readonly status: string | null;
}

/** What to warn of; undefined where there is nothing. Rejects as the database does. */
export async function retainedWarning(options: RetainedOptions): Promise<string | undefined> {
  const { url, slot, retainedBytesMax, clock } = options;
  const database = await connectDatabase({ url, clock });
  try {
    const [row] = await database.query<SlotRow>(`SELECT wal_status AS status,
        pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint::text AS retained
      FROM pg_replication_slots WHERE slot_name = ${quotedText(slot)}`);
    if (row === undefined) return undefined;
    if (row.status === 'lost') {
      return `slot ${slot} is lost: the server has dropped what was not read (see ` +
        'max_slot_wal_keep_size); all of the types is purged when it is read anew';
    }
    const retained = Number(row.retained ?? 0);
    if (retained <= retainedBytesMax) return undefined;
    const mebibytes = Math.round(retained / 2 ** 20);
    return `the server keeps ${mebibytes} MiB of WAL for slot ${slot}, which is not read: ` +
      'let it be read, or drop the slot before its disk is full';
  } finally {
    database.end();
  }
}
