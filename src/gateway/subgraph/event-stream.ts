/**
 * Server-sent events (HTML, section 9.2) as the executor can read them: whole events, with LF line
 * ends, so that no character is cut in two by the network, and each of a bounded size.
 */

/** A stream of bytes in which every chunk is one or more whole events. */
export function wholeEvents(
  body: ReadableStream<Uint8Array>,
  eventBytesMax: number,
): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = '';
  const transform = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      rest += decoder.decode(chunk, { stream: true });
      // A CR at the very end may be the first half of a CRLF.
      const held = rest.endsWith('\r') ? 1 : 0;
      const text = rest.slice(0, rest.length - held).replaceAll(/\r\n?/g, '\n');
      const end = text.lastIndexOf('\n\n') + 2;
      if (end > 1) controller.enqueue(encoder.encode(text.slice(0, end)));
      rest = (end > 1 ? text.slice(end) : text) + (held === 1 ? '\r' : '');
      if (rest.length > eventBytesMax) {
        controller.error(new Error(`An event of at most ${eventBytesMax} bytes was required`));
      }
    },
  });
  return body.pipeThrough(transform);
}
