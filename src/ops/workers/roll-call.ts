/** Asks the other workers over the line. */
import type { Millis } from '../../invalidation/clock.ts';
import type { Colleagues } from './colleagues.ts';
import type { Line } from './line.ts';

const ANSWER_MS_MAX: Millis = 1_000;

export class RollCall implements Colleagues {
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  tell(subject: string, own: (body: unknown) => unknown): void {
    this.#line.answer(subject, own);
  }

  ask(subject: string, body: unknown = null): Promise<readonly unknown[]> {
    return this.#line.ask(subject, body, ANSWER_MS_MAX);
  }
}
