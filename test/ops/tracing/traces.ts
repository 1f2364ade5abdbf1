/** The tracing of this process for tests, which keeps its spans instead of sending them. */
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { pino } from 'pino';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import { Tracing, type TracingOptions } from '../../../src/ops/tracing/tracing.ts';
import { until } from '../../support/until.ts';

export interface Traces {
  /** Resolves to all that have ended since `forget`, once these are among them. */
  spans(...names: readonly string[]): Promise<readonly ReadableSpan[]>;
  forget(): Promise<void>;
  stop(): Promise<void>;
}

export function startTraces(options: Partial<TracingOptions['config']> = {}): Traces {
  const exporter = new InMemorySpanExporter();
  const tracing = new Tracing({
    config: { sampleRatio: 1, perSecondMax: 100_000, ...options },
    version: '0.0.0-test',
    log: pino({ level: 'silent' }),
    clock: systemClock,
    random: systemRandom,
    exporter,
  });
  tracing.start();
  const ended = async (): Promise<readonly ReadableSpan[]> => {
    await tracing.flush();
    return exporter.getFinishedSpans();
  };
  return {
    // A span of a request ends a moment after its answer has come.
    spans: (...names) => until(async () => {
      const all = await ended();
      const left = all.map(({ name }) => name);
      const isThere = (name: string): boolean => {
        const at = left.indexOf(name);
        if (at !== -1) left.splice(at, 1);
        return at !== -1;
      };
      return names.every(isThere) && all;
    }, { what: `there are spans ${names.join(', ')}` }),
    async forget() {
      await tracing.flush();
      exporter.reset();
    },
    stop: () => tracing.close(),
  };
}

export function named(spans: readonly ReadableSpan[], name: string): readonly ReadableSpan[] {
  return spans.filter((span) => span.name === name);
}

/** The only one of that name. */
export function only(spans: readonly ReadableSpan[], name: string): ReadableSpan {
  const [span, ...others] = named(spans, name);
  if (span === undefined || others.length > 0) {
    throw new Error(`one span ${name} was required, got ${others.length + (span ? 1 : 0)}`);
  }
  return span;
}
