/** Lines over the last minutes. The legend beside them has the figures of this moment. */
import type { Point } from '../rates.ts';
import { HEIGHT, minutesOf, niceMax, pathOf, WIDTH } from './plot.ts';

export interface ChartLine {
  readonly name: string;
  readonly points: readonly Point[];
  readonly tone: 'accent' | 'soft' | 'plain';
  /** Filled down to zero. */
  readonly isArea?: boolean;
}

export interface ChartProps {
  readonly title: string;
  /** The first is drawn below all others. */
  readonly lines: readonly ChartLine[];
  readonly textOf: (value: number | undefined) => string;
}

export function Chart({ title, lines, textOf }: ChartProps) {
  const minutes = minutesOf(lines.map(({ points }) => points));
  const top = niceMax(Math.max(0, ...lines.flatMap(({ points }) => points.map(valueOf))));
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        <ul class="legend">
          {lines.toReversed().map(({ name, points, tone }) => (
            <li key={name}>
              <span class={`key ${tone}`} aria-hidden="true" />
              {name} <b>{textOf(points.at(-1)?.value)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot" aria-hidden="true">
        <div class="scale">
          <span>{textOf(top)}</span>
          <span>{textOf(top / 2)}</span>
          <span>0</span>
        </div>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
          {[0, 0.5, 1].map((share) => (
            <path key={share} class="grid" d={`M0 ${HEIGHT * share}H${WIDTH}`} />
          ))}
          {lines.map((line) => <Line key={line.name} line={line} top={top} minutes={minutes} />)}
        </svg>
        <div class="times"><span>{minutes} min ago</span><span>now</span></div>
      </div>
    </figure>
  );
}

interface LineProps {
  readonly line: ChartLine;
  readonly top: number;
  readonly minutes: number;
}

function Line({ line: { points, tone, isArea = false }, ...scale }: LineProps) {
  const path = pathOf(points, scale);
  if (path === undefined) return null;
  return (
    <>
      {isArea && <path class={`area ${tone}`} d={`${path.line}V${HEIGHT}H${path.begin}Z`} />}
      <path class={`line ${tone}`} d={path.line} />
    </>
  );
}

function valueOf({ value }: Point): number {
  return value;
}
