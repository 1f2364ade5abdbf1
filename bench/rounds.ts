/**
 * Contestants one after the other, in rounds, so that what the machine does meanwhile touches all
 * of them alike; of each figure the median of the rounds. A wrong answer ends the benchmark.
 */
import assert from 'node:assert/strict';
import type { Contestant } from './contestants.ts';
import type { Core } from './server.ts';
import { load, type Request } from './wrk.ts';

export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  /** What a contestant is asked, in turn. */
  readonly requestsOf: (contestant: Contestant) => readonly Request[];
  /** What the first of them must answer, but for the order of members. */
  readonly answerOf: (contestant: Contestant) => string;
  /** The least share of answers that must come from a cache. Default 0: it is only shown. */
  readonly hitsMin?: number;
  /** Where the load is made. Default a core of its own. */
  readonly loadCore?: Core;
  /** Resolvers that run for an answer that comes from no cache. Default 1. */
  readonly callsEach?: number;
}

export interface Figures {
  readonly perSecond: number;
  /** In us. */
  readonly p50: number;
  readonly p99: number;
  /** CPU time of the server for a request, in us: what other load on the machine hardly moves. */
  readonly cpu: number;
  /** The share of answers that no resolver ran for. */
  readonly hits: number;
}

let nextId = 1;

export async function inRounds(
  contestants: readonly Contestant[],
  plan: Plan,
): Promise<ReadonlyMap<string, Figures>> {
  const taken = new Map<string, Figures[]>(contestants.map(({ name }) => [name, []]));
  for (const contestant of contestants) {
    await proveAnswers(contestant, plan);
    await run(contestant, { ...plan, seconds: plan.warmUpSeconds });
  }
  for (let round = 0; round < plan.rounds; round += 1) {
    // Nobody always comes after the same one.
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      const figures = await run(contestant, plan);
      const { hitsMin = 0 } = plan;
      assert(figures.hits >= hitsMin, `${contestant.name}: only ${percent(figures.hits)} hits`);
      taken.get(contestant.name)?.push(figures);
    }
  }
  return new Map([...taken].map(([name, rounds]) => [name, medians(rounds)]));
}

async function run(contestant: Contestant, plan: Plan): Promise<Figures> {
  const { port, server } = contestant;
  const { connections, seconds, requestsOf, answerOf, callsEach = 1, loadCore: core } = plan;
  const [calls, cpuMs] = [await contestant.calls(), server.cpuMs()];
  const requests = requestsOf(contestant);
  const result = await load({
    port, requests, connections, seconds, firstId: nextId, ...(core && { core }),
  }).catch((error: unknown) => {
    throw new Error(`${contestant.name} did not answer all`, { cause: error });
  });
  nextId = Math.max(nextId, result.nextId + 1);
  const cpu = ((server.cpuMs() - cpuMs) * 1_000) / result.requests;
  const missed = ((await contestant.calls()) - calls) / callsEach;
  const bytes = answerOf(contestant).length;
  const { bytesEach } = result;
  // Answers under way at the end are counted as bytes and not as answers.
  const most = bytes + 2_000 + (connections * bytes) / result.requests;
  assert(bytesEach > bytes && bytesEach < most, `${contestant.name}: ${bytesEach} B an answer`);
  const { perSecond, p50, p99 } = result;
  return { perSecond, p50, p99, cpu, hits: Math.max(0, 1 - missed / result.requests) };
}

/**
 * Asks the first request twice, as the load does, and compares: the second may come from the cache.
 * Then each of the others, one after the other: where large answers are all made at once, a small
 * machine has no time left for anything else.
 */
async function proveAnswers(contestant: Contestant, plan: Plan): Promise<void> {
  const [first, ...others] = plan.requestsOf(contestant);
  assert(first, 'there is something to ask');
  for (let time = 0; time < 2; time += 1) {
    const text = await ask(contestant, first);
    assert.deepEqual(JSON.parse(text), JSON.parse(plan.answerOf(contestant)), contestant.name);
  }
  for (const request of others) await ask(contestant, request);
}

async function ask({ name, port }: Contestant, request: Request): Promise<string> {
  const { method, path, headers = [], body } = request;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: [...headers, ['content-type', 'application/json']] as [string, string][],
    ...(body !== undefined && { body: body.replace('{id}', '00000000') }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, `${name} answered ${response.status}: ${text}`);
  return text;
}

function medians(rounds: readonly Figures[]): Figures {
  const of = (name: keyof Figures): number => median(rounds.map((figures) => figures[name]));
  return { perSecond: of('perSecond'), p50: of('p50'), p99: of('p99'), cpu: of('cpu'),
    hits: of('hits') };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [below, above] = [sorted[middle - 1] ?? Number.NaN, sorted[middle] ?? Number.NaN];
  return sorted.length % 2 === 0 ? (below + above) / 2 : above;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/**
 * One line for each contestant; ratios are to the first: of answers a second, and of CPU time for
 * one, which is the same where the server alone keeps its core busy.
 */
export function print(title: string, results: ReadonlyMap<string, Figures>): void {
  const [first] = results.values();
  console.log(`\n${title}`);
  console.log(row(['', '/s', 'ratio', 'p50 us', 'p99 us', 'CPU us', 'of CPU', 'hits']));
  for (const [name, { perSecond, p50, p99, cpu, hits }] of results) {
    const ratio = (perSecond / (first?.perSecond ?? perSecond)).toFixed(2);
    console.log(row([
      name, perSecond.toFixed(0), ratio, p50.toFixed(0), p99.toFixed(0), cpu.toFixed(1),
      ((first?.cpu ?? cpu) / cpu).toFixed(2), percent(hits),
    ]));
  }
}

function row([name = '', ...cells]: readonly string[]): string {
  return [name.padEnd(28), ...cells.map((cell) => cell.padStart(9))].join('');
}
