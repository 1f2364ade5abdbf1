import { expect, it } from 'vitest';
import { ReadyAnswers } from '../../../src/gateway/caching/ready-answers.ts';
import { entryOf } from '../../cache/samples.ts';

it('counts each form of an answer', () => {
  const answers = new ReadyAnswers({}, 20 * 1_024);
  const template = (mediaType: string) => answers.template({
    headers: [], mediaType, shared: true, public: true,
  });
  const forms = Array.from({ length: 15 }, (_, n) => template(`text/${n}`));
  const entry = entryOf('of many forms');
  const [first] = forms.map((form) => answers.of(entry, form, undefined));
  for (const other of [entryOf('a'), entryOf('b')]) {
    for (const form of forms) answers.of(other, form, undefined);
  }
  expect(answers.of(entry, forms[0]!, undefined)).not.toBe(first);
});

it('keeps the answers of entries that are asked for, and of no more than two generations', () => {
  const answers = new ReadyAnswers({}, 20 * 1_024);
  const template = answers.template({
    headers: [], mediaType: 'application/json', shared: true, public: true,
  });
  const of = (entry: ReturnType<typeof entryOf>) => answers.of(entry, template, undefined);
  const [used, unused] = [entryOf('used'), entryOf('unused')];
  const [first, other] = [of(used), of(unused)];
  for (let n = 0; n < 30; n += 1) {
    of(entryOf(`${n}`));
    expect(of(used)).toBe(first);
  }
  expect(of(unused)).not.toBe(other);
  expect(of(unused).body).toEqual(Buffer.from('unused'));
});
