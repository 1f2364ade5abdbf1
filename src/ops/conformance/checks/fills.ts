/** Reads of the origin that are under way while something changes. */
import type { Check } from '../check.ts';
import { valueAt, type Question } from '../endpoint.ts';
import type { Trial } from '../trial.ts';
import { expectEqual } from '../verdict.ts';
import { itemKey, itemQuestion, shelfKey, shelfQuestion } from './questions.ts';

export const FILL_CHECKS: readonly Check[] = [
  {
    name: 'stale-fill',
    requires: 'what was read before an update is not served after it, even where the read was ' +
      'still under way',
    async run(trial) {
      const id = trial.item();
      await race(trial, {
        question: itemQuestion(id),
        key: itemKey(id),
        path: 'item.name',
        change: () => trial.rename(id, 'new'),
      });
    },
  },
  {
    name: 'stale-fill-list',
    requires: 'nor a list that was being read while an entity was created',
    async run(trial) {
      const shelf = trial.name();
      trial.item({ shelf });
      await race(trial, {
        question: shelfQuestion(shelf),
        key: shelfKey(shelf),
        path: 'items.1.name',
        change: () => trial.create({ id: trial.name(), shelf, name: 'new' }),
      });
    },
  },
  {
    name: 'stale-fill-null',
    requires: 'nor a null that was being read while the entity was created',
    async run(trial) {
      const id = trial.name();
      await race(trial, {
        question: itemQuestion(id),
        key: itemKey(id),
        path: 'item.name',
        change: () => trial.create({ id, name: 'new' }),
      });
    },
  },
  {
    name: 'stale-fill-mutation',
    requires: 'nor where the update was a mutation through the endpoint',
    async run(trial) {
      const id = trial.item();
      await race(trial, {
        question: itemQuestion(id),
        key: itemKey(id),
        path: 'item.name',
        change: () => trial.rename(id, 'new', { asClient: true }),
        node: 0,
      });
    },
  },
  {
    name: 'late-reader',
    requires: 'who asks after an update is not given the answer of a read that began before it',
    async run(trial) {
      const id = trial.item();
      const question = itemQuestion(id);
      const { hold, asked } = await trial.holding(itemKey(id), () => trial.ask(question));
      await trial.rename(id, 'new');
      const late = Promise.all([1, 2, 3].map(() => trial.ask(question)));
      // They may have joined the read that is held: by then they have.
      await Promise.race([late, trial.pause(JOIN_MS)]);
      hold.release();
      for (const answer of await late) {
        const got = valueAt(answer, 'item.name');
        expectEqual('asked after the update, item.name', { expected: 'new', got });
      }
      await asked.answer;
    },
  },
];

const JOIN_MS = 250;

export interface Race {
  readonly question: Question;
  readonly key: string;
  readonly path: string;
  /** Makes the value at `path` 'new'. */
  readonly change: () => Promise<void>;
  /** Which node reads. Default 0. */
  readonly reader?: number;
  /** The only node that is asked afterwards. Default: all. */
  readonly node?: number;
}

export async function race(trial: Trial, options: Race): Promise<void> {
  const { question, key, path, change, reader = 0, node } = options;
  const { hold, asked } = await trial.holding(key, () => trial.ask(question, reader));
  await change();
  hold.release();
  // Whoever asked before the change may be answered with either state.
  await asked.answer;
  const when = 'after a change during a read';
  await trial.fresh({ question, path, expected: 'new', when, ...(node !== undefined && { node }) });
}
