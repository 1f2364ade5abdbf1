/**
 * Where a subscriber keeps its place in the log, so that a service that starts again hears what it
 * missed. One store belongs to one subscriber: two that share one would skip for each other.
 */
import type { Position } from './position.ts';

export interface PositionStore {
  /**
   * The position that was saved last; undefined where none ever was. What is there but cannot be
   * understood is `ORIGIN`, from where no log goes on: the subscriber is then told of a gap.
   * Rejects while the store cannot be reached.
   */
  load(): Promise<Position | undefined>;

  /** Resolves when a later `load`, also of another process, gives this position. */
  save(position: Position): Promise<void>;

  /** Releases what it holds. */
  close(): Promise<void>;
}
