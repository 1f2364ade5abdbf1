/** What was counted while one fault was made, and whether all that must hold did. */

/** Which bound a request is held to. */
export type Kind = 'read' | 'positioned' | 'mutation';

/**
 * It waits for the cache in Redis for 50 ms at most in all its reads (`readTimeoutMs`). So does
 * each of the two requests whose load it may have waited for in vain before it loads alone.
 */
const READ_MS = 3 * 50;

/**
 * How long a request may take because of Redis, by the configuration: all that it waits for one
 * after the other. `positionWaitMs` comes before the reads, `appendTimeoutMs` instead of them.
 */
export const BOUND_MS: Record<Kind, number> = {
  read: READ_MS, positioned: 500 + READ_MS, mutation: 250,
};
/** For the services, the network and the scheduler. */
export const MARGIN_MS = 100;

const COMPLAINTS_MAX = 20;

export class Tally {
  readonly topology: string;
  readonly fault: string;
  reads = 0;
  hits = 0;
  writes = 0;
  /** Older state than acknowledged, within what is promised. */
  staleWithin = 0;
  /** Of these, the longest time since the newer state was acknowledged. */
  behindMsMax = 0;
  staleBeyond = 0;
  failed = 0;
  /** Requests that a killed node left unanswered; asked again of another. */
  moved = 0;
  /** Times that the fault was made. */
  times = 0;
  /** From the end of the fault until all nodes hear, keep and agree; the longest. */
  healMsMax = 0;
  unhealed = 0;
  readonly waitMsMax: Record<Kind, number> = { read: 0, positioned: 0, mutation: 0 };
  /** With all that is not held against it. */
  readonly fullMsMax: Record<Kind, number> = { read: 0, positioned: 0, mutation: 0 };
  /** Requests that took longer than they may, if nothing is taken off. */
  lateInFull = 0;
  readonly complaints: string[] = [];

  constructor(topology: string, fault: string) {
    this.topology = topology;
    this.fault = fault;
  }

  /** `fullMs`: as the client saw it. Returns whether it took longer than it may. */
  waited(kind: Kind, { tookMs, fullMs }: { tookMs: number; fullMs: number }): boolean {
    this.waitMsMax[kind] = Math.max(this.waitMsMax[kind], tookMs);
    this.fullMsMax[kind] = Math.max(this.fullMsMax[kind], fullMs);
    if (fullMs > boundOf(kind)) this.lateInFull += 1;
    return tookMs > boundOf(kind);
  }

  complain(text: string): void {
    if (this.complaints.length < COMPLAINTS_MAX) this.complaints.push(text);
  }

  /** Requests of this kind took longer than they may. */
  get late(): readonly Kind[] {
    const kinds = Object.keys(BOUND_MS) as Kind[];
    return kinds.filter((kind) => this.waitMsMax[kind] > boundOf(kind));
  }

  get holds(): boolean {
    const { staleBeyond, failed, unhealed, late } = this;
    return staleBeyond + failed + unhealed + late.length === 0;
  }
}

function boundOf(kind: Kind): number {
  return BOUND_MS[kind] + MARGIN_MS;
}

const HEADS = [
  'topology', 'fault', 'times', 'reads', 'hits', 'writes', 'stale beyond promise', 'failed',
  'longest wait (in full): read', 'with position', 'mutation', 'late in full',
  'stale within promise', 'at most for', 'asked again', 'time to heal',
] as const;

/** As Markdown, so that it can stand in docs/reliability.md as it is. */
export const TABLE_HEAD = [lineOf(HEADS), lineOf(HEADS.map((_, at) => (at < 2 ? '---' : '---:')))];

export function tableLineOf(tally: Tally): string {
  return lineOf(rowOf(tally));
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function rowOf(tally: Tally): string[] {
  const { reads, hits } = tally;
  const wait = (kind: Kind): string =>
    `${ms(tally.waitMsMax[kind])} (${number(Math.round(tally.fullMsMax[kind]))})`;
  return [
    tally.topology, tally.fault, tally.times, number(reads),
    `${Math.round((100 * hits) / Math.max(1, reads))} %`, number(tally.writes),
    tally.staleBeyond, tally.failed, wait('read'), wait('positioned'), wait('mutation'),
    tally.lateInFull, number(tally.staleWithin), ms(tally.behindMsMax), tally.moved,
    tally.unhealed > 0 ? 'never' : ms(tally.healMsMax),
  ].map(String);
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function ms(value: number): string {
  return `${number(Math.round(value))} ms`;
}
