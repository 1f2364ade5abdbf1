import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../src/invalidation/content.ts';
import { writeMessage } from '../../src/invalidation/message.ts';
import { someMessage } from './log-contract.ts';

describe('the fingerprint of a payload', () => {
  it('is the same for the same bytes alone', () => {
    const message = someMessage();
    const payload = Buffer.from(writeMessage(message));
    const fingerprint = fingerprintOf(payload, message.message_id);
    expect(fingerprintOf(Buffer.from(payload), message.message_id)).toBe(fingerprint);
    const others = new Set([fingerprint]);
    for (let at = 0; at < payload.length; at += 1) {
      for (const bit of [1, 2, 128]) {
        const other = Buffer.from(payload);
        other.writeUInt8(payload.readUInt8(at) ^ bit, at);
        others.add(fingerprintOf(other, message.message_id));
      }
    }
    expect(others.size).toBe(1 + payload.length * 3);
    expect(fingerprintOf(payload, 'another')).not.toBe(fingerprint);
  });

  it('tells many apart whose IDs do not', () => {
    const count = 200_000;
    const fingerprints = new Set(Array.from({ length: count }, (_, n) =>
      fingerprintOf(Buffer.from(`{"message_id":"1","entity_id":"${n}"}`), '1')));
    expect(fingerprints.size).toBe(count);
  });

  it('is short, however long the ID is', () => {
    const [one, other] = ['x'.repeat(5_000), `${'x'.repeat(4_999)}y`];
    const payload = Buffer.from('{}');
    expect(fingerprintOf(payload, one).length).toBeLessThan(100);
    expect(fingerprintOf(payload, one)).not.toBe(fingerprintOf(payload, other));
  });
});
