/** Where the points of a chart stand in it. */
import type { Point } from '../rates.ts';

const MINUTES_MAX = 5;
/** Of the drawing, whatever its size on the screen. */
export const [WIDTH, HEIGHT] = [600, 160];

/** So many minutes a chart of these shows: as many as there are, from one to five. */
export function minutesOf(lines: readonly (readonly Point[])[]): number {
  const seconds = Math.max(0, ...lines.map(([first]) => -(first?.at ?? 0)));
  // The next minute begins a little late, lest a point that is early takes one for itself.
  return Math.min(MINUTES_MAX, Math.max(1, Math.ceil((seconds - 1) / 60)));
}

/** Undefined where there are not two points. */
export function pathOf(
  points: readonly Point[],
  { top, minutes }: { top: number; minutes: number },
): { line: string; begin: number } | undefined {
  const places = points
    .filter(({ at }) => at >= -60 * minutes)
    .map(({ at, value }) => [
      round(WIDTH * (1 + at / (60 * minutes))), round(HEIGHT * (1 - value / top)),
    ] as const);
  const [first] = places;
  if (first === undefined || places.length < 2) return undefined;
  return { line: `M${places.map((place) => place.join(' ')).join('L')}`, begin: first[0] };
}

/** The next that half of it is easily read of: 1, 1.5, 2, 3 and so on, by powers of ten. */
export function niceMax(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
