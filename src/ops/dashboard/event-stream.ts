/** Server-sent events read by fetch, since EventSource sends no token. */
import { eventOf, type ServerSentEvent } from '../server-sent-event.ts';

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
