import { describe, expect, it } from 'vitest';
import { Circuit } from '../../src/cache/circuit.ts';

const circuitOf = (random = (): number => 0.5): Circuit =>
  new Circuit({ random, failuresMax: 3, openMs: 100 });

const fail = (circuit: Circuit, { times, now }: { times: number; now: number }): void => {
  for (let time = 0; time < times; time += 1) circuit.failed(now);
};

describe('a circuit', () => {
  it('opens after so many failures in a row, not before', () => {
    const circuit = circuitOf();
    fail(circuit, { times: 2, now: 0 });
    circuit.succeeded();
    fail(circuit, { times: 2, now: 0 });
    expect(circuit.allows(0)).toBe(true);
    circuit.failed(0);
    expect(circuit.allows(0)).toBe(false);
    expect(circuit.openings).toBe(1);
  });

  it('lets one in each period try, and closes when that succeeds', () => {
    const circuit = circuitOf();
    fail(circuit, { times: 3, now: 0 });
    expect(circuit.allows(99)).toBe(false);
    expect([circuit.allows(100), circuit.allows(100), circuit.allows(199)])
      .toEqual([true, false, false]);
    circuit.succeeded();
    expect([circuit.allows(150), circuit.allows(150)]).toEqual([true, true]);
  });

  it('stays open when the attempt fails, or is never heard of again', () => {
    const circuit = circuitOf();
    fail(circuit, { times: 3, now: 0 });
    expect(circuit.allows(100)).toBe(true);
    circuit.failed(150);
    expect([circuit.allows(249), circuit.allows(250)]).toEqual([false, true]);
    expect([circuit.allows(349), circuit.allows(350)]).toEqual([false, true]);
    expect(circuit.openings).toBe(1);
  });

  it('is open between half and one and a half of the time, by chance', () => {
    for (const [chance, openMs] of [[0, 50], [0.999, 149]] as const) {
      const circuit = circuitOf(() => chance);
      fail(circuit, { times: 3, now: 0 });
      expect([circuit.allows(openMs - 1), circuit.allows(openMs + 1)]).toEqual([false, true]);
    }
  });
});
