/** Where the points of a chart stand in it. */
import type { Point } from '../rates.ts';

export const CHART_SECONDS = 300;
/** Of the drawing, whatever its size on the screen. */
export const [WIDTH, HEIGHT] = [600, 160];

/** Undefined where there are not two points. */
export function pathOf(
  points: readonly Point[],
  top: number,
): { line: string; begin: number } | undefined {
  const places = points
    .filter(({ at }) => at >= -CHART_SECONDS)
    .map(({ at, value }) => [
      round(WIDTH * (1 + at / CHART_SECONDS)), round(HEIGHT * (1 - value / top)),
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
