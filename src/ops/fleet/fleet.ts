/**
 * Which nodes there are: each machine tells of itself every few seconds, by one of its processes,
 * and whoever is asked reads what all have told. Without Redis there is this one.
 *
 * It is for people: nothing rests on it, and Redis being away costs nothing but the list.
 */
import { randomUUID } from 'node:crypto';
import { pause, type Clock, type Millis } from '../../invalidation/clock.ts';
import type { Colleagues } from '../workers/colleagues.ts';
import type { Announcement } from './announcement.ts';
import type { Notice, NoticeBoard } from './notice-board.ts';

export interface FleetOptions {
  /** Undefined: there are no others. */
  readonly board: NoticeBoard | undefined;
  readonly clock: Clock;
  /** The other processes of this machine. */
  readonly colleagues: Colleagues | undefined;
  /** What this machine tells, and whether this process is the one that does. */
  readonly own: () => Promise<Own>;
  /** Default 4,000 ms: three may be lost before a node is taken to be gone. */
  readonly tellEveryMs?: Millis;
}

export interface Own {
  readonly told: Announcement;
  readonly isSpeaker: boolean;
}

export interface Listed extends Notice {
  readonly isSelf: boolean;
}

const IDENTITY = 'identity of the machine';

export class Fleet {
  readonly #options: FleetOptions;
  readonly #stop = new AbortController();
  /** Of this run of the machine; its other processes have the same. */
  #id: string = randomUUID();
  #telling: Promise<void> = Promise.resolve();
  #hasSpoken = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    options.colleagues?.tell(IDENTITY, () => this.#id);
  }

  /** Takes over the identity of the processes that are there already, and begins to tell. */
  async start(): Promise<void> {
    const { colleagues, board } = this.#options;
    const others = await colleagues?.ask(IDENTITY) ?? [];
    const known = others.find((one) => typeof one === 'string');
    if (typeof known === 'string') this.#id = known;
    if (board !== undefined) this.#telling = this.#tellOnAndOn(board);
  }

  /** This one first, then the others by their hosts. Never rejects. */
  async nodes(): Promise<{ nodes: readonly Listed[]; isComplete: boolean }> {
    const { board, own } = this.#options;
    const [{ told }, notices] = await Promise.all([own(), board?.read()]);
    const self: Listed = { id: this.#id, told, ageMs: 0, isSelf: true };
    const others = (notices ?? [])
      .filter(({ id }) => id !== this.#id)
      .map((notice): Listed => ({ ...notice, isSelf: false }))
      .toSorted((one, other) =>
        compare(one.told.host, other.told.host) || compare(one.id, other.id));
    return { nodes: [self, ...others], isComplete: board === undefined || notices !== undefined };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#telling;
    // Other processes of the machine end with this one, or tell again in a moment.
    await this.#options.board?.close(this.#hasSpoken ? this.#id : undefined);
  }

  async #tellOnAndOn(board: NoticeBoard): Promise<void> {
    const { clock, tellEveryMs = 4_000 } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      // Whatever goes wrong with one round, the next one may do.
      await this.#tell(board).catch(() => undefined);
      await pause(clock, tellEveryMs, signal);
    }
  }

  async #tell(board: NoticeBoard): Promise<void> {
    const { told, isSpeaker } = await this.#options.own();
    if (isSpeaker) this.#hasSpoken = await board.tell(this.#id, told) || this.#hasSpoken;
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
