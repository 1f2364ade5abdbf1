/** Where the gateway hears of changes besides the channel of Redis. */
import { z } from 'zod';
import { brokerOptions } from './broker-schema.ts';

/** A name as it is, or in double quotes, where one of its own is written twice. */
const IDENTIFIER = String.raw`(?:[A-Za-z_][\w$]*|"(?:[^"]|"")+")`;

/**
 * `[schema.]table=Type:column[,column...]`; with `~` in place of `=` a row is a part of the
 * entity. Groups: schema, table, the sign, type, columns.
 */
export const TABLE_MAPPING = new RegExp([
  `^(?:(${IDENTIFIER})\\.)?(${IDENTIFIER})([=~])`,
  `([A-Za-z_]\\w*):(${IDENTIFIER}(?:,${IDENTIFIER})*)$`,
].join(''));

const SOURCE_NAME = /^[a-z][a-z0-9_]{0,40}$/;
/** As PostgreSQL has them for slots, and as they need no quotes for anything else. */
const NAME = /^[a-z_][a-z0-9_]{0,50}$/;
const GIB = 2 ** 30;

const about = (description: string) => ({ description });
const plainName = (description: string) => z.string().regex(NAME)
  .meta({ description, required: 'a name of lower-case letters, digits and underscores' });

const postgresSource = z.strictObject({
  url: z.string()
    .refine((value) => URL.canParse(value) && /^postgres(ql)?:$/.test(new URL(value).protocol))
    .meta({
      description: 'The database; not by a pooler in transaction mode.',
      required: 'a postgres:// or postgresql:// URL',
      secret: true,
    }),
  read: z.enum(['outbox', 'replication']).default('outbox')
    .meta(about('A table that services or triggers write to, or logical replication.')),
  outbox: z.string().regex(/^([a-z_][a-z0-9_]{0,50}\.)?[a-z_][a-z0-9_]{0,50}$/)
    .default('freshet_outbox')
    .meta({
      description: 'Where it reads the outbox: the name of its table.',
      required: 'a name of lower-case letters, digits and underscores, or schema.name',
    }),
  tables: z.array(z.string().regex(TABLE_MAPPING).meta({
    description: '`users=User:id`: which entity a row is; `comments~Post:post_id`: is a part of.',
    required: 'a mapping such as users=User:id',
  })).max(1_000).default([])
    .meta(about('Where it reads replication: what a row of which table makes stale.')),
  slot: plainName('Replication slot. Default: `freshet_` and the name of the source.').optional(),
  publication: plainName('Publication that the slot reads.').default('freshet'),
  retainedBytesMax: z.int().min(1).max(2 ** 50).default(GIB)
    .meta(about('Warn where the slot makes the database keep more of its WAL than this.')),
});

export const sourcesOptions = {
  sources: z.strictObject({
    postgres: z.record(z.string().regex(SOURCE_NAME), postgresSource).default({})
      .meta(about('PostgreSQL databases whose changes invalidate, by a name for each.')),
    ...brokerOptions,
  }).prefault({}).meta(about('Where changes are heard of, besides the channel of Redis.')),
};
