import { context, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tracedPublisher } from '../../examples/opentelemetry.ts';
import { MemoryBus } from '../../src/invalidation/memory-bus.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';

beforeEach(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager()));
afterEach(() => context.disable());

it('says of what it publishes in a span, and of nothing else, which trace that is', async () => {
  const bus = new MemoryBus();
  const publisher = tracedPublisher({ log: bus.log, source: 'user-service', batch: false });
  const spanContext = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: TraceFlags.SAMPLED };
  const inSpan = trace.setSpanContext(context.active(), spanContext);
  await context.with(inSpan, () => publisher.invalidateUser('1'));
  await publisher.invalidateUser('2');
  expect(bus.messages.map(({ metadata }) => metadata)).toEqual([
    { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01` }, null,
  ]);
  await publisher.close();
  await bus.close();
});
