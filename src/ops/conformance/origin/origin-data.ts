/** What the kit's origin holds. Each change of an entity raises its version by one. */
export interface Item {
  readonly id: string;
  readonly shelf: string;
  readonly name: string;
  readonly version: number;
  readonly makerId: string | undefined;
}

export interface Maker {
  readonly id: string;
  readonly name: string;
}

export interface NewItem {
  readonly id: string;
  readonly name: string;
  readonly shelf?: string;
  readonly makerId?: string;
}

/** More than all checks together make: an endpoint that anybody can reach may not grow for ever. */
const ENTITIES_MAX = 10_000;

export class OriginData {
  readonly #items = new Map<string, Item>();
  readonly #makers = new Map<string, Maker>();

  item(id: string): Item | undefined {
    return this.#items.get(id);
  }

  itemsOn(shelf: string): readonly Item[] {
    return [...this.#items.values()].filter((item) => item.shelf === shelf);
  }

  maker(id: string): Maker | undefined {
    return this.#makers.get(id);
  }

  createItem({ id, name, shelf = 'none', makerId }: NewItem): Item {
    if (this.#items.size >= ENTITIES_MAX) {
      throw new Error(`at most ${ENTITIES_MAX} items were required, got one more`);
    }
    const item = { id, shelf, name, version: 1, makerId };
    this.#items.set(id, item);
    return item;
  }

  renameItem(id: string, name: string): Item | undefined {
    const item = this.#items.get(id);
    if (item === undefined) return undefined;
    const renamed = { ...item, name, version: item.version + 1 };
    this.#items.set(id, renamed);
    return renamed;
  }

  removeItem(id: string): Item | undefined {
    const item = this.#items.get(id);
    this.#items.delete(id);
    return item;
  }

  createMaker(maker: Maker): void {
    this.#makers.set(maker.id, maker);
  }

  renameMaker(id: string, name: string): Maker | undefined {
    if (!this.#makers.has(id)) return undefined;
    this.#makers.set(id, { id, name });
    return this.#makers.get(id);
  }
}
