/** Looks again and again whether a supergraph has changed: what the sources have in common. */
import type { Clock, Millis, Random } from '../../invalidation/clock.ts';
import type { OnFailure, Supergraph } from './supergraph.ts';

export interface Poll {
  /** From the end of one look to the next; varied by a tenth, so that a fleet spreads out. */
  readonly everyMs: Millis;
  readonly clock: Clock;
  readonly random: Random;
  /** The new version; `undefined` where it is still the one that was read last. */
  readonly look: (signal: AbortSignal) => Promise<Supergraph | undefined>;
  readonly onChange: (supergraph: Supergraph) => void;
  readonly onFailure: OnFailure | undefined;
}

/** One look at a time. Returns what stops it, also a look that is under way. */
export function pollSupergraph({ everyMs, clock, random, look, ...listeners }: Poll): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  let reported: string | undefined;
  const schedule = (): (() => void) => clock.after(everyMs * (0.9 + random() / 5), () => {
    void lookOnce();
  });
  const lookOnce = async (): Promise<void> => {
    try {
      const supergraph = await look(signal);
      if (signal.aborted) return;
      reported = undefined;
      if (supergraph !== undefined) listeners.onChange(supergraph);
    } catch (error) {
      if (signal.aborted) return;
      const failure = error instanceof Error ? error : new Error(String(error));
      if (failure.message !== reported) listeners.onFailure?.(failure);
      reported = failure.message;
    } finally {
      if (!signal.aborted) cancel = schedule();
    }
  };
  let cancel = schedule();
  return () => {
    controller.abort();
    cancel();
  };
}
