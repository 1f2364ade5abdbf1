/** The codings that answers of subgraphs may come in (RFC 9110, section 8.4.1). */
import { pipeline, type Duplex, type Readable } from 'node:stream';
import {
  constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress,
} from 'node:zlib';

/** For `accept-encoding`. */
export const CODINGS_TAKEN = 'br, gzip';

/** A body that was cut short by its connection is told by that. */
const LENIENT = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };

const DECODERS: Readonly<Record<string, () => Duplex>> = {
  br: () => createBrotliDecompress(),
  deflate: () => createInflate(LENIENT),
  gzip: () => createGunzip(LENIENT),
  'x-gzip': () => createGunzip(LENIENT),
  zstd: () => createZstdDecompress(),
};

/** More of them are no answer but an attack. */
const CODINGS_MAX = 5;

/**
 * The content of `body`, which is coded by what `header` lists, the last coding outermost; as it
 * is where one of them is not known. `fail` is told where it cannot be decoded.
 */
export function decoded(
  body: Readable,
  header: string,
  fail: (error: Error) => void,
): Readable {
  const codings = header.toLowerCase().split(',').map((name) => name.trim()).reverse();
  const coded = codings.filter((name) => name !== '' && name !== 'identity');
  const makers = coded.slice(0, CODINGS_MAX + 1).map((name) => DECODERS[name]);
  const known = makers.filter((make) => make !== undefined);
  if (known.length === 0 || known.length < makers.length || known.length > CODINGS_MAX) return body;
  const decoders = known.map((make) => make());
  pipeline([body, ...decoders], (error) => {
    if (error) fail(error);
  });
  return decoders.at(-1) as Duplex;
}
