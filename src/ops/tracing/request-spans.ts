/** A span for each request of a client, from when it has been read to when its answer has left. */
import { SpanKind } from '@opentelemetry/api';
import { requestAnswered, type RequestAnswered } from '../../gateway/diagnostics.ts';
import { asked, type Asked } from '../../gateway/tracing-channels.ts';
import type { Carried, Place } from './place.ts';
import { fail, type Beginning, type Spans } from './spans.ts';
import type { Guard, Subscription } from './subscription.ts';

export function requestSpans(spans: Spans, guard: Guard): Subscription {
  const begin = guard((event: Asked): Place => {
    const { request, response, path } = event;
    // Operators and their tools ask all the time: theirs are parts of traces, and begin none.
    const mayBegin = path !== undefined;
    const carried = carriedIn(request.headers);
    const place = spans.ofRequest(() => beginningOf(event), { carried, mayBegin });
    const span = place.request;
    if (span !== undefined) {
      response.once('close', guard(() => {
        const { statusCode, headersSent } = response;
        if (headersSent) span.setAttribute('http.response.status_code', statusCode);
        if (!headersSent) fail(span, 'aborted');
        else if (statusCode >= 500) fail(span, String(statusCode));
        span.end();
      }));
    }
    return place;
  });
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
      asked.bindStore(spans.store, begin);
      requestAnswered.subscribe(tell);
    },
    stop() {
      asked.unbindStore(spans.store);
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
