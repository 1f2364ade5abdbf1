/** A position in a file, which holds either the old one or the new one whenever power is cut. */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PositionStore } from './position-store.ts';
import { formatPosition, ORIGIN, parsePosition, type Position } from './position.ts';

export class FilePositionStore implements PositionStore {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();

  /** The folder must be there, and be writable; `<path>.next` is written as well. */
  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<Position | undefined> {
    try {
      return parsePosition((await readFile(this.#path, 'utf8')).trim()) ?? ORIGIN;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** One after the other: a save that failed does not stop the next. */
  save(position: Position): Promise<void> {
    const saved = this.#last.then(() => this.#replace(`${formatPosition(position)}\n`));
    this.#last = saved.catch(() => undefined);
    return saved;
  }

  async close(): Promise<void> {
    await this.#last;
  }

  async #replace(text: string): Promise<void> {
    const next = `${this.#path}.next`;
    const file = await open(next, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(next, this.#path);
    // The name is in the folder, which is written by itself.
    const folder = await open(dirname(this.#path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
