/** `freshet source-sql`: the statements by which a PostgreSQL database tells of its changes. */
import { FreshetError } from '../../invalidation/errors.ts';
import { UsageError, type Command } from './command.ts';

const TABLE_FLAG = {
  name: 'table',
  value: 'TABLE=TYPE:COLUMN',
  multiple: true,
  description: 'a row is that entity; with ~ for = it is a part of that entity',
};
const OUTBOX_FLAG = {
  name: 'outbox',
  value: 'TABLE',
  description: 'where the triggers write to (default freshet_outbox)',
};
const SOURCE_FLAG = {
  name: 'source',
  value: 'NAME',
  description: 'who the invalidations are from (default postgres)',
};
const REMOVE_FLAG = {
  name: 'remove',
  description: 'print what takes the triggers away again; the outbox stays',
};

export const sourceSql: Command = {
  name: 'source-sql',
  summary: 'print the triggers by which PostgreSQL tells of its changes',
  flags: [TABLE_FLAG, OUTBOX_FLAG, SOURCE_FLAG, REMOVE_FLAG],
  examples: [
    'freshet source-sql --table users=User:id --table comments=Comment:id \\\n' +
    "                   --table comments~Post:post_id | psql -1 -v ON_ERROR_STOP=1 \"$URL\"",
    "freshet source-sql --table 'shop.orders=Order:region,number' --outbox shop.outbox",
    'freshet source-sql --table users=User:id --remove | psql -1 "$URL"',
  ],
  async run(values, { print }) {
    const [{ triggerSql, removeTriggerSql }, { readTableMapping }] = await Promise.all([
      import('../sources/postgres/trigger-sql.ts'),
      import('../sources/postgres/table-mapping.ts'),
    ]);
    const [outbox] = values.get(OUTBOX_FLAG.name)?.slice(-1) ?? [];
    const [source] = values.get(SOURCE_FLAG.name)?.slice(-1) ?? [];
    try {
      const mappings = (values.get(TABLE_FLAG.name) ?? []).map(readTableMapping);
      print(values.has(REMOVE_FLAG.name) ? removeTriggerSql({ mappings }) : triggerSql({
        mappings, ...(outbox !== undefined && { outbox }), ...(source !== undefined && { source }),
      }));
    } catch (error) {
      // Nothing but what was asked for can be at fault.
      throw error instanceof FreshetError ? new UsageError(error.message) : error;
    }
    return 0;
  },
};
