import { afterEach, beforeEach, expect, it } from 'vitest';
import { Core } from '../../src/gateway/core.ts';
import { Operations } from '../../src/gateway/operations.ts';
import { systemClock, systemRandom } from '../../src/invalidation/clock.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import type { Log, LogEvent, LogRecord } from '../../src/invalidation/log.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { InvalidationNode } from '../../src/invalidation/node.ts';
import type { Position } from '../../src/invalidation/position.ts';
import {
  readSwitching, switchingMessage, type Switching,
} from '../../src/invalidation/switching.ts';
import { collectionTag } from '../../src/invalidation/tag.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { until } from '../support/until.ts';

const RECORDS_MAX = 40;

let clock: ManualClock;
let log: MemoryLog;
let nodes: { readonly core: Core; readonly operations: Operations }[];

beforeEach(() => {
  clock = new ManualClock();
  log = new MemoryLog({ recordsMax: RECORDS_MAX, heartbeatMs: 10 });
  nodes = [];
});
afterEach(async () => {
  for (const { operations, core } of nodes) {
    operations.close();
    await core.close();
  }
  await log.close();
});

let ids = 0;
const maker = new MessageMaker({
  sourceService: 'shop', clock: systemClock, newId: () => `id-${(ids += 1)}`,
});
const post = collectionTag('post');

/** A gateway's node on the log; `passes` may turn what it is told into something else. */
async function open(passes: (event: LogEvent) => LogEvent = (event) => event) {
  const shared: Log = {
    append: (message, options) => log.append(message, options),
    async *follow(options) {
      for await (const event of log.follow(options)) yield passes(event);
    },
    close: async () => undefined,
  };
  const core = new Core({
    node: new InvalidationNode({ log: shared, settleMs: 0 }),
    clock: systemClock, random: systemRandom, redis: undefined,
    l1: { bytesMax: 2 ** 20, entriesMax: 10 }, maxStalenessMs: 5_000, source: 'freshet',
  });
  await core.start();
  const operations = new Operations({
    core, clock, retentionMs: 3_600_000, recordsMax: RECORDS_MAX,
  });
  const records: LogRecord[] = [];
  core.node.onRecords((some) => records.push(...some));
  const opened = {
    operations, core,
    turn: (switching: Switching) =>
      operations.invalidate(switchingMessage(switching, { maker })),
    /** All that it was told of the switch. */
    said: () => records.flatMap(({ message }) => readSwitching(message) ?? []),
  };
  nodes.push(opened);
  return opened;
}

const isOff = ({ operations }: { operations: Operations }): boolean => !operations.caching.isOn;

async function purge(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const position = await log.append(maker.deleted('User', at));
    for (const { core } of nodes) await core.node.reached(position, 5_000);
  }
}

it('lets what is off be known after the log was cut by many records', async () => {
  const one = await open();
  await one.turn({ state: 'off' });
  await one.turn({ state: 'off', type: post });
  await purge(4 * RECORDS_MAX);
  expect(one.said().length).toBeGreaterThan(6);
  const late = await open();
  const fleet = { all: true, types: [post] };
  expect(late.operations.caching).toMatchObject({ isOn: false, fleet });
});

it('says it again each minute, in one record of all nodes, until it is on', async () => {
  const all = await Promise.all([open(), open(), open()]);
  const [one] = all;
  await one.turn({ state: 'off' });
  for (let minute = 1; minute <= 3; minute += 1) {
    await until(() => all.every(({ said }) => said().length === minute), {
      what: `all have heard it ${minute} times`,
    });
    clock.advance(75_000);
  }
  await until(() => all.every(({ said }) => said().length === 4), { what: 'they have once more' });
  expect(one.said().at(-1)).toMatchObject({ state: 'off', since: expect.any(String) });
  const position = await one.turn({ state: 'on' });
  for (const { core } of all) await core.node.reached(position as Position, 5_000);
  clock.advance(300_000);
  await purge(2);
  expect(one.said()).toHaveLength(5);
  expect(all.filter(isOff)).toEqual([]);
});

it('tells a node whose gap has swallowed that it is off', async () => {
  let swallows = false;
  const one = await open();
  const two = await open((event) => {
    if (!swallows || event.kind !== 'records') return event;
    swallows = false;
    return { kind: 'gap', end: event.records.at(-1)!.position };
  });
  swallows = true;
  await one.turn({ state: 'off' });
  await until(() => two.core.node.stats.gaps === 2, { what: 'it was not told' });
  expect([isOff(one), isOff(two)]).toEqual([true, false]);
  clock.advance(75_000);
  await until(() => isOff(two), { what: 'it was told' });
});

it('tells a node whose gap has swallowed that it is on again', async () => {
  let swallows = false;
  const one = await open();
  const two = await open((event) => {
    if (!swallows || event.kind !== 'records') return event;
    swallows = false;
    return { kind: 'gap', end: event.records.at(-1)!.position };
  });
  await one.turn({ state: 'off', type: post });
  await until(() => two.operations.caching.fleet.types.length === 1, { what: 'both are off' });
  swallows = true;
  await one.turn({ state: 'on', type: post });
  await until(() => two.said().at(-1)?.state === 'on', { what: 'it was told' });
  await until(() => two.operations.caching.fleet.types.length === 0, { what: 'it is on' });
  expect(one.operations.caching.fleet.types).toEqual([]);
  const late = await open();
  expect(late.operations.caching.fleet.types).toEqual([]);
});
