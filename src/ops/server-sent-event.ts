/** Server-sent events (HTML, section 9.2), as commands and the dashboard read them. */

export interface ServerSentEvent {
  readonly name: string;
  /** Parsed. */
  readonly data: unknown;
}

/** Of one whole block of lines; undefined for a comment. Throws where the data are no JSON. */
export function eventOf(block: string): ServerSentEvent | undefined {
  const field = (name: string): string | undefined => block.split('\n')
    .find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const [name, data] = [field('event'), field('data')];
  if (name === undefined || data === undefined) return undefined;
  return { name, data: JSON.parse(data) as unknown };
}
