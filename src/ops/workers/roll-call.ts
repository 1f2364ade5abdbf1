/** Asks the other workers over the line. */
import type { Millis } from '../../invalidation/clock.ts';
import type { Colleagues } from './colleagues.ts';
import type { Line } from './line.ts';

const ANSWER_MS_MAX: Millis = 1_000;

export class RollCall implements Colleagues {
  readonly place: number;
  readonly #line: Line;

  constructor(line: Line, place: number) {
    this.place = place;
    this.#line = line;
  }

  tell(subject: string, own: (body: unknown) => unknown): void {
    this.#line.answer(subject, own);
  }

  async ask(subject: string, body: unknown = null): Promise<readonly unknown[]> {
    const replies = await this.#line.ask(subject, body, ANSWER_MS_MAX);
    // One that is starting has joined before it has anything to tell.
    return replies.filter((reply) => reply !== null);
  }
}
