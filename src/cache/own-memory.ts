/** Values have memory of their own: a part of something larger would keep all of that. */

/** What was unpacked has a byte to spare. */
const SPARE_BYTES = 16;
const SMALL_LENGTH = 512;

/** The value itself where it has its memory to itself, and else a copy. */
export function withOwnMemory(value: Buffer): Buffer {
  if (value.buffer.byteLength - value.byteLength <= SPARE_BYTES) return value;
  const copy = Buffer.allocUnsafeSlow(value.byteLength);
  value.copy(copy);
  return copy;
}

/**
 * The bytes of a text that is to be stored. Those of a small one share their memory, which is made
 * in a tenth of the time: a store that holds it makes a text of it, or a copy.
 */
export function bytesToStore(text: string): Buffer {
  return text.length <= SMALL_LENGTH ? Buffer.from(text) : ownBytesOf(text);
}

/** The bytes of a text that are to be held: what `Buffer.from` gives may share its memory. */
export function ownBytesOf(text: string, encoding: 'utf8' | 'latin1' = 'utf8'): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text, encoding));
  bytes.write(text, encoding);
  return bytes;
}
