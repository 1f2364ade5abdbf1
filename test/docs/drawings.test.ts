/** docs/images: made from docs/drawings (`npx vitest run test/docs/drawings.test.ts -u`). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { draw, LETTER, WIDTH, xOf, type Timeline } from '../../docs/drawings/timeline.ts';
import { TIMELINES } from '../../docs/drawings/timelines.ts';

const root = new URL('../../', import.meta.url);

const cases = TIMELINES.map((timeline) => [timeline.name, timeline] as const);

describe.each(cases)('%s', (name, timeline) => {
  it('is drawn as docs/images has it', async () => {
    const file = fileURLToPath(new URL(`docs/images/${name}.svg`, root));
    await expect(draw(timeline)).toMatchFileSnapshot(file);
  });

  it('names files and names that the code has', () => {
    for (const { code } of timeline.steps) {
      if (code === undefined) continue;
      expect(readFileSync(new URL(code.file, root), 'utf8')).toContain(code.name);
    }
  });

  it('has room for its words, and nothing stands on something else', () => {
    expect(faultsOf(timeline)).toEqual([]);
  });

  it('stands in a page that says in words what it shows', () => {
    const page = readFileSync(new URL(`docs/concepts/${name}.md`, root), 'utf8');
    const [, alternative = ''] = new RegExp(`!\\[([^\\]]+)\\]\\(\\.\\./images/${name}\\.svg\\)`)
      .exec(page) ?? [];
    expect(alternative.length).toBeGreaterThan(20);
    for (const { code } of timeline.steps) if (code) expect(page).toContain(code.file);
  });
});

function faultsOf({ lanes, spans, steps }: Timeline): string[] {
  const faults: string[] = [];
  for (const { from, to, text } of spans) {
    const room = xOf(to) - xOf(from) - 6;
    if (text.length * LETTER.span > room) faults.push(`${text}: wider than its span`);
  }
  for (const lane of lanes) {
    const own = spans.filter((span) => span.lane === lane).toSorted((a, b) => a.from - b.from);
    for (const [at, { from, text }] of own.entries()) {
      if (at > 0 && from < (own[at - 1]?.to ?? 0)) faults.push(`${text}: begins in another span`);
    }
    const marks = steps.filter((step) => step.lane === lane).map(({ at }) => xOf(at))
      .toSorted((a, b) => a - b);
    for (const [at, x] of marks.entries()) {
      if (at > 0 && x - (marks[at - 1] ?? 0) < 20) faults.push(`${lane}: steps too near`);
    }
  }
  for (const { tells, code } of steps) {
    const words = tells.length * LETTER.legend;
    const place = code ? `${code.file}: ${code.name}`.length * LETTER.code : 0;
    if (48 + Math.max(words, place) > WIDTH - 16) faults.push(`${tells}: wider than the page`);
  }
  return faults;
}
