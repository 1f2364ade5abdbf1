/** What listens to the channels of the core. */

export interface Subscription {
  start(): void;
  stop(): void;
}

/**
 * Makes of a listener one that does not throw. What a listener throws would end the process
 * (`node:diagnostics_channel`), and no trace is worth that.
 */
export type Guard = <Args extends unknown[], Result>(
  listener: (...args: Args) => Result,
) => (...args: Args) => Result;

/** `onError` is told of what a listener threw, which then gives undefined. */
export function guardWith(onError: (error: unknown) => void): Guard {
  return <Args extends unknown[], Result>(listener: (...args: Args) => Result) =>
    (...args: Args): Result => {
      try {
        return listener(...args);
      } catch (error) {
        onError(error);
        return undefined as Result;
      }
    };
}
