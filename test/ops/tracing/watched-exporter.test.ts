import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { expect, it } from 'vitest';
import { WatchedExporter } from '../../../src/ops/tracing/watched-exporter.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const failing: SpanExporter = {
  export: (_spans, done) => done({ code: 1, error: new Error('it said: secret') }),
  shutdown: () => Promise.resolve(),
};

it('says once a minute that spans are lost, without what the collector has answered', () => {
  const clock = new ManualClock();
  const said: unknown[] = [];
  const warn = (about: unknown): void => void said.push(about);
  const exporter = new WatchedExporter(failing, { log: { warn } as never, clock });
  const codes: number[] = [];
  const send = (): void => exporter.export([], ({ code }) => codes.push(code));
  for (let at = 0; at < 3; at += 1) send();
  expect(said.length).toBe(1);
  clock.advance(60_000);
  send();
  expect(said.length).toBe(2);
  expect(JSON.stringify(said)).not.toContain('secret');
  expect(codes).toEqual([1, 1, 1, 1]);
});
