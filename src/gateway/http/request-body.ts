/**
 * Reads the body of a request whole before anybody looks at it, and never holds more of it than is
 * allowed: what is declared too large is refused unread, what turns out to be is refused as soon
 * as it is.
 */
import { isUtf8 } from 'node:buffer';
import { IncomingMessage } from 'node:http';
import { fault, type FreshetError } from '../../invalidation/errors.ts';
import { invalidRequest } from './refusal.ts';
import type { Arrival } from './repeat.ts';

/** A request whose body has been read. */
export interface ReadRequest extends IncomingMessage {
  /** The whole body; empty where there was none. Hono's adapter takes it from here. */
  readonly rawBody: Buffer;
  /** Where it came in one piece, and may be answered unread when it comes again. */
  readonly arrival?: Arrival | undefined;
  /** The body, in the form in which Yoga takes it over without a copy or a stream. */
  readonly body: BytesView;
  /** What tells it from others, once that has been worked out (`fingerprint.ts`). */
  fingerprint?: string | undefined;
}

/**
 * As much of a typed array as Yoga looks at. Not the Buffer itself: Yoga counts the enumerable
 * keys of a body, of which a Buffer has one for each byte.
 */
export interface BytesView {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly [Symbol.toStringTag]: 'Uint8Array';
}

const EMPTY = Buffer.alloc(0);

/** The requests of a server whose bodies are read here: made so, they keep one shape throughout. */
export class IncomingRequest extends IncomingMessage implements ReadRequest {
  rawBody: Buffer = EMPTY;
  arrival: Arrival | undefined = undefined;
  fingerprint: string | undefined = undefined;

  get body(): BytesView {
    const { buffer, byteOffset, byteLength } = this.rawBody;
    return { buffer, byteOffset, byteLength, [Symbol.toStringTag]: 'Uint8Array' };
  }
}

/** How it ended. Exactly one is called, or none where the client went away. */
export interface BodyOutcome {
  readonly done: (request: ReadRequest) => void;
  readonly refused: (error: FreshetError) => void;
}

/**
 * So much of a refused body is read and dropped, as a multiple of what is allowed: a client that
 * is still sending reads our answer only afterwards. Then its connection is cut.
 */
const DISCARD_FACTOR = 16;

/** Calls `outcome.done` at once, in the same turn, where the request has no body. */
export function readBody(request: IncomingRequest, bytesMax: number, outcome: BodyOutcome): void {
  const { headers } = request;
  const declared = Number(headers['content-length'] ?? 0);
  const chunked = headers['transfer-encoding'] !== undefined;
  if (declared === 0 && !chunked) {
    outcome.done(request);
  } else if (declared > bytesMax) {
    outcome.refused(fault('BODY_TOO_LARGE', { bytesMax, got: declared }));
    discard(request, bytesMax * DISCARD_FACTOR);
  } else {
    process.nextTick(readArrived, request, { bytesMax, declared, outcome });
  }
}

/**
 * Most bodies come in one packet with their head, and so lie there whole when the parser has gone
 * on from the head: they are taken as they lie, which costs less than to be told of them.
 */
function readArrived(
  request: IncomingRequest,
  { bytesMax, declared, outcome }: { bytesMax: number; declared: number; outcome: BodyOutcome },
): void {
  const isWhole = declared > 0 && request.readableLength === declared;
  const bytes = isWhole ? (request.read() as Buffer | null) : null;
  if (bytes === null) collect(request, bytesMax, outcome);
  else finish(request, bytes, outcome);
}

function collect(request: IncomingRequest, bytesMax: number, outcome: BodyOutcome): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    if (length <= bytesMax) {
      chunks.push(chunk);
      return;
    }
    chunks.length = 0;
    request.off('data', onData).off('end', onEnd);
    outcome.refused(fault('BODY_TOO_LARGE', { bytesMax, got: 'more' }));
    discard(request, bytesMax * DISCARD_FACTOR);
  };
  const onEnd = (): void => {
    const [only] = chunks;
    finish(request, chunks.length === 1 && only ? only : Buffer.concat(chunks, length), outcome);
  };
  request.on('data', onData).on('end', onEnd);
}

function finish(request: IncomingRequest, bytes: Buffer, outcome: BodyOutcome): void {
  request.rawBody = bytes;
  // JSON between programs is UTF-8 (RFC 8259, section 8.1). Readers would mend it silently.
  if (isUtf8(bytes)) outcome.done(request);
  else outcome.refused(invalidRequest('A body in UTF-8', 'other bytes'));
}

function discard(request: IncomingMessage, bytesMax: number): void {
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > bytesMax) request.destroy();
  });
}
