/** Several nodes of one cache. */
import type { Check } from '../check.ts';
import { valueAt } from '../endpoint.ts';
import type { Trial } from '../trial.ts';
import { Failed, NotApplicable, shown } from '../verdict.ts';
import { race } from './fills.ts';
import { itemKey, itemQuestion } from './questions.ts';

export const NODE_CHECKS: readonly Check[] = [
  {
    name: 'nodes',
    requires: 'an update that one node hears of is known to every node',
    async run(trial) {
      const last = lastOf(trial);
      const id = trial.item();
      const question = itemQuestion(id);
      const key = itemKey(id);
      const when = 'after the update';
      for (const node of trial.nodes) await trial.keep(question, { key, node });
      await trial.rename(id, 'new');
      await trial.fresh({ question, path: 'item.name', expected: 'new', when });
      for (const node of trial.nodes) await trial.keep(question, { key, node });
      await trial.rename(id, 'newer', { asClient: true, node: last });
      await trial.settle();
      await trial.fresh({ question, path: 'item.name', expected: 'newer', when });
    },
  },
  {
    name: 'stale-fill-nodes',
    requires: 'a read under way on one node while another makes the update is not served after it',
    async run(trial) {
      const reader = lastOf(trial);
      const id = trial.item();
      await race(trial, {
        question: itemQuestion(id),
        key: itemKey(id),
        path: 'item.name',
        change: async () => {
          await trial.rename(id, 'new', { asClient: true, node: 0 });
          await trial.settle();
        },
        reader,
      });
    },
  },
  {
    name: 'replay-after-cut',
    requires: 'a node that was cut off from the purges serves nothing stale when it is back',
    async run(trial) {
      const { cut, reconnect, purge } = trial.adapter;
      if (cut === undefined || reconnect === undefined) {
        throw new NotApplicable('the adapter cannot cut a node off');
      }
      const node = purge === undefined ? lastOf(trial) : trial.nodes.length - 1;
      const ids = [trial.item(), trial.item(), trial.item()];
      for (const id of ids) await trial.keep(itemQuestion(id), { key: itemKey(id), node });
      await cut(node);
      try {
        for (const id of ids) await trial.rename(id, 'new');
      } finally {
        await reconnect(node);
      }
      for (const id of ids) await heals(trial, { id, node });
      for (const id of ids) {
        const question = itemQuestion(id);
        const when = 'after the cut';
        await trial.fresh({ question, path: 'item.name', expected: 'new', when });
      }
    },
  },
];

/** From the end of the cut until the node has caught up; connections are tried again by then. */
const HEAL_MS_MAX = 5_000;
const LOOK_AGAIN_MS = 50;

async function heals(
  trial: Trial,
  { id, node }: { id: string; node: number },
): Promise<void> {
  const deadline = trial.clock.now() + HEAL_MS_MAX;
  for (;;) {
    const got = valueAt(await trial.ask(itemQuestion(id), node), 'item.name');
    if (got === 'new') return;
    if (trial.clock.now() > deadline) {
      throw new Failed(`${HEAL_MS_MAX} ms after the cut, item.name: expected "new", ` +
        `got ${shown(got)}`);
    }
    await trial.pause(LOOK_AGAIN_MS);
  }
}

function lastOf({ nodes }: Trial): number {
  if (nodes.length > 1) return nodes.length - 1;
  throw new NotApplicable('a second --target was required, got one');
}
