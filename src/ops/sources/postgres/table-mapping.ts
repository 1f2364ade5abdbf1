/** Which entity a row of a table is, or is a part of: `users=User:id`, `comments~Post:post_id`. */
import { TABLE_MAPPING } from '../../../gateway/config/sources-schema.ts';
import { fault } from '../../../invalidation/errors.ts';
import { collectionTag } from '../../../invalidation/tag.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface TableMapping {
  readonly table: TableName;
  readonly type: string;
  /** The entity's key, in the order of its fields in the schema. */
  readonly columns: readonly string[];
  /** The row belongs to the entity: a new one changes it, and makes no list of its type longer. */
  readonly isPart: boolean;
}

/** Throws `SOURCE_INVALID`. Names are taken as they are written; the schema is `public`. */
export function readTableMapping(text: string): TableMapping {
  const match = TABLE_MAPPING.exec(text);
  const [, schema = 'public', name, sign, type, columns] = match ?? [];
  if (name === undefined || type === undefined || columns === undefined) {
    const required = 'table=Type:column, or table~Type:column, with schema.table if need be';
    throw fault('SOURCE_INVALID', { path: 'table', required, got: 'another text' });
  }
  return {
    table: { schema: unquoted(schema), name: unquoted(name) },
    type,
    columns: (columns.match(/"(?:[^"]|"")+"|[^",]+/g) ?? []).map(unquoted),
    isPart: sign === '~',
  };
}

/** The tables of the mappings, each once, with what its rows are. */
export function byTable(
  mappings: readonly TableMapping[],
): readonly (readonly [TableName, readonly TableMapping[]])[] {
  const tables = new Map<string, [TableName, TableMapping[]]>();
  for (const mapping of mappings) {
    const key = quotedTable(mapping.table);
    const [, known] = tables.get(key) ?? [];
    if (known === undefined) tables.set(key, [mapping.table, [mapping]]);
    else known.push(mapping);
  }
  return [...tables.values()];
}

/** All entities of the type, and its lists. */
export function patternOfType(type: string): { pattern: string; cascade: readonly string[] } {
  const collection = collectionTag(type);
  return { pattern: `${collection}:*`, cascade: [collection] };
}

/** For a statement: whatever the name holds, it names nothing else. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quotedTable({ schema, name }: TableName): string {
  return `${quotedName(schema)}.${quotedName(name)}`;
}

/** A text in a statement, also where `standard_conforming_strings` is off. */
export function quotedText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}

function unquoted(identifier: string): string {
  if (!identifier.startsWith('"')) return identifier;
  return identifier.slice(1, -1).replaceAll('""', '"');
}
