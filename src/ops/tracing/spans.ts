/**
 * Begins spans where they belong. A trace begins with a request or with a purge, and with nothing
 * else. A place holds for all that is done on its account, also when that is done later.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  createTraceState, isSpanContextValid, ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags,
  type Attributes, type Context, type Span, type SpanContext, type SpanKind, type Tracer,
} from '@opentelemetry/api';
import { readTraceparent } from '../../invalidation/traceparent.ts';
import { RecordedPlace, UnrecordedPlace, type Carried, type Place } from './place.ts';
import type { Sampling } from './sampling.ts';

export interface Beginning {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

export class Spans {
  readonly store = new AsyncLocalStorage<Place>();
  readonly #tracer: Tracer;
  readonly #sampling: Sampling;

  constructor({ tracer, sampling }: { tracer: Tracer; sampling: Sampling }) {
    this.#tracer = tracer;
    this.#sampling = sampling;
  }

  /**
   * A span for a request that comes from outside. `carried`: what it says of its trace. Undefined
   * for one that is not recorded, and of which there is nothing to be passed on.
   */
  ofRequest(
    beginning: () => Beginning,
    { carried, mayBegin }: { carried: Carried | undefined; mayBegin: boolean },
  ): Place | undefined {
    const from = carried && spanContextOf(carried);
    if (from === undefined && !(mayBegin && this.#sampling.begins())) {
      // The place of another request would go on to hold for this one.
      return this.store.getStore() && new UnrecordedPlace();
    }
    if (from !== undefined && !this.#goesOn(from)) return new UnrecordedPlace(carried);
    const context = from === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, from);
    const span = this.#begin(beginning(), context);
    return new RecordedPlace(span, span);
  }

  /** A span below the one in which the code runs, if that is recorded. */
  below(beginning: () => Beginning): Place {
    const place = this.store.getStore();
    if (place?.context === undefined) return place ?? new UnrecordedPlace();
    return new RecordedPlace(this.#begin(beginning(), place.context), place.request);
  }

  /** A span of a trace of its own, linked to another; undefined where that is not recorded. */
  linked(beginning: () => Beginning, to: unknown): Span | undefined {
    const context = typeof to === 'string' ? spanContextOf({ traceparent: to }) : undefined;
    if (context === undefined || !this.#goesOn(context)) return undefined;
    const { name, ...options } = beginning();
    return this.#tracer.startSpan(name, { ...options, links: [{ context }] }, ROOT_CONTEXT);
  }

  #goesOn({ traceFlags }: SpanContext): boolean {
    return (traceFlags & TraceFlags.SAMPLED) !== 0 && this.#sampling.goesOn();
  }

  #begin({ name, ...options }: Beginning, context: Context): Span {
    return this.#tracer.startSpan(name, options, context);
  }
}

/** Ends with what it failed with, as a code that says nothing of the data. */
export function fail(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The code of an error where it has one, else its class. */
export function errorTypeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.constructor.name;
}

/** A `tracestate` without a readable `traceparent` says nothing (W3C Trace Context, 4.3). */
function spanContextOf({ traceparent, tracestate }: Carried): SpanContext | undefined {
  const read = readTraceparent(traceparent);
  if (read === undefined) return undefined;
  const context: SpanContext = {
    traceId: read.traceId,
    spanId: read.parentId,
    traceFlags: read.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
  return isSpanContextValid(context) ? context : undefined;
}
