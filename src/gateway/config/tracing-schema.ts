/** Where traces go, and how many there are. */
import { z } from 'zod';

const about = (description: string) => ({ description });

export const tracingOptions = {
  tracing: z.strictObject({
    endpoint: z.string()
      .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))
      .optional()
      .meta({
        description: 'Collector that takes OTLP over HTTP; `/v1/traces` is put after it. '
          + 'Default `OTEL_EXPORTER_OTLP_ENDPOINT`; without either nothing is traced.',
        required: 'an http or https URL',
      }),
    sampleRatio: z.number().min(0).max(1).default(0.1).meta(about(
      'Share of the requests that are recorded, of those that bear no `traceparent`.',
    )),
    perSecondMax: z.int().min(1).max(100_000).default(100)
      .meta(about('So many traces a second are recorded in each process at most.')),
    serviceName: z.string().trim().min(1).optional()
      .meta(about('`service.name` of the spans. Default `OTEL_SERVICE_NAME`, or else `freshet`.')),
  }).prefault({}).meta(about('Traces by OpenTelemetry.')),
};
