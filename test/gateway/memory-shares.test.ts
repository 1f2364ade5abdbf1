import { expect, it } from 'vitest';
import { memoryShares } from '../../src/gateway/memory-shares.ts';

const MIB = 1024 * 1024;

it.each([1, 64, 256, 4_096].map((mib) => mib * MIB))(
  'leaves of %d bytes more than half for entries, and divides no more than there is',
  (bytesMax) => {
    const { entries, requests, answers } = memoryShares(bytesMax);
    expect(entries).toBeGreaterThan(bytesMax / 2);
    expect(entries + requests + answers).toBeLessThan(bytesMax);
    expect(Math.min(requests, answers)).toBeGreaterThanOrEqual(MIB / 8);
  },
);
