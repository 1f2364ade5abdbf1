import { describe, expect, it } from 'vitest';
import {
  bytesText, countText, durationText, latencyText, NOTHING, plural, rateText, shareText, timeText,
} from '../../../src/ops/dashboard/format.ts';

describe('figures', () => {
  it('are short, and say how large they are', () => {
    expect([0, 12_345, 1_234_567].map(countText)).toEqual(['0', '12,345', '1.2M']);
    expect([0, 0.04, 12.34, 99.96, 1_234.5].map(rateText))
      .toEqual(['0', '0.0', '12.3', '100.0', '1,235']);
    expect([0, 512, 2_048, 181e6].map(bytesText)).toEqual(['0 B', '512 B', '2.0 KiB', '173 MiB']);
    expect([0, 0.05, 12.34, 123.4, 1_250].map(latencyText))
      .toEqual(['0 ms', '0.05 ms', '12.3 ms', '123 ms', '1.25 s']);
  });

  it('are a dash where there is nothing', () => {
    expect([countText(null), rateText(undefined), bytesText(null), latencyText(null)])
      .toEqual([NOTHING, NOTHING, NOTHING, NOTHING]);
    expect([shareText(undefined), durationText(null), timeText(null)])
      .toEqual([NOTHING, NOTHING, NOTHING]);
  });

  it('never round a share up to all or down to none', () => {
    expect([0, 0.00001, 0.5, 0.99999, 1].map(shareText))
      .toEqual(['0 %', '0.1 %', '50.0 %', '99.9 %', '100 %']);
  });

  it('name one by one, and many by their number', () => {
    expect([plural(1, 'entry', 'entries'), plural(1_200, 'purge')])
      .toEqual(['1 entry', '1,200 purges']);
  });
});

describe('durations and times', () => {
  it('show the two greatest units', () => {
    expect([400, 12_000, 60_000, 310_000, 7_200_000, 273_600_000].map(durationText))
      .toEqual(['0.4 s', '12 s', '1 min', '5 min 10 s', '2 h', '3 d 4 h']);
    expect(durationText(-5_000)).toBe('-5.0 s');
  });

  it('show the day where that is another one, and leave alone what is no time', () => {
    const at = new Date(2026, 2, 1, 14, 3, 5);
    expect(timeText(at.toISOString())).toBe('14:03:05');
    expect(timeText(at.toISOString(), at.getTime() + 1_000)).toBe('14:03:05');
    expect(timeText(at.toISOString(), at.getTime() + 86_400_000)).toBe('2026-03-01 14:03:05');
    expect(timeText('yesterday')).toBe('yesterday');
  });
});
