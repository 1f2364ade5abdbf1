/** An entity changes, and every answer that shows it. */
import type { Check } from '../check.ts';
import type { Question } from '../endpoint.ts';
import type { Trial } from '../trial.ts';
import { Failed, NotApplicable } from '../verdict.ts';
import { itemKey, itemQuestion, shelfKey, shelfQuestion } from './questions.ts';

export const ENTITY_CHECKS: readonly Check[] = [
  {
    name: 'keeps',
    requires: 'an equal query is answered without the origin',
    async run(trial) {
      const id = trial.item();
      if (await trial.isKept(itemQuestion(id), { key: itemKey(id) })) return;
      throw new Failed('an answer without the origin was required, got one read again each time');
    },
  },
  {
    name: 'update',
    requires: 'after an update, the old state is not served',
    async run(trial) {
      const id = trial.item();
      const question = itemQuestion(id);
      await trial.keep(question, { key: itemKey(id) });
      for (const name of ['new', 'newer']) {
        await trial.rename(id, name);
        const when = 'after the update';
        await trial.fresh({ question, path: 'item.name', expected: name, when });
      }
    },
  },
  {
    name: 'update-hidden-id',
    requires: 'nor where the query does not select the id, or gives its name to another field',
    run: (trial) => eachForm(trial, [
      ['{ item(id: ID) { name } }', 'item.name'],
      ['{ item(id: ID) { n: name } }', 'item.n'],
      ['{ item(id: ID) { id: name } }', 'item.id'],
      ['{ other: item(id: ID) { key: id id: name } }', 'other.id'],
      ['{ item(id: ID) { ...F } } fragment F on Item { id: name }', 'item.id'],
      ['{ item(id: ID) { ... on Item { name } } }', 'item.name'],
      ['{ a: item(id: OTHER) { name } b: item(id: ID) { name } }', 'b.name'],
    ]),
  },
  {
    name: 'update-in-list',
    requires: 'nor where it stands in a list',
    async run(trial) {
      const shelf = trial.name();
      trial.item({ shelf });
      const id = trial.item({ shelf });
      const question = shelfQuestion(shelf);
      await trial.keep(question, { key: shelfKey(shelf) });
      await trial.rename(id, 'new');
      const when = 'after the update';
      await trial.fresh({ question, path: 'items.1.name', expected: 'new', when });
    },
  },
  {
    name: 'update-nested',
    requires: 'nor where it is shown inside another entity',
    async run(trial) {
      const maker = trial.name();
      trial.origin.data.createMaker({ id: maker, name: 'old' });
      const id = trial.item({ makerId: maker });
      const question: Question = {
        query: 'query ($id: ID!) { item(id: $id) { name maker { name } } }',
        variables: { id },
      };
      await trial.keep(question, { key: itemKey(id) });
      await trial.renameMaker(maker, 'new');
      const when = 'after the update';
      await trial.fresh({ question, path: 'item.maker.name', expected: 'new', when });
    },
  },
  {
    name: 'delete',
    requires: 'after a delete, the entity is served neither alone nor in a list',
    async run(trial) {
      const shelf = trial.name();
      const id = trial.item({ shelf });
      const [alone, list] = [itemQuestion(id), shelfQuestion(shelf)];
      await trial.keep(alone, { key: itemKey(id) });
      await trial.keep(list, { key: shelfKey(shelf) });
      await trial.remove(id);
      const when = 'after the delete';
      await trial.fresh({ question: alone, path: 'item', expected: null, when });
      await trial.fresh({ question: list, path: 'items', expected: [], when });
    },
  },
  {
    name: 'list-after-create',
    requires: 'after a create, a list that lacks the entity is not served',
    run: (trial) => createOn(trial, ['first']),
  },
  {
    name: 'empty-list-after-create',
    requires: 'nor an empty list',
    run: (trial) => createOn(trial, []),
  },
  {
    name: 'null-after-create',
    requires: 'nor a null in its place',
    async run(trial) {
      const id = trial.name();
      const question = itemQuestion(id);
      await trial.keep(question, { key: itemKey(id) });
      await trial.create({ id, name: 'new' });
      const when = 'after the create';
      await trial.fresh({ question, path: 'item.name', expected: 'new', when });
    },
  },
];

/** A query, and where its answer has the name. */
type Form = readonly [query: string, path: string];

/** Keeps the answer to each form, changes the item once, and asks each again. */
async function eachForm(trial: Trial, forms: readonly Form[]): Promise<void> {
  const [id, other] = [trial.item(), trial.item()];
  const written = (query: string): string =>
    query.replaceAll('OTHER', JSON.stringify(other)).replaceAll('ID', JSON.stringify(id));
  const asked = forms.map(([query, path]) => ({ question: { query: written(query) }, path }));
  const kept: typeof asked = [];
  for (const form of asked) {
    if (await trial.isKept(form.question, { key: itemKey(id) })) kept.push(form);
  }
  if (kept.length === 0) throw new NotApplicable('no answer of this kind is kept');
  await trial.rename(id, 'new');
  const when = 'after the update';
  for (const form of asked) await trial.fresh({ ...form, expected: 'new', when });
}

async function createOn(trial: Trial, before: readonly string[]): Promise<void> {
  const shelf = trial.name();
  for (const name of before) trial.item({ shelf, name });
  const question = { ...shelfQuestion(shelf), query: LIST };
  await trial.keep(question, { key: shelfKey(shelf) });
  await trial.create({ id: trial.name(), shelf, name: 'new' });
  await trial.fresh({
    question,
    path: 'items',
    expected: [...before, 'new'].map((name) => ({ name })),
    when: 'after the create',
  });
}

const LIST = 'query Shelf($shelf: ID!) { items(shelf: $shelf) { name } }';
