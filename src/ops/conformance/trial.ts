/**
 * What a check has in hand: the nodes of the tested cache, the origin behind them, and a way to
 * change something so that the cache is told. Names are new in each check, so that no check finds
 * what another has left, nor what an earlier run of the kit has.
 */
import { pause, type Clock, type Millis } from '../../invalidation/clock.ts';
import { changeOf, type Adapter, type Change } from './adapter.ts';
import { valueAt, type Answer, type Endpoint, type Question } from './endpoint.ts';
import type { NewItem } from './origin/origin-data.ts';
import type { Origin } from './origin/origin.ts';
import { Failed, NotApplicable, expectEqual, shown } from './verdict.ts';
import type { Hold } from './origin/watch.ts';

export interface TrialOptions {
  readonly origin: Origin;
  readonly endpoints: readonly Endpoint[];
  readonly adapter: Adapter;
  readonly clock: Clock;
  /** How long a purge may take until every node has applied it. */
  readonly settleMs: Millis;
  /** Two values of the header Authorization. */
  readonly callers: readonly [string, string];
  /** Ends the check. */
  readonly signal: AbortSignal;
  /** Begins every name that the check makes. */
  readonly prefix: string;
}

export interface ChangeOptions {
  /** Through which node, where it goes through the endpoint. Default 0. */
  readonly node?: number;
  /** Go through the endpoint whatever the adapter can, and wait for nothing. Default false. */
  readonly asClient?: boolean;
}

export interface Expectation {
  readonly question: Question;
  readonly path: string;
  readonly expected: unknown;
  /** What has happened before, for the verdict: 'after the update'. */
  readonly when: string;
  /** Default: all of them. */
  readonly node?: number;
}

/** An answer that is to be kept may be on its way into the cache for this long. */
const KEEP_MS_MAX = 1_000;
/** A read that is held open has to arrive within this time. */
const ARRIVAL_MS_MAX = 3_000;
/** Asked again as often: the first answer after a change is often read, the second often kept. */
const REPETITIONS = 3;

export class Trial {
  readonly origin: Origin;
  readonly callers: readonly [string, string];
  readonly adapter: Adapter;
  readonly #options: TrialOptions;
  #names = 0;

  constructor(options: TrialOptions) {
    this.#options = options;
    this.origin = options.origin;
    this.callers = options.callers;
    this.adapter = options.adapter;
  }

