/** Values have memory of their own: a part of something larger would keep all of that. */

/** What was unpacked has a byte to spare. */
const SPARE_BYTES = 16;

/** The value itself where it has its memory to itself, and else a copy. */
export function withOwnMemory(value: Buffer): Buffer {
  if (value.buffer.byteLength - value.byteLength <= SPARE_BYTES) return value;
  const copy = Buffer.allocUnsafeSlow(value.byteLength);
  value.copy(copy);
  return copy;
}

/** The UTF-8 of a text that is to be held: what `Buffer.from` gives may share its memory. */
export function ownBytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
