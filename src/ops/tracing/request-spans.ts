/** A span for each request of a client, from when it has been read to when its answer has left. */
import { SpanKind, type Span } from '@opentelemetry/api';
import { requestAnswered, type RequestAnswered } from '../../gateway/diagnostics.ts';
import { answering, asked, type Asked } from '../../gateway/tracing-channels.ts';
import type { Carried, Place } from './place.ts';
import { fail, type Beginning, type Spans } from './spans.ts';
import type { Guard, Subscription } from './subscription.ts';

export function requestSpans(spans: Spans, guard: Guard): Subscription {
  const places = new WeakMap<Asked, Place>();
  const begin = guard((message: unknown): void => {
    const event = message as Asked;
    const { request, response, path } = event;
    // Operators and their tools ask all the time: theirs are parts of traces, and begin none.
    const mayBegin = path !== undefined;
    const carried = carriedIn(request.headers);
    const place = spans.ofRequest(() => beginningOf(event), { carried, mayBegin });
    if (place === undefined) return;
    places.set(event, place);
    event.isFollowed = true;
    if (place.request !== undefined) endWith(response, place.request);
  });
  const endWith = (response: Asked['response'], span: Span): void => {
    response.once('close', guard(() => {
      const { statusCode, headersSent } = response;
      if (headersSent) span.setAttribute('http.response.status_code', statusCode);
      if (!headersSent) fail(span, 'aborted');
      else if (statusCode >= 500) fail(span, String(statusCode));
      span.end();
    }));
  };
  const tell = guard((message: unknown): void => {
    const span = spans.store.getStore()?.request;
    if (span === undefined) return;
    const { outcome, operation } = message as RequestAnswered;
    span.setAttribute('freshet.cache.outcome', outcome);
    if (operation === undefined) return;
    span.setAttribute('graphql.operation.type', operation.kind);
    if (operation.name !== undefined) span.setAttribute('graphql.operation.name', operation.name);
  });
  return {
    start() {
      asked.subscribe(begin);
      answering.bindStore(spans.store, (event) => places.get(event));
      requestAnswered.subscribe(tell);
    },
    stop() {
      asked.unsubscribe(begin);
      answering.unbindStore(spans.store);
      requestAnswered.unsubscribe(tell);
    },
  };
}

function beginningOf({ request, path }: Asked): Beginning {
  const { method = 'GET', url = '/', httpVersion } = request;
  return {
    name: path === undefined ? method : `${method} ${path}`,
    kind: SpanKind.SERVER,
    attributes: {
      'http.request.method': method,
      // The query of a GET holds variables.
      'url.path': url.split('?', 1)[0] ?? '/',
      'url.scheme': 'http',
      'network.protocol.version': httpVersion,
      ...(path !== undefined && { 'http.route': path }),
    },
  };
}

function carriedIn(headers: Asked['request']['headers']): Carried | undefined {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== 'string') return undefined;
  return { traceparent, tracestate: typeof tracestate === 'string' ? tracestate : undefined };
}
