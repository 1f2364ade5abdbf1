/** The events of the operators' listener, as a command reads them. */
import { wholeEvents } from '../../gateway/subgraph/event-stream.ts';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { within } from '../../invalidation/within.ts';
import { eventOf, type ServerSentEvent } from '../server-sent-event.ts';

/** Larger than any that the operators' listener sends. */
const EVENT_BYTES_MAX = 2 ** 20;

/**
 * The events of `body`, in order. Ends as it does; throws where the connection breaks, and where
 * nothing comes for `silenceMsMax`, a heartbeat neither.
 */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  { clock, silenceMsMax }: { clock: Clock; silenceMsMax: Millis },
): AsyncGenerator<ServerSentEvent> {
  const reader = wholeEvents(body, EVENT_BYTES_MAX).getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), { timeoutMs: silenceMsMax, clock });
      if (done) return;
      for (const block of decoder.decode(value).split('\n\n')) {
        const event = eventOf(block);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
