/** What a client relies on: its own writes, its own copy, and never to be taken back in time. */
import type { Check } from '../check.ts';
import { valueAt, type Question, type Validators } from '../endpoint.ts';
import type { Trial } from '../trial.ts';
import { expectEqual, Failed, NotApplicable } from '../verdict.ts';
import { callersReachOrigin } from './callers.ts';
import { itemKey, itemQuestion } from './questions.ts';

export const CLIENT_CHECKS: readonly Check[] = [
  {
    name: 'read-your-writes',
    requires: 'after the answer to a mutation, the same node serves nothing older, at once',
    async run(trial) {
      const id = trial.item();
      const question = itemQuestion(id);
      for (let version = 2; version < 12; version += 1) {
        await trial.keep(question, { key: itemKey(id) });
        await trial.rename(id, `write ${version}`, { asClient: true });
        const got = await trial.value(question, 'item.version');
        expectEqual('right after the mutation, item.version', { expected: version, got });
      }
    },
  },
  {
    name: 'etag',
    requires: 'a 304 says only of what is current that it is',
    async run(trial) {
      const id = trial.item();
      const question: Question = { ...itemQuestion(id), method: 'GET' };
      const before = await validatorsOf(trial, question);
      await trial.rename(id, 'new');
      for (const validators of [before, before, before, { etag: before.etag }]) {
        const answer = await trial.ask({ ...question, validators });
        if (answer.status === 304) throw new Failed(`after the update, ${unexpected(validators)}`);
        const got = valueAt(answer, 'item.name');
        expectEqual('after the update, item.name', { expected: 'new', got });
      }
      const { etag } = await validatorsOf(trial, question);
      if (etag !== before.etag) return;
      throw new Failed('after the update: expected another ETag, got the same');
    },
  },
  {
    name: 'etag-private',
    requires: 'the ETag of one caller\'s answer is no 304 for another',
    async run(trial) {
      await callersReachOrigin(trial);
      const [alice, bob] = trial.callers;
      const query = `{ item(id: ${JSON.stringify(trial.item())}) { secret } }`;
      const validators = await validatorsOf(trial, { query, method: 'GET', caller: alice });
      for (const caller of [bob, undefined]) {
        const answer = await trial.ask({ query, method: 'GET', caller, validators });
        if (answer.status === 304) throw new Failed(`another caller, ${unexpected(validators)}`);
      }
    },
  },
  {
    name: 'under-load',
    requires: 'readers without a pause see nothing older than the last update that was known',
    async run(trial) {
      const id = trial.item();
      const question = itemQuestion(id);
      const state = { known: 1, over: false };
      const readers = trial.nodes.flatMap((node) => [0, 1, 2, 3].map(async () => {
        while (!state.over && !trial.signal.aborted) {
          const { known } = state;
          const got = await trial.value(question, 'item.version', node);
          if (typeof got !== 'number' || got < known) {
            throw new Failed(`item.version: expected ${known} or later, got ${String(got)}`);
          }
        }
      }));
      const writer = async (): Promise<void> => {
        for (let version = 2; version < 7; version += 1) {
          await trial.rename(id, `write ${version}`);
          state.known = version;
        }
      };
      await Promise.all([writer().finally(() => (state.over = true)), ...readers]);
    },
  },
];

function unexpected({ lastModified }: Validators): string {
  const sent = lastModified === undefined ? '' : ' and If-Modified-Since';
  return `with If-None-Match${sent}: expected 200, got 304`;
}

async function validatorsOf(trial: Trial, question: Question): Promise<Validators> {
  const answer = await trial.ask(question);
  const etag = answer.headers.get('etag');
  if (answer.status !== 200) throw new NotApplicable(`GET is answered ${answer.status}`);
  if (etag === null) throw new NotApplicable('answers to GET have no ETag');
  return { etag, lastModified: answer.headers.get('last-modified') ?? undefined };
}
