/**
 * Where this node stood in the log at a time past, by its own clock: for origins whose replicas lag
 * behind what was said in the log. It remembers some times only.
 *
 * It promises that what it answers is never later than where the node stood then, and no memory
 * beyond about a thousand places.
 */
import assert from 'node:assert/strict';
import type { Clock, Millis } from '../invalidation/clock.ts';
import type { Horizon } from '../invalidation/horizon.ts';
import { ORIGIN, type Position } from '../invalidation/position.ts';

/** As far back as anybody asks. */
export const SETTLE_MS_MAX = 60_000;
/** Places that the node came to within so short a time are one, the first of them. */
const GRAIN_MS = 60;

interface Place {
  readonly at: Millis;
  readonly position: Position;
}

export class Timeline {
  readonly #clock: Clock;
  readonly #horizon: Horizon;
  /** In order; the first may be older than anybody asks for, the others are not. */
  readonly #places: Place[] = [];
  /** Where it came to last; not among the places until it has stood there for a while. */
  #last: Place = { at: Number.NEGATIVE_INFINITY, position: ORIGIN };

  constructor({ clock, horizon }: { clock: Clock; horizon: Horizon }) {
    this.#clock = clock;
    this.#horizon = horizon;
  }

  /** To be called when the node may have come further; the later, the more cautious it is. */
  note(): void {
    const { position } = this.#horizon;
    if (position === this.#last.position) return;
    const now = this.#clock.now();
    const before = this.#places.at(-1);
    if (before === undefined || this.#last.at - before.at >= GRAIN_MS) this.#keep(this.#last);
    this.#last = { at: now, position };
  }

  /** The place that the node had come to at `at`, or an earlier one. */
  positionAt(at: Millis): Position {
    if (at >= this.#last.at) return this.#last.position;
    const place = this.#places.findLast((one) => one.at <= at);
    return place?.position ?? ORIGIN;
  }

  #keep(place: Place): void {
    this.#places.push(place);
    const oldest = this.#clock.now() - SETTLE_MS_MAX;
    while ((this.#places[1]?.at ?? oldest) < oldest) this.#places.shift();
    assert(this.#places.length <= 2 + SETTLE_MS_MAX / GRAIN_MS, 'a timeline is short');
  }
}
