/**
 * Large values in fewer bytes, for Redis and the way there and back: zstd (RFC 8878) at its fastest
 * common level. To pack is done by the threads of the process. To unpack, what is small is not
 * worth the way to a thread and back; the rest goes there too, so that nobody waits behind it.
 */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import type { Awaitable } from './store.ts';

const LEVEL = 1;
/** Less to gain is not worth the unpacking. */
const RATIO_MAX = 0.9;
/** Up to here it is unpacked at once: some 0.1 ms. */
const AT_ONCE_BYTES_MAX = 128 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Undefined where there is not enough to gain. Never rejects. */
export async function packValue(value: Buffer): Promise<Buffer | undefined> {
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };
  const packed = await compress(value, { params }).catch(() => undefined);
  return packed !== undefined && packed.length <= value.length * RATIO_MAX ? packed : undefined;
}

/** The value, if it has that length; undefined for what `packValue` did not give. Never rejects. */
export function unpackValue(packed: Buffer, length: number): Awaitable<Buffer | undefined> {
  // One more, so that all of it comes in one piece and what is longer is noticed.
  const options = { maxOutputLength: length + 1, chunkSize: Math.max(64, length + 1) };
  const checked = (value: Buffer): Buffer | undefined =>
    value.length === length ? value : undefined;
  if (length > AT_ONCE_BYTES_MAX) {
    return decompress(packed, options).then(checked, () => undefined);
  }
  try {
    return checked(zstdDecompressSync(packed, options));
  } catch {
    return undefined;
  }
}
