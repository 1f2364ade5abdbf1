/** docs/recipes/analytics.md: a measurement makes those ranges stale that hold it. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startAnalytics } from '../../examples/recipes/analytics/service.ts';
import { expectCommands, expectShown } from './recipe-page.ts';
import { startRecipe, type Recipe } from './recipe.ts';

let analytics: Recipe;
let [sites, site] = [0, ''];

const rangeOf = (from: string, to: string, of = site): string =>
  `{ days(site: "${of}", from: "${from}", to: "${to}") { date views } }`;
const hoursOf = (date: string): string => `{ hours(site: "${site}", date: "${date}") { views } }`;
const recording = (...times: readonly string[]): string =>
  `mutation { record(site: "${site}", at: ${JSON.stringify(times)}) { dates } }`;

const february = (): string => rangeOf('2026-02-26', '2026-02-28');
const turn = (): string => rangeOf('2026-02-28', '2026-03-01');
const march = (): string => rangeOf('2026-03-01', '2026-03-03');
const otherSite = (): string => rangeOf('2026-03-01', '2026-03-03', 'other');
const firstHours = (): string => hoursOf('2026-03-01');
const secondHours = (): string => hoursOf('2026-03-02');

beforeAll(async () => {
  analytics = await startRecipe('analytics', startAnalytics);
});
afterAll(() => analytics.stop());
// A site of its own for each test, whose name could be taken for a part of a key.
beforeEach(async () => {
  site = `docs:${sites += 1}`;
  await analytics.keep(february(), turn(), march(), otherSite(), firstHours(), secondHours());
});

it('reads those ranges again that hold a new measurement', async () => {
  await analytics.change(recording('2026-03-01T13:05:00Z'));
  await analytics.expectKept(february(), otherSite(), secondHours());
  await analytics.expectFresh(turn(), {
    days: [{ date: '2026-02-28', views: 0 }, { date: '2026-03-01', views: 1 }],
  });
  await analytics.expectFresh(march(), {
    days: [
      { date: '2026-03-01', views: 1 }, { date: '2026-03-02', views: 0 },
      { date: '2026-03-03', views: 0 },
    ],
  });
  await analytics.expectFresh(firstHours(), {
    hours: Array.from({ length: 24 }, (_, hour) => ({ views: hour === 13 ? 1 : 0 })),
  });
});

it('says with one message what many measurements have changed', async () => {
  const [node] = analytics.nodes;
  const before = node.gateway.status().invalidation.received;
  const times = Array.from({ length: 30 }, (_, minute) => `2026-03-02T07:${minute + 10}:00Z`);
  await analytics.change(recording(...times));
  await analytics.expectKept(february(), turn(), otherSite(), firstHours());
  const [{ data }] = await analytics.ask(march());
  expect(data.days[1]).toEqual({ date: '2026-03-02', views: 30 });
  expect(node.gateway.status().invalidation.received - before).toBe(1);
});

it('purges by bucket what is recorded through the gateway', async () => {
  const [node] = analytics.nodes;
  const { data } = await node.ask(recording('2026-02-27T00:00:00Z'));
  expect(data).toEqual({ record: { dates: ['2026-02-27'] } });
  expect((await node.ask(march())).cache).toBe('hit');
  const { cache, data: { days } } = await node.ask(february());
  expect([cache, days[1].views]).toEqual(['miss', 1]);
});

it('is shown on its page as it is', () => expectShown('analytics'));

it('does what its page says', () => expectCommands('analytics', analytics));
