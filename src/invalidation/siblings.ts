/**
 * Other processes that answer as the same node, on the same port. To a client they are one: what
 * one of them has invalidated, none of them may serve any more when it answers.
 */
import type { InvalidationMessage } from './message.ts';
import type { Position } from './position.ts';

/** To be called once, with the place of the message in the log; undefined where it got none. */
export type Settle = (position: Position | undefined) => void;

export interface Siblings {
  /** `apply` is called for what another of them invalidates, before that is in the log. */
  join(apply: (message: InvalidationMessage) => Settle): void;

  /**
   * Resolves once every other process has applied `message`, and within a bound where one of them
   * does not answer. Never rejects.
   */
  hold(message: InvalidationMessage): Promise<Settle>;
}
