/** Which queries are the same, which ids are another's, and what is never kept. */
import type { Check } from '../check.ts';
import type { Question } from '../endpoint.ts';
import type { Trial } from '../trial.ts';
import { expectEqual, Failed } from '../verdict.ts';
import type { Misfortune } from '../origin/watch.ts';
import { itemKey, itemQuestion } from './questions.ts';

export const KEY_CHECKS: readonly Check[] = [
  {
    name: 'ids',
    requires: 'ids with separators, white space, wildcards or escapes are purged as they are',
    async run(trial) {
      const ids = oddIds(trial.name()).map((id) => trial.item({ id, name: `old ${id}` }));
      for (const id of ids) await trial.keep(itemQuestion(id), { key: itemKey(id) });
      for (const id of ids) {
        const question = itemQuestion(id);
        await trial.fresh({ question, path: 'item.name', expected: `old ${id}`, when: `id ${id}` });
      }
      await Promise.all(ids.map((id) => trial.rename(id, `new ${id}`)));
      for (const id of ids) {
        const question = itemQuestion(id);
        const when = `after the update of ${id}`;
        await trial.fresh({ question, path: 'item.name', expected: `new ${id}`, when });
      }
    },
  },
  {
    name: 'keys-apart',
    requires: 'arguments that read alike when joined are never taken for each other',
    async run(trial) {
      const mark = trial.name();
      for (const separator of [':', '|', ',', ' ', '"', '","', '\u0000', '/', '&right=']) {
        await expectApart(trial, { mark, separator });
      }
    },
  },
  {
    name: 'spellings',
    requires: 'spellings of one query are one entry, and all of them are fresh after an update',
    async run(trial) {
      const id = trial.item();
      const spellings = spellingsOf(id);
      const [first] = spellings as [Question];
      const key = itemKey(id);
      await trial.keep(first, { key });
      const reads = trial.origin.watch.count(key);
      for (const question of spellings) {
        const got = await trial.value(question, 'item');
        expectEqual(question.query, { expected: { a: 'old', b: 1 }, got });
      }
      const again = trial.origin.watch.count(key) - reads;
      expectEqual('reads of the origin for other spellings', { expected: 0, got: again });
      const swapped = swappedSpelling(id);
      const got = await trial.value(swapped, 'item');
      expectEqual(swapped.query, { expected: { b: 1, a: 'old' }, got });
      await trial.rename(id, 'new');
      for (const question of [...spellings, swapped]) {
        const when = 'after the update';
        await trial.fresh({ question, path: 'item.a', expected: 'new', when });
      }
    },
  },
  {
    name: 'errors',
    requires: 'an answer with an error is not kept',
    async run(trial) {
      for (const misfortune of ['field', 'root', 'status'] as const) await fails(trial, misfortune);
    },
  },
];

/** Some of them are others in disguise: escaped, in other case, with a space more. */
function oddIds(mark: string): string[] {
  return [
    mark, `${mark}:b`, `${mark}:b:c`, `${mark}%3Ab`, `${mark}|b`, `${mark} b`, `${mark}  b`,
    `${mark}*`, `*${mark}`, `${mark}:*`, `gid://shop/Item/${mark}`, `${mark}/b?c=d#e`,
    `${mark}\tb`, `${mark}"b'c`, `${mark}\\b`, `${mark}X`, `${mark}x`, `\u00e9 ${mark}`,
  ];
}

async function expectApart(
  trial: Trial,
  { mark, separator }: { mark: string; separator: string },
): Promise<void> {
  const pairs = [['a', `b${separator}c`], [`a${separator}b`, 'c']];
  for (const [left, right] of pairs.map(([one, two]) => [`${mark}${one}`, two])) {
    const question: Question = {
      query: 'query ($left: String!, $right: String!) ' +
        '{ echo(left: $left, right: $right) { left right } }',
      variables: { left, right },
    };
    const expected = { left, right };
    await trial.fresh({ question, path: 'echo', expected, when: 'by its arguments', node: 0 });
  }
}

/** The same question in other words; the order of the fields is that of the first. */
function spellingsOf(id: string): Question[] {
  const head = 'query Spelling($id: ID!, $yes: Boolean!)';
  const variables = { id, yes: true };
  return [
    { query: `${head} { item(id: $id) { a: name b: version @include(if: $yes) } }`, variables },
    {
      query: `${head}{item(id:$id){a:name,b:version@include(if:$yes)}}`,
      variables: { yes: true, id },
    },
    {
      query: `# another\n${head} {\n  item(\n    id: $id\n  ) {\n    a: name # one\n` +
        '    b: version @include(if: $yes)\n  }\n}\n',
      variables,
    },
  ];
}

/** Its answer has its fields in this order (GraphQL, section 6.3), so it may be another entry. */
function swappedSpelling(id: string): Question {
  const query = 'query Spelling($id: ID!) { item(id: $id) { b: version a: name } }';
  return { query, variables: { id } };
}

async function fails(trial: Trial, misfortune: Misfortune): Promise<void> {
  const id = trial.item();
  const question: Question = {
    query: 'query ($id: ID!) { item(id: $id) { name note } }', variables: { id },
  };
  trial.origin.watch.failNext(itemKey(id), misfortune);
  await trial.ask(question);
  for (let times = 0; times < 2; times += 1) {
    const answer = await trial.ask(question);
    if (answer.errors.length > 0) {
      throw new Failed(`no error after that of the origin (${misfortune}) was required, got one`);
    }
  }
  const expected = { name: 'old', note: 'about old' };
  const when = 'after an error';
  await trial.fresh({ question, path: 'item', expected, when, node: 0 });
}
