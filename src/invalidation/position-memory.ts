/** A position that lives as long as the process: for the tests of services. */
import type { PositionStore } from './position-store.ts';
import type { Position } from './position.ts';

export class MemoryPositionStore implements PositionStore {
  #position: Position | undefined;

  load(): Promise<Position | undefined> {
    return Promise.resolve(this.#position);
  }

  save(position: Position): Promise<void> {
    this.#position = position;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
