/**
 * A timeline as SVG: who does what when, one lane for each, time going to the right; below it what
 * each numbered step means and where it stands in the code.
 *
 * It promises that all drawings look alike, are readable on light and on dark pages, load nothing,
 * and say in words (`title`, `desc`) what they show.
 */

/** What became of it; each tone has its own line as well, so that no meaning rests on colour. */
export type Tone = 'plain' | 'good' | 'bad' | 'waiting';

export interface Span {
  readonly lane: string;
  /** Both 0 to 100, from the left to the right. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
  readonly tone?: Tone;
}

export interface Step {
  readonly lane: string;
  readonly at: number;
  /** What it means, a short sentence. */
  readonly tells: string;
  /** Where it stands: a file of the project, and a name in it. */
  readonly code?: { readonly file: string; readonly name: string };
  readonly tone?: Tone;
}

export interface Arrow {
  readonly from: readonly [lane: string, at: number];
  readonly to: readonly [lane: string, at: number];
}

export interface Timeline {
  readonly name: string;
  readonly title: string;
  /** For those who do not see it. */
  readonly description: string;
  readonly lanes: readonly string[];
  readonly spans: readonly Span[];
  /** In the order in which they are told. */
  readonly steps: readonly Step[];
  readonly arrows?: readonly Arrow[];
}

export const WIDTH = 880;
const LEFT = 130;
const RIGHT = 24;
const TOP = 52;
const LANE_HEIGHT = 58;
const LEGEND_LINE = 34;
const STEP_RADIUS = 9;
/** Of the letters that are drawn, about, so that a test can tell what does not fit. */
export const LETTER = { span: 7, legend: 6.4, code: 6.3 } as const;

export function draw(timeline: Timeline): string {
  const { name, title, description, lanes, spans, steps, arrows = [] } = timeline;
  const legendTop = TOP + lanes.length * LANE_HEIGHT + 12;
  const height = legendTop + steps.length * LEGEND_LINE + 8;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}"`
      + ` width="${WIDTH}" height="${height}" role="img"`
      + ` aria-labelledby="${name}-title ${name}-desc">`,
    `<title id="${name}-title">${escape(title)}</title>`,
    `<desc id="${name}-desc">${escape(description)}</desc>`,
    STYLE,
    `<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    `<text class="title" x="20" y="30">${escape(title)}</text>`,
    ...lanes.flatMap((lane) => drawLane(lane, yOf(timeline, lane))),
    ...spans.map((span) => drawSpan(span, yOf(timeline, span.lane))),
    ...arrows.map((arrow) => drawArrow(timeline, arrow)),
    ...steps.map((step, at) => drawStep(step, at + 1, yOf(timeline, step.lane))),
    ...steps.flatMap((step, at) => drawLegend(step, at + 1, legendTop + at * LEGEND_LINE + 12)),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

export function xOf(at: number): number {
  return Math.round(LEFT + (WIDTH - LEFT - RIGHT) * at / 100);
}

const STYLE = `<style>
.page { fill: #ffffff; stroke: #d0d7de; }
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.code { font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #59636e; }
.line { stroke: #b6bec7; }
.arrow { stroke: #59636e; fill: none; stroke-dasharray: 4 3; }
.head { fill: #59636e; }
.plain { fill: #eaeef2; stroke: #818b98; }
.good { fill: #dafbe1; stroke: #1a7f37; stroke-width: 1.5; }
.bad { fill: #ffebe9; stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 6 2; }
.waiting { fill: #fff8c5; stroke: #9a6700; stroke-dasharray: 2 2; }
.number { font-size: 11px; font-weight: 600; text-anchor: middle; }
.middle { text-anchor: middle; }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; stroke: #3d444d; }
text { fill: #f0f6fc; }
.code { fill: #9198a1; }
.line { stroke: #3d444d; }
.arrow { stroke: #9198a1; }
.head { fill: #9198a1; }
.plain { fill: #262c36; stroke: #9198a1; }
.good { fill: #12361f; stroke: #3fb950; }
.bad { fill: #3c1618; stroke: #f85149; }
.waiting { fill: #3b2e04; stroke: #d29922; }
}
</style>`;

/** Of the lane's line. Spans stand on it, steps above it. */
function yOf({ lanes }: Timeline, lane: string): number {
  const at = lanes.indexOf(lane);
  if (at === -1) throw new Error(`A lane that is drawn was required, got ${lane}.`);
  return TOP + at * LANE_HEIGHT + 38;
}

function drawLane(lane: string, y: number): string[] {
  return [
    `<text x="20" y="${y + 4}">${escape(lane)}</text>`,
    `<line class="line" x1="${LEFT}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}"/>`,
  ];
}

function drawSpan({ from, to, text, tone = 'plain' }: Span, y: number): string {
  const [left, right] = [xOf(from), xOf(to)];
  const box = `<rect class="${tone}" x="${left}" y="${y - 12}" width="${right - left}"`
    + ' height="24" rx="4"/>';
  const middle = Math.round((left + right) / 2);
  return `${box}<text class="middle" x="${middle}" y="${y + 4}">${escape(text)}</text>`;
}

function drawStep({ at, tone = 'plain' }: Step, number: number, y: number): string {
  const [x, above] = [xOf(at), y - 23];
  return `<line class="line" x1="${x}" y1="${above}" x2="${x}" y2="${y}"/>`
    + `<circle class="${tone}" cx="${x}" cy="${above}" r="${STEP_RADIUS}"/>`
    + `<text class="number" x="${x}" y="${above + 4}">${number}</text>`;
}

function drawArrow(timeline: Timeline, { from, to }: Arrow): string {
  const [x1, x2] = [xOf(from[1]), xOf(to[1])];
  const isDown = yOf(timeline, from[0]) < yOf(timeline, to[0]);
  const y1 = yOf(timeline, from[0]) + (isDown ? 13 : -13);
  const y2 = yOf(timeline, to[0]) + (isDown ? -13 : 13);
  const turn = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  return `<path class="arrow" d="M${x1} ${y1}L${x2} ${y2}"/>`
    + `<path class="head" transform="translate(${x2} ${y2}) rotate(${turn.toFixed(1)})"`
    + ' d="M0 0L-8 -4L-8 4Z"/>';
}

function drawLegend({ tells, code, tone = 'plain' }: Step, number: number, y: number): string[] {
  const place = code && `<text class="code" x="48" y="${y + 15}">`
    + `${escape(`${code.file}: ${code.name}`)}</text>`;
  return [
    `<circle class="${tone}" cx="29" cy="${y - 4}" r="${STEP_RADIUS}"/>`
      + `<text class="number" x="29" y="${y}">${number}</text>`
      + `<text x="48" y="${y}">${escape(tells)}</text>`,
    ...(place === undefined ? [] : [place]),
  ];
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
