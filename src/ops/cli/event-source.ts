/** Server-sent events (HTML, section 9.2) as a command reads them: those of the operators. */
import { wholeEvents } from '../../gateway/subgraph/event-stream.ts';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { within } from '../../invalidation/within.ts';

export interface ServerSentEvent {
  readonly name: string;
  /** Parsed. */
  readonly data: unknown;
}

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
        const event = parse(block);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Undefined for a comment. */
function parse(block: string): ServerSentEvent | undefined {
  const field = (name: string): string | undefined => block.split('\n')
    .find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const [name, data] = [field('event'), field('data')];
  if (name === undefined || data === undefined) return undefined;
  return { name, data: JSON.parse(data) as unknown };
}
