/**
 * Spans of what is done on the way to an answer: a read of the cache, a fetch from a subgraph, an
 * invalidation that is appended to the log. Each is below the one in which it was begun, so a load
 * that several requests wait for is in the trace of the first.
 */
import type { TracingChannel } from 'node:diagnostics_channel';
import { SpanKind, type Attributes, type Span } from '@opentelemetry/api';
import { reading, type Reading } from '../../cache/tracing-channels.ts';
import { fetching, type Fetching } from '../../gateway/tracing-channels.ts';
import { formatPosition } from '../../invalidation/position.ts';
import { appending, type Appending } from '../../invalidation/tracing-channels.ts';
import { isSampled, RecordedPlace, type Place } from './place.ts';
import { errorTypeOf, fail, type Beginning, type Spans } from './spans.ts';
import type { Guard, Subscription } from './subscription.ts';

export function workSpans(spans: Spans, guard: Guard): Subscription {
  const all = [
    watched(reading, { spans, guard, ...CACHE_READ }),
    watched(fetching, { spans, guard, ...SUBGRAPH_FETCH }),
    watched(appending, { spans, guard, ...APPEND }),
  ];
  return {
    start: () => all.forEach((one) => one.start()),
    stop: () => all.forEach((one) => one.stop()),
  };
}

/** One kind of work. */
interface Work<Event> {
  readonly beginningOf: (event: Event) => Beginning;
  /** Told where it begins, before it does. */
  readonly begun: (event: Event, place: Place) => void;
  /** What is known at its end; never told where it failed. */
  readonly ended: (event: Event, span: Span) => Attributes;
}

const CACHE_READ: Work<Reading> = {
  beginningOf: ({ keys, isOfEntities }) => ({
    name: 'cache read',
    kind: SpanKind.INTERNAL,
    attributes: {
      'freshet.cache.keys': keys,
      'freshet.cache.kind': isOfEntities ? 'entities' : 'answer',
    },
  }),
  begun: () => undefined,
  ended({ hows }) {
    const counts: Attributes = {};
    for (const how of hows) {
      const name = `freshet.cache.${how}`;
      counts[name] = Number(counts[name] ?? 0) + 1;
    }
    return counts;
  },
};

const SUBGRAPH_FETCH: Work<Fetching> = {
  beginningOf: ({ subgraph, operation, url }) => ({
    name: `${operation} ${subgraph}`,
    kind: SpanKind.CLIENT,
    attributes: {
      'freshet.subgraph.name': subgraph,
      'graphql.operation.type': operation,
      'http.request.method': 'POST',
      'url.full': url,
      'server.address': new URL(url).hostname,
    },
  }),
  begun(event, place) {
    const { traceparent, tracestate } = place.carried();
    event.headers = { traceparent, ...(tracestate && { tracestate }) };
  },
  ended({ status, code }, span) {
    if (code !== undefined) fail(span, code);
    else if (status !== undefined && status >= 400) fail(span, String(status));
    return status === undefined ? {} : { 'http.response.status_code': status };
  },
};

const APPEND: Work<Appending> = {
  beginningOf: ({ action }) => ({
    name: 'append',
    kind: SpanKind.PRODUCER,
    attributes: { 'freshet.invalidation.action': action },
  }),
  begun(event, place) {
    const carried = place.carried();
    if (isSampled(carried)) event.traceparent = carried.traceparent;
  },
  ended: ({ result }) => result === undefined
    ? { 'freshet.log.kept': true }
    : { 'freshet.log.position': formatPosition(result) },
};

interface Watching<Event> extends Work<Event> {
  readonly spans: Spans;
  readonly guard: Guard;
}

function watched<Event extends { readonly error?: unknown }>(
  channel: TracingChannel<unknown, Event>,
  { spans, guard, beginningOf, begun, ended }: Watching<Event>,
): Subscription {
  const under = new WeakMap<Event, Span>();
  const begin = guard((event: Event): Place => {
    const around = spans.store.getStore();
    const place = spans.below(() => beginningOf(event));
    if (place !== around && place instanceof RecordedPlace) under.set(event, place.span);
    begun(event, place);
    return place;
  });
  const end = guard((message: unknown): void => {
    const event = message as Event;
    const span = under.get(event);
    if (span === undefined) return;
    if (event.error === undefined) span.setAttributes(ended(event, span));
    else fail(span, errorTypeOf(event.error));
    span.end();
  });
  return {
    start() {
      channel.start.bindStore(spans.store, begin);
      channel.asyncEnd.subscribe(end);
    },
    stop() {
      channel.start.unbindStore(spans.store);
      channel.asyncEnd.unsubscribe(end);
    },
  };
}
