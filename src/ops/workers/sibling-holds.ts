/**
 * What one worker invalidates, the others apply before it answers: a client that has just written
 * may be answered next by any of them.
 *
 * A worker that does not reply for a second is not waited for: it is stopped or hangs, and when it
 * goes on it no longer counts as hearing the log.
 */
import type { Millis } from '../../invalidation/clock.ts';
import type { InvalidationMessage } from '../../invalidation/message.ts';
import type { Position } from '../../invalidation/position.ts';
import type { Settle, Siblings } from '../../invalidation/siblings.ts';
import type { WorkerId } from './envelope.ts';
import type { Line } from './line.ts';

const HOLD = 'hold';
const SETTLE = 'settle';
const HOLD_MS_MAX: Millis = 1_000;

interface Hold {
  readonly hold: number;
  readonly message: InvalidationMessage;
}

interface Settled {
  readonly hold: number;
  readonly position: Position | null;
}

export class SiblingHolds implements Siblings {
  readonly #line: Line;
  /** Of others, by worker and hold. */
  readonly #held = new Map<WorkerId, Map<number, Settle>>();
  #holds = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  join(apply: (message: InvalidationMessage) => Settle): void {
    this.#line.answer(HOLD, (body, from) => {
      const { hold, message } = body as Hold;
      const held = this.#held.get(from) ?? new Map<number, Settle>();
      this.#held.set(from, held);
      held.set(hold, apply(message));
    });
    this.#line.hear(SETTLE, (body, from) => {
      const { hold, position } = body as Settled;
      const settle = this.#held.get(from)?.get(hold);
      this.#held.get(from)?.delete(hold);
      settle?.(position ?? undefined);
    });
    this.#line.onGone((from) => {
      const held = this.#held.get(from);
      this.#held.delete(from);
      for (const settle of held?.values() ?? []) settle(undefined);
    });
  }

  async hold(message: InvalidationMessage): Promise<Settle> {
    this.#holds += 1;
    const hold = this.#holds;
    await this.#line.ask(HOLD, { hold, message } satisfies Hold, HOLD_MS_MAX);
    return (position) =>
      this.#line.tell(SETTLE, { hold, position: position ?? null } satisfies Settled);
  }
}
