/** A table under the names of its columns. */
import type { ComponentChildren } from 'preact';

/** Its name; that of one which holds numbers, set to the right, in `number`. */
export type Column = string | { readonly number: string };

export interface TableProps {
  readonly columns: readonly Column[];
  /** Rows. */
  readonly children: ComponentChildren;
}

export function Table({ columns, children }: TableProps) {
  return (
    <table>
      <thead><tr>{columns.map(heading)}</tr></thead>
      <tbody>{children}</tbody>
    </table>
  );
}

function heading(column: Column) {
  if (typeof column === 'string') return <th key={column} scope="col">{column}</th>;
  return <th key={column.number} scope="col" class="number">{column.number}</th>;
}
