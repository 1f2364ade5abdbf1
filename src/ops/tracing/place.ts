/**
 * Where in a trace the code is that runs now, and what goes on from there to others. What is not
 * recorded has a place as well: others are told so, and record none of it either.
 */
import { ROOT_CONTEXT, trace, type Context, type Span } from '@opentelemetry/api';
import { RandomIdGenerator } from '@opentelemetry/sdk-trace-base';
import { readTraceparent, writeTraceparent } from '../../invalidation/traceparent.ts';

/** As it travels, by the header fields of W3C Trace Context. */
export interface Carried {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

export interface Place {
  /** Below which the next span begins; undefined where nothing is recorded. */
  readonly context: Context | undefined;
  /** Of the request that is answered, which is told how. */
  readonly request: Span | undefined;
  carried(): Carried;
}

/** In a span. */
export class RecordedPlace implements Place {
  readonly context: Context;
  readonly request: Span | undefined;
  readonly span: Span;

  constructor(span: Span, request: Span | undefined) {
    this.span = span;
    this.request = request;
    this.context = trace.setSpan(ROOT_CONTEXT, span);
  }

  carried(): Carried {
    const { traceId, spanId: parentId, traceState } = this.span.spanContext();
    const traceparent = writeTraceparent({ traceId, parentId, isSampled: true });
    return { traceparent, tracestate: traceState?.serialize() };
  }
}

const ids = new RandomIdGenerator();

/** Where nothing is recorded: what was carried here goes on as it is. */
export class UnrecordedPlace implements Place {
  readonly context = undefined;
  readonly request = undefined;
  #carried: Carried | undefined;

  constructor(carried?: Carried) {
    this.#carried = carried;
  }

  /** Made only when it is asked for: most requests never go on to anybody. */
  carried(): Carried {
    return this.#carried ??= { traceparent: writeTraceparent({
      traceId: ids.generateTraceId(), parentId: ids.generateSpanId(), isSampled: false,
    }) };
  }
}

/** Whether whoever is carried this may have recorded it. */
export function isSampled({ traceparent }: Carried): boolean {
  return readTraceparent(traceparent)?.isSampled === true;
}
