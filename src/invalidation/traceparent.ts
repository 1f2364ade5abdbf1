/**
 * Which trace an invalidation is part of, in the words of W3C Trace Context (level 1, section 3.2).
 * A purge on any node can so be laid beside what caused it.
 *
 * It promises that a trace context is never the reason why a message is refused: what cannot be
 * read as one is no trace context, and the message says all that it said without it.
 */
import type { InvalidationMessage } from './message.ts';

/** What a `traceparent` says. */
export interface Traceparent {
  /** 32 hexadecimal digits in lower case, not all 0. */
  readonly traceId: string;
  /** Of the span that it comes from: 16 hexadecimal digits in lower case, not all 0. */
  readonly parentId: string;
  /** Whether its sender may have recorded it. */
  readonly isSampled: boolean;
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;
/** Later versions may say more; nobody's trace needs so much. */
const LENGTH_MAX = 256;

/** Undefined for what has another form. A later version is read as far as it is this one's. */
export function readTraceparent(value: unknown): Traceparent | undefined {
  if (typeof value !== 'string' || value.length > LENGTH_MAX) return undefined;
  const match = FORM.exec(value);
  if (match === null) return undefined;
  const [, version, traceId = '', parentId = '', flags = '', more] = match;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return { traceId, parentId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

export function writeTraceparent({ traceId, parentId, isSampled }: Traceparent): string {
  return `00-${traceId}-${parentId}-${isSampled ? '01' : '00'}`;
}

/**
 * The message with this trace context in its metadata, or as it is: where it bears one already, and
 * where `traceparent` is none or nobody has recorded it.
 */
export function withTraceparent(
  message: InvalidationMessage,
  traceparent: string | undefined,
): InvalidationMessage {
  const { metadata } = message;
  if (metadata?.traceparent !== undefined) return message;
  if (readTraceparent(traceparent)?.isSampled !== true) return message;
  return { ...message, metadata: { ...metadata, traceparent } } as InvalidationMessage;
}
