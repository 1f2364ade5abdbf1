/**
 * What of a request an answer can depend on, as one text: method, URL, the headers that anything
 * behind the listener looks at, and the bytes of the body. Two requests with the same text pass
 * the same gates and are given the same answer, as long as nothing but time has passed.
 *
 * Not in it, and looked at each time instead: the position that the client has seen, the entity
 * tags that it holds, and the content codings that it takes.
 */
import type { ReadRequest } from './request-body.ts';

/** `undefined` for a request with anything unusual about it. */
export type Fingerprint = (request: ReadRequest) => string | undefined;

/** Longer ones are of few clients, and cost more than they save. */
export const FINGERPRINT_LENGTH_MAX = 16 * 1024;

/** What Yoga and its plugins look at, beside the headers that are passed on to subgraphs. */
const HEADERS = ['host', 'content-type', 'accept', 'origin'];

/** No header holds it, and so no two lists of headers have one text. */
const SEPARATOR = '\n';
const ABSENT = '\r';

/** `names` are the request headers, in lower case, that make answers differ. */
export function fingerprintOf(names: readonly string[]): Fingerprint {
  const looked = [...new Set([...HEADERS, ...names])];
  return (request) => {
    const { method, url, headers, rawBody } = request;
    const isKnown = method === 'POST' || (method === 'GET' && rawBody.length === 0);
    if (!isKnown || url === undefined || rawBody.length > FINGERPRINT_LENGTH_MAX) return undefined;
    const { connection } = headers;
    if (connection !== undefined && !isOrdinary(connection)) return undefined;
    if (headers['content-encoding'] !== undefined || hasPreflight(headers)) return undefined;
    let text = method + SEPARATOR + url;
    for (const name of looked) {
      text += SEPARATOR + ((headers[name] as string | undefined) ?? ABSENT);
    }
    return rawBody.length === 0 ? text : text + SEPARATOR + rawBody.toString('latin1');
  };
}

/**
 * What a browser says in a preflight, Yoga repeats to whoever says it, as what is allowed. No
 * browser says it in a request of its own, so it is no part of the text, which is to be short.
 */
function hasPreflight(headers: ReadRequest['headers']): boolean {
  return headers['access-control-request-headers'] !== undefined
    || headers['access-control-request-method'] !== undefined;
}

/** It may name headers that are meant for this hop alone (RFC 9110, section 7.6.1). */
function isOrdinary(connection: string): boolean {
  return /^(keep-alive|close)$/i.test(connection);
}
