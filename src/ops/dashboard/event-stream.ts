/** Server-sent events (HTML, section 9.2) read by fetch, since EventSource sends no token. */

export interface ServerSentEvent {
  readonly name: string;
  /** Parsed. */
  readonly data: unknown;
}

/** Larger than any that the operators' listener sends, in UTF-16 units. */
const EVENT_LENGTH_MAX = 2 ** 20;

/** Takes the text as it comes, and gives the events that are whole; comments are left out. */
export class EventReader {
  #rest = '';

  /** Throws where an event is longer than any should be. */
  read(text: string): readonly ServerSentEvent[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    if (this.#rest.length > EVENT_LENGTH_MAX) {
      throw new Error(`An event of at most ${EVENT_LENGTH_MAX} characters was required.`);
    }
    return blocks.flatMap((block) => eventOf(block) ?? []);
  }
}

function eventOf(block: string): ServerSentEvent | undefined {
  const field = (name: string): string | undefined => block.split('\n')
    .find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const [name, data] = [field('event'), field('data')];
  if (name === undefined || data === undefined) return undefined;
  return { name, data: JSON.parse(data) as unknown };
}