  get nodes(): readonly number[] {
    return [...this.#options.endpoints.keys()];
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  name(): string {
    this.#names += 1;
    return `${this.#options.prefix}-${this.#names}`;
  }

  /** An item that the origin has had all along; nobody is told. */
  item(part: Partial<NewItem> = {}): string {
    const { id } = this.origin.data.createItem({ id: this.name(), name: 'old', ...part });
    return id;
  }

  ask(question: Question, node = 0): Promise<Answer> {
    const endpoint = this.#options.endpoints[node];
    if (endpoint === undefined) throw new NotApplicable('a second --target was required, got one');
    return endpoint.ask(question, this.signal);
  }

  async value(question: Question, path: string, node = 0): Promise<unknown> {
    return valueAt(await this.ask(question, node), path);
  }

  /**
   * Asks until the answer comes without the origin; `key` is what it reads there.
   *
   * @throws NotApplicable where it always comes from the origin: then it cannot become stale.
   */
  async keep(question: Question, { key, node = 0 }: { key: string; node?: number }): Promise<void> {
    if (await this.isKept(question, { key, node })) return;
    throw new NotApplicable(`the answer is not kept: ${question.query}`);
  }

  async isKept(question: Question, at: { key: string; node?: number }): Promise<boolean> {
    const { watch } = this.origin;
    const deadline = this.clock.now() + KEEP_MS_MAX;
    await this.ask(question, at.node);
    for (let waitMs = 0; this.clock.now() < deadline; waitMs += 20) {
      await this.pause(waitMs);
      const before = watch.count(at.key);
      await this.ask(question, at.node);
      if (watch.count(at.key) === before) return true;
    }
    return false;
  }

  /** Asks each node some times. @throws Failed */
  async fresh({ question, path, expected, when, node }: Expectation): Promise<void> {
    for (const at of node === undefined ? this.nodes : [node]) {
      for (let times = 0; times < REPETITIONS; times += 1) {
        const answer = await this.ask(question, at);
        const place = this.nodes.length > 1 ? `node ${at + 1}, ` : '';
        const got = valueAt(answer, path);
        expectEqual(`${place}${when}, ${path} of ${question.query}`, { expected, got });
      }
    }
  }

  /** Holds the next read of `key` open; resolves when it has read its data. */
  async holding(key: string, ask: () => Promise<Answer>): Promise<{ hold: Hold; asked: Asked }> {
    const hold = this.origin.watch.hold(key);
    const asked = { answer: ask() };
    // It is awaited later, perhaps after it has failed.
    asked.answer.catch(() => undefined);
    const tooLate = this.pause(ARRIVAL_MS_MAX).then(() => 'too late');
    if (await Promise.race([hold.arrived, tooLate]) === 'too late') {
      hold.release();
      throw new NotApplicable(`the origin is not asked for ${key} when the endpoint is`);
    }
    return { hold, asked };
  }

  rename(id: string, name: string, options: ChangeOptions = {}): Promise<void> {
    return this.#change({
      change: changeOf({ action: 'updated', type: 'Item', id }),
      atOrigin: () => this.origin.data.renameItem(id, name),
      mutation: {
        query: `mutation ($id: ID!, $name: String!) {
          done: renameItem(id: $id, name: $name) { id name version } }`,
        variables: { id, name },
      },
    }, options);
  }

  create({ id, shelf = 'none', name }: NewItem, options: ChangeOptions = {}): Promise<void> {
    return this.#change({
      change: changeOf({ action: 'created', type: 'Item', id }),
      atOrigin: () => this.origin.data.createItem({ id, shelf, name }),
      mutation: {
        query: `mutation ($id: ID!, $shelf: ID!, $name: String!) {
          done: createItem(id: $id, shelf: $shelf, name: $name) { id name version } }`,
        variables: { id, shelf, name },
      },
    }, options);
  }

  remove(id: string, options: ChangeOptions = {}): Promise<void> {
    return this.#change({
      change: changeOf({ action: 'deleted', type: 'Item', id }),
      atOrigin: () => this.origin.data.removeItem(id),
      mutation: {
        query: 'mutation ($id: ID!) { done: removeItem(id: $id) { id version } }',
        variables: { id },
      },
    }, options);
  }

  renameMaker(id: string, name: string): Promise<void> {
    return this.#change({
      change: changeOf({ action: 'updated', type: 'Maker', id }),
      atOrigin: () => this.origin.data.renameMaker(id, name),
      mutation: {
        query: `mutation ($id: ID!, $name: String!) {
          done: renameMaker(id: $id, name: $name) { id name } }`,
        variables: { id, name },
      },
    }, {});
  }

  pause(ms: Millis): Promise<void> {
    return pause(this.clock, ms, this.signal);
  }

  /** Until every node may be expected to have applied what it was told. */
  settle(): Promise<void> {
    return this.pause(this.#options.settleMs);
  }

  async #change(
    { change, atOrigin, mutation }: { change: Change; atOrigin: () => void; mutation: Question },
    { node = 0, asClient = false }: ChangeOptions,
  ): Promise<void> {
    const { purge } = this.adapter;
    if (asClient || purge === undefined) {
      const answer = await this.ask(mutation, node);
      if (valueAt(answer, 'done.id') === undefined) {
        throw new Failed(`a mutation was required to succeed, got ${shown(answer.errors)}`);
      }
    } else {
      atOrigin();
      await purge(change);
    }
    if (!asClient) await this.settle();
  }
}

/** In an object, so that awaiting what holds it does not await the answer. */
interface Asked {
  readonly answer: Promise<Answer>;
}
