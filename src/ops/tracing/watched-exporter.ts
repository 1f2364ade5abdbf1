/** Exports spans, and says in the log, at most once a minute, that some could not be exported. */
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import type { Logger } from '../logger.ts';

type Done = Parameters<SpanExporter['export']>[1];

const WARN_EVERY_MS: Millis = 60_000;

export class WatchedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #clock: Clock;
  #warnedAt: Millis | undefined;
  #lost = 0;

  constructor(
    exporter: SpanExporter,
    { log, clock }: { log: Pick<Logger, 'warn'>; clock: Clock },
  ) {
    this.#exporter = exporter;
    this.#log = log;
    this.#clock = clock;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#exporter.export(spans, (result) => {
      if (result.code !== 0) this.#failed(spans.length, result.error);
      done(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  /** The message of the error is left out: it quotes what the collector has answered. */
  #failed(spans: number, error: Error | undefined): void {
    this.#lost += spans;
    const now = this.#clock.now();
    if (this.#warnedAt !== undefined && now - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = now;
    const { code, name } = (error ?? {}) as { code?: string | number; name?: string };
    this.#log.warn({ lost: this.#lost, reason: code ?? name }, 'spans could not be exported');
  }
}
