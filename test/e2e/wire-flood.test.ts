/**
 * A flood on the channel of what is no message: it changes nothing, stops nothing, is counted, and
 * fills neither the log of invalidations nor that of the process.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { CHANNEL, PROBES, rejectedBy, startWireFleet, type WireFleet } from './wire-fleet.ts';

const PAYLOADS = 20_000;
/** Stands in many of the payloads, and nowhere else. */
const SECRET = 's3cr3t-payload';

let fleet: WireFleet;

beforeEach(async () => {
  fleet = await startWireFleet();
});

afterEach(() => fleet.stop());

test('tens of thousands of malformed payloads change nothing and stop nothing', async () => {
  const { nodes, client, logLines } = fleet;
  const changed = await fleet.warmUp();
  const gaps = nodes.map((node) => node.gateway.status().invalidation.gaps);
  logLines.length = 0;

  const payloadAt = malformed();
  for (let sent = 0; sent < PAYLOADS; sent += 500) {
    const batch = Array.from({ length: 500 }, (_, index) => payloadAt(sent + index));
    await Promise.all(batch.map((payload) => client.publish(CHANNEL, payload)));
  }
  let sent = PAYLOADS;
  for (const payload of hugePayloads()) {
    await client.publish(CHANNEL, payload);
    sent += 1;
    await until(
      () => nodes.every((node) => rejectedBy(node) === sent),
      { what: 'both nodes have refused all that was sent' },
    );
  }

  await fleet.expectPurged([], changed);
  expect(await fleet.newRecords(changed)).toEqual([]);
  expect(nodes.map((node) => node.gateway.status().invalidation.gaps)).toEqual(gaps);

  await fleet.applied(() => client.publish(CHANNEL, JSON.stringify({
    ...COMPLETE, message_id: randomUUID(), source_service: 'user-service',
  })));
  await fleet.expectPurged(PROBES.filter(({ tag }) => tag === 'user:123'), changed);

  expect(logLines.filter((line) => line.includes('cannot be read'))).toHaveLength(nodes.length);
  expect(logLines).toHaveLength(nodes.length);
  expect(logLines.join('\n')).not.toContain(SECRET);
});

/** What a message needs; with one field spoilt it is none. */
const COMPLETE = {
  message_id: 'm', entity_type: 'User', entity_id: '123', pattern: null, entity_ids: null,
  action: 'Delete', timestamp: '2026-03-01T12:00:00Z', source_service: SECRET, metadata: null,
};

const SPOILT: readonly object[] = [
  { entity_type: 7 }, { entity_type: {} }, { entity_type: { Custom: null } }, { entity_type: [] },
  { entity_id: null }, { entity_id: {} }, { entity_id: [SECRET] }, { entity_id: true },
  { action: 'Purge' }, { action: null }, { action: ['Delete'] },
  { action: 'Batch', entity_ids: 'user:123' }, { action: 'Batch', entity_ids: [{}] },
  { action: 'Pattern', pattern: null }, { action: 'Pattern', pattern: '/(/' },
  { message_id: null }, { message_id: {} }, { timestamp: null }, { source_service: null },
];

const TEXTS: readonly string[] = [
  '', ' ', 'null', '0', 'true', '"user:123"', '{}', '[]', '{"a":', '\u0000', SECRET,
  '{"message_id":"\\ud800"}', '['.repeat(2_000), '['.repeat(10_000) + ']'.repeat(10_000),
  JSON.stringify(COMPLETE).slice(0, -1),
  JSON.stringify(COMPLETE).repeat(2),
  ...SPOILT.map((fields) => JSON.stringify({ ...COMPLETE, ...fields })),
];

/** Nonsense of every kind by number, every second one of random bytes. */
function malformed(): (number: number) => string | Buffer {
  // A generator of its own, so that each run sends the same.
  let state = 1;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647);
  return (number) => {
    if (number % 2 === 0) return TEXTS[(number / 2) % TEXTS.length] ?? '';
    return Buffer.from(Array.from({ length: 1 + (random() % 60) }, () => random() % 256));
  };
}

/** Sent one at a time, since Redis cuts off who cannot keep up. */
function* hugePayloads(): Generator<string> {
  yield SECRET.repeat(1_000_000);
  yield '['.repeat(900_000);
  yield '{"a":'.repeat(150_000);
  const keys = Array.from({ length: 60_000 }, (_, index) => `user:${index}`);
  yield JSON.stringify({ ...COMPLETE, action: 'Batch', entity_ids: keys });
}
