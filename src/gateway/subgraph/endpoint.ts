/**
 * Where an HTTP service is. Credentials that stand in its URL become a header, so that what is
 * shown in a message, a log or a metric holds no secret.
 */
import { fault } from '../../invalidation/errors.ts';

export interface Endpoint {
  /** Without user and password: what is requested. */
  readonly url: string;
  /** Without credentials, query and fragment: what people are shown. */
  readonly shown: string;
  /** `authorization` by HTTP Basic (RFC 7617) where the URL had a user; else empty. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The endpoint at `text`, which is part of the supergraph and belongs to `owner`.
 *
 * @throws SUPERGRAPH_UNAVAILABLE where it is no URL that can be requested.
 */
export function endpointOf(text: string, owner: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  const got = text === '' ? 'none' : 'another text';
  const reason = `an absolute http or https URL was required, got ${got}`;
  throw fault('SUPERGRAPH_UNAVAILABLE', { source: owner, reason });
}

/** Reads an absolute `http:` or `https:` URL; `undefined` where it is none. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  const headers = basicAuthorization(url);
  url.username = '';
  url.password = '';
  url.hash = '';
  return { url: url.href, shown: `${url.origin}${url.pathname}`, headers };
}

function basicAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = `${decodePart(username)}:${decodePart(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A stray `%` is legal in a URL's password, and means itself. */
function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
