import { describe, expect, it } from 'vitest';
import { together, Surveyor } from '../../src/gateway/survey.ts';
import { systemClock, type Clock } from '../../src/invalidation/clock.ts';
import { readPattern } from '../../src/invalidation/pattern.ts';
import { entryOf, tag } from '../cache/samples.ts';

const ENTRIES = [
  entryOf('a', { tags: ['user:1', 'user:1:posts', 'post'] }),
  entryOf('b', { tags: ['user:2', 'post:9'] }),
  entryOf('c', { tags: [] }),
];

function surveyorOf(entries = ENTRIES, options: { scannedMax?: number; clock?: Clock } = {}) {
  return new Surveyor({ entries: () => entries.values(), clock: systemClock, ...options });
}

describe('a survey', () => {
  it.each<[string, number, string[]]>([
    ['user:1', 1, ['user:1']],
    ['user:*', 2, ['user:1', 'user:1:posts', 'user:2']],
    ['*:posts', 1, ['user:1:posts']],
    ['/^post/', 2, ['post', 'post:9']],
    ['feed:*', 0, []],
    ['*', 3, ['post', 'post:9', 'user:1', 'user:1:posts', 'user:2']],
  ])('tells of %s how many entries it touches, and by which tags', async (text, entries, tags) => {
    expect(await surveyorOf().survey([readPattern(text)]))
      .toEqual({ entries, tags, count: tags.length, scanned: 3, complete: true });
  });

  it('says where it has not looked at all, and how many tags it does not show', async () => {
    expect(await surveyorOf(ENTRIES, { scannedMax: 2 }).survey([readPattern('*')]))
      .toMatchObject({ scanned: 2, complete: false });
    const many = Array.from({ length: 1_001 }, (_, n) => entryOf('x', { tags: [`user:${n}`] }));
    const survey = await surveyorOf(many).survey([readPattern('user:*')]);
    expect([survey.entries, survey.tags.length, survey.count]).toEqual([1_001, 1_000, 1_001]);
  });

  it('lets others run in between, where a match may take long', async () => {
    let now = 0;
    let pauses = 0;
    const clock: Clock = {
      ...systemClock,
      now: () => { now += 1; return now; },
      after: (_, task) => { pauses += 1; return systemClock.after(0, task); },
    };
    const surveyor = surveyorOf(ENTRIES, { clock });
    expect(await surveyor.survey([readPattern('/(a|aa)+$/')])).toMatchObject({ complete: true });
    expect(pauses).toBeGreaterThanOrEqual(2);
  });

  it('finds which of some tags are touched', async () => {
    const tags = ['user:1', 'user:12', 'post:1'].map(tag);
    expect(await surveyorOf().matching(tags, [readPattern('user:1*')]))
      .toEqual(['user:1', 'user:12']);
  });

  it('is added to those of other processes', () => {
    const a = tag('user:1');
    const b = tag('user:2');
    expect(together([
      { entries: 2, tags: [b], count: 1, scanned: 5, complete: true },
      { entries: 1, tags: [a, b], count: 2, scanned: 5, complete: false },
    ])).toEqual({ entries: 3, tags: [a, b], count: 2, scanned: 10, complete: false });
  });
});
