/**
 * A service that OpenTelemetry traces: what it publishes says which trace it is part of, so that
 * the purges on all gateways are linked to it.
 */
import { trace } from '@opentelemetry/api';
import {
  createPublisher, type Publisher, type PublisherOptions,
} from 'freshet-gateway/invalidation';

export function tracedPublisher(options: PublisherOptions): Publisher {
  return createPublisher({ ...options, traceparent });
}

function traceparent(): string | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined) return undefined;
  const flags = span.traceFlags.toString(16).padStart(2, '0');
  return `00-${span.traceId}-${span.spanId}-${flags}`;
}
