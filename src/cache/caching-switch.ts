/**
 * Whether anything is to be cached at all, or what depends on one type: the kill switch. It is
 * thrown for the fleet, by records of the log, and for this node, by its operator; either stops.
 *
 * It promises: while it is off, nothing that it is about is served or stored. That what was cached
 * before it is on again counts as invalidated is the log's part (`switching.ts`).
 */
import assert from 'node:assert/strict';
import type { LogRecord } from '../invalidation/log.ts';
import { ORIGIN, type Position } from '../invalidation/position.ts';
import { readSwitching, type Switching } from '../invalidation/switching.ts';
import type { Tag } from '../invalidation/tag.ts';

/** What is off, in the form that processes tell each other. */
export interface SwitchedOff {
  readonly all: boolean;
  /** Collection tags: `post`. */
  readonly types: readonly Tag[];
}

/** Of types that were ever switched; beyond it, everything is off instead. */
const TYPES_MAX = 100;
/** Stands for everything where a type may stand. */
const EVERYTHING = '*';

export class CachingSwitch {
  /** Where in the log each was last decided, and how. */
  readonly #fleet = new Map<string, { readonly isOff: boolean; readonly at: Position }>();
  readonly #node = new Set<string>();
  /** What either says. */
  #isOff = false;
  #typesOff: ReadonlySet<string> = new Set();

  /** False: everything is off. */
  get isOn(): boolean {
    return !this.#isOff;
  }

  /** Whether what carries these tags may be neither served nor stored. */
  stops(tags: readonly Tag[]): boolean {
    if (this.#isOff) return true;
    if (this.#typesOff.size === 0) return false;
    return tags.some((tag) => this.#typesOff.has(tag.split(':', 1)[0] as string));
  }

  /** To be told of all records of the log, in their order. */
  follow(records: readonly LogRecord[]): void {
    for (const { position, message } of records) {
      const switching = readSwitching(message);
      if (switching !== undefined) this.decide(switching, position);
    }
  }

  /**
   * For the fleet: a record of the log, in its order. One that only says something again changes
   * nothing where it was decided otherwise since.
   */
  decide({ state, type = EVERYTHING as Tag, since }: Switching, position: Position): void {
    const at = since ?? position;
    if (at < (this.#fleet.get(type)?.at ?? ORIGIN)) return;
    const isOff = state === 'off';
    const isFull = this.#fleet.size >= TYPES_MAX && !this.#fleet.has(type);
    this.#fleet.set(isFull && isOff ? EVERYTHING : type, { isOff, at });
    if (isFull && !isOff) this.#fleet.delete(type);
    this.#combine();
  }

  /** For this node. */
  decideHere({ state, type = EVERYTHING as Tag }: Omit<Switching, 'since'>): void {
    if (state === 'on') this.#node.delete(type);
    else this.#node.add(this.#node.size < TYPES_MAX ? type : EVERYTHING);
    this.#combine();
  }

  /** Where each that is off for the fleet was decided. */
  decisions(): readonly (Switching & { readonly since: Position })[] {
    return [...this.#fleet].flatMap(([type, { isOff, at }]) => {
      if (!isOff) return [];
      return [{ state: 'off', since: at, ...(type !== EVERYTHING && { type: type as Tag }) }];
    });
  }

  get fleet(): SwitchedOff {
    return switchedOff([...this.#fleet].flatMap(([type, { isOff }]) => (isOff ? [type] : [])));
  }

  get node(): SwitchedOff {
    return switchedOff([...this.#node]);
  }

  assertInvariants(): void {
    assert(this.#fleet.size <= TYPES_MAX + 1 && this.#node.size <= TYPES_MAX + 1);
    assert(this.#isOff === (this.fleet.all || this.node.all), 'either stops');
  }

  #combine(): void {
    const { fleet, node } = this;
    this.#isOff = fleet.all || node.all;
    this.#typesOff = new Set([...fleet.types, ...node.types]);
    this.assertInvariants();
  }
}

function switchedOff(names: readonly string[]): SwitchedOff {
  const types = names.filter((name) => name !== EVERYTHING) as Tag[];
  return { all: names.includes(EVERYTHING), types: types.toSorted() };
}
