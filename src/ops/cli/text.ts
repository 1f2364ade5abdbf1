/** What people read of answers: rows in columns, and texts of others without control characters. */

/** Rows as lines, each column as wide as its widest text. */
export function columns(rows: readonly (readonly string[])[], indent = ''): string {
  const width = (at: number): number => Math.max(...rows.map((row) => (row[at] ?? '').length));
  const widths = (rows[0] ?? []).map((_, at) => width(at));
  return rows.map((row) =>
    `${indent}${row.map((text, at) => text.padEnd(widths[at] ?? 0)).join('  ').trimEnd()}\n`)
    .join('');
}

/** A terminal would take control characters of a service for its own. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '?');
}

/** At most `shownMax` of them, and how many more there are. */
export function listed(
  texts: readonly string[],
  { count = texts.length, shownMax = 5 }: { count?: number; shownMax?: number } = {},
): string {
  const shown = texts.slice(0, shownMax).map(printable).join(' ');
  const more = count - Math.min(shownMax, texts.length);
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** Who did it and why, as the log tells: `by ann for "deploy 7" from freshet: wrong name`. */
export function toldBy({ actor, triggered_by: triggeredBy, source, reason }: {
  readonly actor: string | null;
  readonly triggered_by: string | null;
  readonly source: string;
  readonly reason: string | null;
}): string {
  const parts = [
    actor === null ? undefined : `by ${printable(actor)}`,
    triggeredBy === null ? undefined : `for ${printable(triggeredBy)}`,
    `from ${printable(source)}`,
  ];
  const who = parts.filter((part) => part !== undefined).join(' ');
  return reason === null ? who : `${who}: ${printable(reason)}`;
}

export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : nouns}`;
}
