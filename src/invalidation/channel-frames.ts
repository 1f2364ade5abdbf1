/**
 * Takes the messages of one channel out of what Redis sends to a listener, and leaves the rest to
 * the client, which takes ten times as long for each message: what one may not take in a storm.
 *
 * It promises: each byte goes one way, in its order, however it was cut on the way; and what is
 * not understood is left to the client.
 */
import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';

export interface ChannelFramesOptions {
  readonly channel: string;
  /**
   * Whether the payload between the two places is of no use: most are, and to make an object of
   * each would take longer than all the rest. Default: none is.
   */
  readonly isIdle?: (bytes: Buffer, begin: number, end: number) => boolean;
  /** Messages came, of which these are of use; they are valid during the call. */
  readonly onPayloads: (payloads: readonly Buffer[]) => void;
  /** Whole frames that are no messages of the channel; what came before was told before. */
  readonly onOther: (bytes: Buffer) => void;
}

/**
 * From its next connection on, `client` hears no message of the channel; `onPayloads` does. Does
 * nothing where the client reads its socket otherwise than is known: it then tells them itself.
 */
export function takeMessages(
  client: Redis,
  options: Omit<ChannelFramesOptions, 'onOther'>,
): void {
  // The client has begun to read then, and nothing has come yet.
  client.on('connect', () => {
    const { stream } = client;
    const [parse, ...others] = stream.listeners('data') as ((bytes: Buffer) => void)[];
    if (parse === undefined || others.length > 0) return;
    const frames = new ChannelFrames({ ...options, onOther: parse });
    stream.on('data', (chunk: Buffer) => frames.read(chunk));
    stream.off('data', parse);
  });
}

export class ChannelFrames {
  readonly #options: ChannelFramesOptions;
  /** Of a message, between the first byte and the length of its payload (RESP2 and RESP3). */
  readonly #head: Buffer;
  /** The beginning of a frame whose end has not come yet. */
  #parts: Buffer[] = [];
  #length = 0;
  #payloads: Buffer[] = [];
  /** Messages that came and are not told of yet. */
  #untold = 0;
  /** It cannot be whole before there are so many bytes of it. */
  #lengthMin = 0;

  constructor(options: ChannelFramesOptions) {
    const { channel } = options;
    this.#options = options;
    const length = Buffer.byteLength(channel);
    this.#head = Buffer.from(`3\r\n$7\r\nmessage\r\n$${length}\r\n${channel}\r\n$`);
  }

  read(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#lengthMin) return;
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    const end = this.#readAll(bytes);
    this.#parts = end < bytes.length ? [bytes.subarray(end)] : [];
    this.#length = bytes.length - end;
  }

  assertInvariants(): void {
    const length = this.#parts.reduce((sum, part) => sum + part.length, 0);
    assert(length === this.#length, 'what is kept is counted');
  }

  /** Where the first frame begins that is not whole. */
  #readAll(bytes: Buffer): number {
    let [at, otherFrom] = [0, 0];
    this.#lengthMin = 0;
    while (at < bytes.length) {
      const isMessage = this.#isMessage(bytes, at);
      const end = isMessage ? this.#readMessage(bytes, at, otherFrom) : endOfFrame(bytes, at);
      if (end === undefined) break;
      at = end;
      if (isMessage) otherFrom = end;
    }
    this.#passOn(bytes, otherFrom, at);
    this.#tell();
    return at;
  }

  #isMessage(bytes: Buffer, start: number): boolean {
    const first = bytes[start];
    if (first !== PUSH && first !== ARRAY) return false;
    const head = this.#head;
    for (let at = 0; at < head.length; at += 1) {
      if (bytes[start + 1 + at] !== head[at]) return false;
    }
    return true;
  }

  /** Where it ends; undefined where it is not whole. */
  #readMessage(bytes: Buffer, start: number, otherFrom: number): number | undefined {
    let at = start + 1 + this.#head.length;
    let length = 0;
    for (; bytes[at] !== RETURN; at += 1) {
      const digit = bytes[at];
      if (digit === undefined) return undefined;
      length = length * 10 + (digit - ZERO);
    }
    const begin = at + 2;
    const end = begin + length + 2;
    if (end > bytes.length) {
      this.#lengthMin = end - start;
      return undefined;
    }
    this.#passOn(bytes, otherFrom, start);
    this.#untold += 1;
    if (this.#options.isIdle?.(bytes, begin, begin + length) !== true) {
      this.#payloads.push(bytes.subarray(begin, begin + length));
    }
    return end;
  }

  #passOn(bytes: Buffer, from: number, to: number): void {
    if (from >= to) return;
    this.#tell();
    this.#options.onOther(bytes.subarray(from, to));
  }

  #tell(): void {
    if (this.#untold === 0) return;
    const payloads = this.#payloads;
    this.#payloads = [];
    this.#untold = 0;
    this.#options.onPayloads(payloads);
  }
}

const [ZERO, RETURN] = [0x30, 0x0d];
const [ARRAY, PUSH, SET, MAP, ATTRIBUTE] = [0x2a, 0x3e, 0x7e, 0x25, 0x7c];
const [BLOB, VERBATIM, BLOB_ERROR] = [0x24, 0x3d, 0x21];

/**
 * Where the frame that begins at `start` ends; undefined where it is not whole.
 * https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
 */
function endOfFrame(bytes: Buffer, start: number): number | undefined {
  let at = start;
  for (let open = 1; open > 0; open -= 1) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const type = bytes[at];
    const count = Number(bytes.toString('latin1', at + 1, lineEnd));
    at = lineEnd + 2;
    // Null, as RESP2 writes it, is a text or an array of the length -1.
    const isThere = count >= 0;
    if (isThere && isText(type)) at += count + 2;
    else if (isThere && (type === ARRAY || type === PUSH || type === SET)) open += count;
    else if (isThere && type === MAP) open += 2 * count;
    else if (isThere && type === ATTRIBUTE) open += 2 * count + 1;
  }
  return at <= bytes.length ? at : undefined;
}

function isText(type: number | undefined): boolean {
  return type === BLOB || type === VERBATIM || type === BLOB_ERROR;
}
