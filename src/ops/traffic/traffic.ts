/**
 * What this machine has answered: each process counts its own, and tells the others when they are
 * asked.
 */
import { requestAnswered, type RequestAnswered } from '../../gateway/diagnostics.ts';
import type { Clock } from '../../invalidation/clock.ts';
import type { Colleagues } from '../workers/colleagues.ts';
import { SLICE_MS } from './recent-latency.ts';
import { AnswerOwners, type Owner } from './answer-owners.ts';
import {
  OperationTable, savedMsOf, unsavedOf, type OperationCounts, type Operations,
} from './operation-table.ts';
import { RequestCounts, type Requests } from './request-counts.ts';

export interface TrafficOptions {
  readonly clock: Clock;
  readonly colleagues: Colleagues | undefined;
}

/** What the operations are put in order by. */
export const ORDERS = {
  saved: savedMsOf,
  unsaved: unsavedOf,
} as const satisfies Record<string, (one: OperationCounts) => number>;
export type Order = keyof typeof ORDERS;

const REQUESTS = 'requests';
const OPERATIONS = 'operations';
/** Of each process; that of the machine is made of them. */
const TOP_MAX = 200;

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #requests = new RequestCounts();
  readonly #operations = new OperationTable();
  readonly #owners = new AnswerOwners();
  #cancel: () => void = () => undefined;

  constructor(options: TrafficOptions) {
    const { colleagues } = options;
    this.#options = options;
    colleagues?.tell(REQUESTS, () => this.#snapshot);
    colleagues?.tell(OPERATIONS, (order) => this.#top(order as Order));
  }

  /** Counts all that this process answers from here on, until it is closed. */
  start(): void {
    requestAnswered.subscribe(this.#hear);
    this.#turnOnAndOn();
  }

  /** Of each process of the machine that answers in time. */
  requests(): Promise<readonly Requests[]> {
    return this.#withOthers(this.#snapshot, REQUESTS);
  }

  /** Likewise, those that the order puts first. */
  operations(order: Order): Promise<readonly Operations[]> {
    return this.#withOthers(this.#top(order), OPERATIONS, order);
  }

  /** Whose answer is kept under the id of a key, as far as this process remembers. */
  ownerOf(id: string): Owner | undefined {
    return this.#owners.of(id);
  }

  close(): void {
    requestAnswered.unsubscribe(this.#hear);
    this.#cancel();
  }

  readonly #hear = (message: unknown): void => {
    const request = message as RequestAnswered;
    this.#requests.count(request);
    this.#operations.count(request);
    this.#owners.note(request);
  };

  get #snapshot(): Requests {
    return { ...this.#requests.snapshot, types: this.#operations.types };
  }

  #top(order: Order): Operations {
    return this.#operations.top(ORDERS[order], TOP_MAX);
  }

  async #withOthers<T>(own: T, subject: string, body?: unknown): Promise<readonly T[]> {
    const others = await this.#options.colleagues?.ask(subject, body) ?? [];
    return [own, ...others as readonly T[]];
  }

  #turnOnAndOn(): void {
    this.#cancel = this.#options.clock.after(SLICE_MS, () => {
      this.#requests.turn();
      this.#operations.turn();
      this.#turnOnAndOn();
    });
  }
}
