/**
 * Traces of this process: listens to the channels of the core, and hands the spans that come of it
 * to a collector (OpenTelemetry, by OTLP over HTTP). docs/tracing.md tells what there is to see.
 *
 * It promises: no request fails or waits because of a trace; what cannot be exported is dropped,
 * from a bounded queue, and said in the log once a minute; and no attribute holds a key, a tag, a
 * token, a variable or a piece of an answer.
 */
import { randomUUID } from 'node:crypto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler, BasicTracerProvider, BatchSpanProcessor, type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Clock, Millis, Random } from '../../invalidation/clock.ts';
import { within } from '../../invalidation/within.ts';
import type { Logger } from '../logger.ts';
import { purgeSpans } from './purge-spans.ts';
import { requestSpans } from './request-spans.ts';
import { Sampling } from './sampling.ts';
import { Spans } from './spans.ts';
import { guardWith, type Subscription } from './subscription.ts';
import { WatchedExporter } from './watched-exporter.ts';
import { workSpans } from './work-spans.ts';

export interface TracingOptions {
  readonly config: FreshetConfig['tracing'];
  /** Of this program. */
  readonly version: string;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Default: to `config.endpoint`. */
  readonly exporter?: SpanExporter;
}

/** What has not been exported by then, when the process ends, is not. */
const FLUSH_MS_MAX: Millis = 2_000;
/** Of what clients may say: the name of an operation. */
const ATTRIBUTE_LENGTH_MAX = 256;

export class Tracing {
  readonly #options: TracingOptions;
  readonly #provider: BasicTracerProvider;
  readonly #subscriptions: readonly Subscription[];

  constructor(options: TracingOptions) {
    const { config, log, clock, random, version } = options;
    this.#options = options;
    const { sampleRatio: ratio, perSecondMax } = config;
    this.#provider = new BasicTracerProvider({
      resource: resourceOf(options),
      // A span is begun only once it is clear that it is recorded: sampling.ts.
      sampler: new AlwaysOnSampler(),
      spanLimits: { attributeValueLengthLimit: ATTRIBUTE_LENGTH_MAX },
      spanProcessors: [new BatchSpanProcessor(exporterOf(options))],
    });
    const tracer = this.#provider.getTracer('freshet-gateway', version);
    const spans = new Spans({
      tracer, sampling: new Sampling({ ratio, perSecondMax, clock, random }),
    });
    const guard = guardWith((error) => log.error({ error }, 'unexpected error in a trace'));
    this.#subscriptions = [
      requestSpans(spans, guard), workSpans(spans, guard), purgeSpans(spans, guard),
    ];
  }

  /** From here on spans are made. */
  start(): void {
    for (const one of this.#subscriptions) one.start();
  }

  /** Resolves when what has been recorded is exported; spans may yet be made. */
  flush(): Promise<void> {
    return this.#provider.forceFlush();
  }

  /** Ends it, and exports what has been recorded, for at most 2 s. Does not reject. */
  async close(): Promise<void> {
    const { clock, log } = this.#options;
    for (const one of this.#subscriptions) one.stop();
    try {
      await within(this.#provider.shutdown(), { timeoutMs: FLUSH_MS_MAX, clock });
    } catch {
      log.warn('the last spans could not be exported');
    }
  }
}

/** A name that stands in the configuration goes before one of the environment. */
function resourceOf({ config, version }: TracingOptions) {
  const { serviceName } = config;
  const own = resourceFromAttributes({
    'service.name': 'freshet',
    'service.version': version,
    'service.instance.id': randomUUID(),
  });
  const named = resourceFromAttributes(serviceName === undefined ? {} : {
    'service.name': serviceName,
  });
  return own.merge(detectResources({ detectors: [envDetector] })).merge(named);
}

function exporterOf({ config, log, clock, exporter }: TracingOptions): SpanExporter {
  const { endpoint } = config;
  const url = endpoint === undefined ? {} : { url: tracesUrl(endpoint) };
  return new WatchedExporter(exporter ?? new OTLPTraceExporter(url), { log, clock });
}

/** OTLP, section on OTLP/HTTP: the path of traces is put after that of the endpoint. */
function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint);
  if (!url.pathname.endsWith(TRACES_PATH)) {
    url.pathname = `${url.pathname.replace(/\/+$/, '')}${TRACES_PATH}`;
  }
  return url.href;
}

const TRACES_PATH = '/v1/traces';
