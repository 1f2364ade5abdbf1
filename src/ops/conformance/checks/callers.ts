/** What one caller is answered, and what another may see of it. */
import type { Check } from '../check.ts';
import { valueAt, type Question } from '../endpoint.ts';
import { callerName } from '../origin/origin-resolvers.ts';
import type { Trial } from '../trial.ts';
import { expectEqual, Failed, NotApplicable, shown } from '../verdict.ts';
import { itemKey, ME } from './questions.ts';

export const CALLER_CHECKS: readonly Check[] = [
  {
    name: 'private-callers',
    requires: 'what is PRIVATE is never served to another caller, by whatever name it is asked for',
    async run(trial) {
      await callersReachOrigin(trial);
      const [alice, bob] = trial.callers;
      for (const form of secretForms(trial.item())) {
        for (const caller of [alice, bob, alice, bob]) await expectOwn(trial, form, caller);
      }
      for (const query of ['{ me { id } }', '{ m: me { i: id } }', '{ ...F } fragment F on ' +
        'Query { m: me { i: id } }']) {
        const path = query === ME.query ? 'me.id' : 'm.i';
        for (const caller of [alice, bob, alice, bob]) {
          const got = await trial.value({ query, caller }, path);
          expectEqual(`${path} of ${query}`, { expected: callerName(caller), got });
        }
      }
    },
  },
  {
    name: 'private-unknown',
    requires: 'nor kept for callers without credentials, under an alias or in a fragment neither',
    async run(trial) {
      for (const { query, path } of secretForms(trial.item())) {
        const first = await trial.value({ query }, path);
        await trial.pause(STORE_MS);
        const second = await trial.value({ query }, path);
        if (typeof first !== 'string') throw new NotApplicable(`${query} is not answered`);
        if (first === second) {
          throw new Failed(`${query}: read anew for each unknown caller was required, got ` +
            `${shown(second)} twice`);
        }
      }
    },
  },
  {
    name: 'private-after-unknown',
    requires: 'who asks with credentials is not given the answer to one without, nor the other ' +
      'way round',
    async run(trial) {
      await callersReachOrigin(trial);
      const [alice] = trial.callers;
      for (const form of secretForms(trial.item())) {
        await trial.ask({ query: form.query });
        await expectOwn(trial, form, alice);
        const got = await trial.value({ query: form.query }, form.path);
        if (got === `for ${callerName(alice)}`) {
          throw new Failed(`${form.query} without credentials: got ${shown(got)}`);
        }
      }
    },
  },
  {
    name: 'private-update',
    requires: 'after an update, an answer that was kept for one caller is not served to it',
    async run(trial) {
      await callersReachOrigin(trial);
      const id = trial.item();
      const questions = trial.callers.map((caller): Question => ({
        query: 'query ($id: ID!) { item(id: $id) { name secret } }', variables: { id }, caller,
      }));
      for (const question of questions) await trial.keep(question, { key: itemKey(id) });
      await trial.rename(id, 'new');
      for (const question of questions) {
        const when = 'after the update';
        await trial.fresh({ question, path: 'item.name', expected: 'new', when });
      }
    },
  },
  {
    name: 'coalescing',
    requires: 'equal queries at once make one read of the origin',
    async run(trial) {
      const id = trial.item();
      const key = itemKey(id);
      const question: Question = {
        query: 'query ($id: ID!) { item(id: $id) { id name } }', variables: { id },
      };
      const others: Promise<unknown>[] = [];
      const { hold, asked } = await trial.holding(key, () => trial.ask(question));
      for (let times = 1; times < CALLERS_AT_ONCE; times += 1) {
        others.push(trial.value(question, 'item.name'));
      }
      await trial.pause(GATHER_MS);
      hold.release();
      const names = [valueAt(await asked.answer, 'item.name'), ...await Promise.all(others)];
      for (const got of names) expectEqual('item.name', { expected: 'old', got });
      expectEqual(`reads of the origin for ${CALLERS_AT_ONCE} equal queries at once`, {
        expected: 1, got: trial.origin.watch.count(key),
      });
    },
  },
  {
    name: 'coalescing-private',
    requires: 'queries of different callers at once are never answered by one read',
    async run(trial) {
      await callersReachOrigin(trial);
      const [form] = secretForms(trial.item());
      if (form === undefined) return;
      const [alice, bob] = trial.callers;
      const asking = (caller?: string) => trial.ask({ query: form.query, caller });
      const { hold, asked } = await trial.holding(form.key, () => asking(alice));
      const callers = [bob, undefined, alice, bob, undefined];
      const others = Promise.all(callers.map(asking));
      await trial.pause(GATHER_MS);
      hold.release();
      const got = [await asked.answer, ...await others].map((one) => valueAt(one, form.path));
      const [first, second, unknown, fourth, fifth, otherUnknown] = got;
      const forAlice = `for ${callerName(alice)}`;
      const forBob = `for ${callerName(bob)}`;
      expectEqual(`${form.query}, asked by several callers at once`, {
        expected: [forAlice, forBob, forAlice, forBob], got: [first, second, fourth, fifth],
      });
      if (unknown === otherUnknown || String(unknown).startsWith('for caller')) {
        throw new Failed(`two unknown callers at once: got ${shown([unknown, otherUnknown])}`);
      }
    },
  },
];

const CALLERS_AT_ONCE = 10;
/** Time for requests to reach the cache and, where it does not hold them together, the origin. */
const GATHER_MS = 300;

/** Time for an answer to be kept, where it is. */
const STORE_MS = 50;

interface SecretForm {
  readonly query: string;
  readonly path: string;
  readonly key: string;
}

/** One private field, by every way to it. */
function secretForms(id: string): SecretForm[] {
  const item = `item(id: ${JSON.stringify(id)})`;
  const forms: [string, string][] = [
    [`{ ${item} { secret } }`, 'item.secret'],
    [`{ ${item} { s: secret } }`, 'item.s'],
    [`{ ${item} { id name: secret } }`, 'item.name'],
    [`{ it: ${item} { s: secret } }`, 'it.s'],
    [`{ ${item} { ...F } } fragment F on Item { s: secret }`, 'item.s'],
    [`{ ${item} { ... on Item { ... { s: secret } } } }`, 'item.s'],
    [`query ($yes: Boolean = true) { ${item} { s: secret @include(if: $yes) } }`, 'item.s'],
  ];
  return forms.map(([query, path]) => ({ query, path, key: itemKey(id) }));
}

async function expectOwn(trial: Trial, form: SecretForm, caller: string): Promise<void> {
  const got = await trial.value({ query: form.query, caller }, form.path);
  expectEqual(form.query, { expected: `for ${callerName(caller)}`, got });
}

/** @throws NotApplicable where the header Authorization does not reach the origin. */
export async function callersReachOrigin(trial: Trial): Promise<void> {
  const [alice] = trial.callers;
  const { query, path } = secretForms(trial.item())[0] as SecretForm;
  const secret = await trial.value({ query, caller: alice }, path);
  if (secret === `for ${callerName(alice)}`) return;
  throw new NotApplicable('the header Authorization does not reach the origin');
}
