/**
 * Matches patterns and tags for one question that is made of many: whether any of an entry's tags
 * was purged by any of the patterns that are remembered.
 *
 * It promises: all of it together holds the event loop for a few milliseconds at most, however many
 * tags there are, however long they are, and whatever the patterns say. What would be beyond that
 * is not tried, but counts as matched.
 */
import type { Pattern } from './pattern.ts';
import type { Tag } from './tag.ts';

/** Of some 12 ns each. */
const STEPS_MAX = 100_000;
/** Of a character, where no regular expression looks at it. */
const GLOB_STEPS = 0.25;
/** Of a match, however short. */
const CALL_STEPS = 4;

export class Matching {
  #stepsLeft = STEPS_MAX;

  matches(pattern: Pattern, tag: Tag): boolean {
    this.#stepsLeft -= CALL_STEPS + Math.max(pattern.cost, GLOB_STEPS) * tag.length;
    return this.#stepsLeft < 0 || pattern.matches(tag);
  }
}
