/**
 * What was said on the channel while a node did not listen, it cannot know: so it counts all that
 * was read before it listened as invalidated. That needs a place in the log, since stamps are
 * places: until the node stands there nothing is served that was stamped before. The fence that
 * makes this place tells all nodes of the silence, and settle times begin there.
 */
import { pause, type Clock, type Random } from './clock.ts';
import { fenceMessage } from './fence.ts';
import type { Horizon } from './horizon.ts';
import type { Log } from './log.ts';
import type { Position } from './position.ts';
import { backoffMs } from './redis.ts';

export interface ForgettingOptions {
  readonly log: Log;
  readonly horizon: Horizon;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export class Forgetting {
  readonly #options: ForgettingOptions;
  /** Which time it is; one that was overtaken by the next has no say. */
  #turn = 0;
  #isPending = false;

  constructor(options: ForgettingOptions) {
    this.#options = options;
  }

  /** The place is being sought; until then the node must not claim to know what is current. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** Forgets what was read before now. Resolves when the log holds the place of it. */
  async forget(): Promise<void> {
    const { horizon, signal } = this.#options;
    this.#turn += 1;
    const turn = this.#turn;
    this.#isPending = true;
    horizon.markNow([{ kind: 'all' }]);
    const position = await this.#place(() => turn !== this.#turn || signal.aborted);
    if (position === undefined || turn !== this.#turn) return;
    horizon.mark(position, [{ kind: 'all' }]);
    this.#isPending = false;
  }

  async #place(isOver: () => boolean): Promise<Position | undefined> {
    const { log, clock, random, signal } = this.#options;
    const fence = fenceMessage(clock, { tellsSilence: true });
    for (let failures = 0; !isOver(); failures += 1) {
      try {
        return await log.append(fence, { announce: false });
      } catch {
        await pause(clock, backoffMs(failures, random), signal);
      }
    }
    return undefined;
  }
}
