import { expect, it } from 'vitest';
import type { Entry } from '../../../src/cache/entry.ts';
import { ReadyAnswers } from '../../../src/gateway/caching/ready-answers.ts';
import { entryOf } from '../../cache/samples.ts';

function twentyForms() {
  const answers = new ReadyAnswers({}, 2 * 20 * 1_024);
  const forms = Array.from({ length: 40 }, (_, n) => answers.template({
    headers: [], mediaType: `text/${n}`, shared: true, public: true,
  }));
  return { forms, of: (entry: Entry, form = 0) => answers.of(entry, forms[form]!, undefined) };
}

it('counts each form of an answer, also of entries that it has long known', () => {
  const { of } = twentyForms();
  const [unused, ...others] = ['unused', 'a', 'b', 'c'].map((text) => entryOf(text));
  const first = of(unused!);
  for (const other of others) of(other);
  for (const other of others) for (let form = 1; form < 15; form += 1) of(other, form);
  expect(of(unused!)).not.toBe(first);
});

it('does not count the forms that it has let go', () => {
  const { of, forms } = twentyForms();
  const [unused, changing] = [entryOf('unused'), entryOf('changing')];
  const first = of(unused);
  for (let round = 0; round < 4; round += 1) {
    for (const form of forms.keys()) of(changing, form);
    of(entryOf(`another ${round}`));
  }
  expect(of(unused)).toBe(first);
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

it('keeps no more memory alive than its body has', () => {
  const answers = new ReadyAnswers({}, 20 * 1_024);
  const template = answers.template({
    headers: [], mediaType: 'application/json', shared: true, public: true,
  });
  const shared = Buffer.from('with others in one piece of memory');
  const { body } = answers.of({ ...entryOf(''), value: shared }, template, undefined);
  expect(body).toEqual(shared);
  expect(shared.buffer.byteLength).toBeGreaterThan(1_000);
  expect(body.buffer.byteLength).toBe(shared.byteLength);
});
