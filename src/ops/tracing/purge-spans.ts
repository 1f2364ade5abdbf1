/**
 * A span for each purge on this node that some recorded trace has caused, on whichever node or
 * service. It is a trace of its own, linked to that one: many nodes purge because of one message,
 * at times long after what it came from has ended.
 */
import { SpanKind, type Span } from '@opentelemetry/api';
import { formatPosition } from '../../invalidation/position.ts';
import { purging, type Purging } from '../../invalidation/tracing-channels.ts';
import type { Beginning, Spans } from './spans.ts';
import type { Guard, Subscription } from './subscription.ts';

export function purgeSpans(spans: Spans, guard: Guard): Subscription {
  const under = new WeakMap<object, Span>();
  const begin = guard((message: unknown): void => {
    const event = message as Purging;
    const span = spans.linked(() => beginningOf(event), event.traceparent);
    if (span !== undefined) under.set(event, span);
  });
  const end = guard((message: unknown): void => under.get(message as Purging)?.end());
  return {
    start() {
      purging.start.subscribe(begin);
      purging.end.subscribe(end);
    },
    stop() {
      purging.start.unsubscribe(begin);
      purging.end.unsubscribe(end);
    },
  };
}

function beginningOf({ action, position, purges }: Purging): Beginning {
  return {
    name: 'purge',
    kind: SpanKind.CONSUMER,
    attributes: {
      'freshet.invalidation.action': action,
      'freshet.invalidation.purges': purges,
      'freshet.log.position': formatPosition(position),
    },
  };
}
