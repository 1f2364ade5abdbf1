/**
 * Loads that are in the air, so that of many who want the same one loads it and the others wait.
 * What a waiter may make of it when it lands is not decided here but by the read path.
 *
 * It promises that who joins a flight is told how it ended, and that it holds no more than
 * `flightsMax`. A flight that has been in the air for `joinableMs` is joined by nobody any more, so
 * that one load that hangs does not draw in all who come later.
 */
import assert from 'node:assert/strict';
import type { Clock, Millis } from '../invalidation/clock.ts';
import type { Entry } from './entry.ts';

export type Landing =
  /** May be handed to whoever waits, if it is current. */
  | { readonly kind: 'shared'; readonly entry: Entry; readonly stored: boolean }
  /** It is to be had without waiting: whoever waits looks again. */
  | { readonly kind: 'elsewhere' }
  /** It is of the one alone who loaded it; the next may get something to share. */
  | { readonly kind: 'unshareable' }
  /** Nobody may share it, and the next one neither. */
  | { readonly kind: 'uncacheable' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface Flight {
  /** How it ended. Never rejects. */
  readonly landing: Promise<Landing>;
  readonly beganAt: Millis;
  /** Tells all who wait. A flight that has landed stays as it landed. */
  land(landing: Landing): void;
}

export interface SingleFlightOptions {
  readonly clock: Clock;
  /** Default 10,000. */
  readonly flightsMax?: number;
  /** Default 10 s. */
  readonly joinableMs?: Millis;
}

export class SingleFlight {
  readonly #clock: Clock;
  readonly #flightsMax: number;
  readonly #joinableMs: Millis;
  readonly #flights = new Map<string, Flight>();

  constructor({ clock, flightsMax = 10_000, joinableMs = 10_000 }: SingleFlightOptions) {
    assert(flightsMax >= 0 && joinableMs > 0, 'limits of flights are positive');
    this.#clock = clock;
    this.#flightsMax = flightsMax;
    this.#joinableMs = joinableMs;
  }

  get size(): number {
    return this.#flights.size;
  }

  /** The flight to wait for, if there is one. */
  find(id: string): Flight | undefined {
    const flight = this.#flights.get(id);
    if (flight === undefined) return undefined;
    return this.#clock.now() - flight.beganAt < this.#joinableMs ? flight : undefined;
  }

  /** The flight that others may join from now on; undefined where there are too many already. */
  begin(id: string): Flight | undefined {
    assert(this.find(id) === undefined, 'who could join a flight does not begin one');
    if (!this.#flights.has(id) && this.#flights.size >= this.#flightsMax) return undefined;
    const flight = new Begun(this.#clock.now(), () => {
      if (this.#flights.get(id) === flight) this.#flights.delete(id);
    });
    this.#flights.set(id, flight);
    return flight;
  }
}

/** Most flights are waited for by nobody: the promise is made when it is first wanted. */
class Begun implements Flight {
  readonly beganAt: Millis;
  readonly #left: () => void;
  #landed: Landing | undefined;
  #waiting: PromiseWithResolvers<Landing> | undefined;

  constructor(beganAt: Millis, left: () => void) {
    this.beganAt = beganAt;
    this.#left = left;
  }

  get landing(): Promise<Landing> {
    if (this.#landed !== undefined) return Promise.resolve(this.#landed);
    this.#waiting ??= Promise.withResolvers<Landing>();
    return this.#waiting.promise;
  }

  land(landing: Landing): void {
    this.#left();
    this.#landed ??= landing;
    this.#waiting?.resolve(this.#landed);
  }
}
