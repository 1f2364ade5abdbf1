import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeEntry as decode, encodeEntry } from '../../src/cache/entry-codec.ts';
import type { Entry } from '../../src/cache/entry.ts';
import { packValue } from '../../src/cache/packed-value.ts';
import { FORMAT_VERSION } from '../../src/cache/key.ts';
import { digestOf } from '../../src/invalidation/digest.ts';
import { entityTag } from '../../src/invalidation/tag.ts';
import { parsePosition, type Position } from '../../src/invalidation/position.ts';
import { integerBelow, seededRandom } from '../support/seeded-random.ts';
import { entryOf, place } from './samples.ts';

const golden = (name: string): Buffer => {
  const text = readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8');
  return Buffer.from(text.replace(/\s/g, ''), 'hex');
};

const MIB = 1024 * 1024;

/** Of a value that is small, an entry comes at once. */
function decodeEntry(
  bytes: Buffer,
  times: { now: number; heldMs: number; valueBytesMax?: number },
): Entry | undefined {
  return decode(bytes, { valueBytesMax: MIB, ...times }) as Entry | undefined;
}

/** In golden/entry-v2.hex to entry-v5.hex, the last two with its digest; written at 10,000 ms. */
const GOLDEN = entryOf('{"data":{"user":{"name":"Ada \u{1F600}"}}}', {
  tags: ['user:1', 'post', entityTag('Post', 'gid://shop/Post/1', 'comments')],
  stamp: parsePosition('1772366400000-5') as Position,
  readAt: 9_000,
  staleAt: 69_000,
  ttlMs: 60_000,
  slideUntil: 309_000,
  staleWhileRevalidateMs: 5_000,
  staleIfErrorMs: 3_600_000,
  loadMs: 42,
});

describe('the bytes of an entry', () => {
  it('are those that version 2 has always had', () => {
    const expected = golden('entry-v2.hex').toString('hex');
    expect(encodeEntry(GOLDEN, 10_000).toString('hex')).toBe(expected);
  });

  it('are read as version 2 was always read', () => {
    expect(FORMAT_VERSION).toBe(2);
    expect(decodeEntry(golden('entry-v2.hex'), { now: 10_000, heldMs: 0 })).toEqual(GOLDEN);
  });

  it('of version 1 are no entry any more', () => {
    expect(decodeEntry(golden('entry-v1.hex'), { now: 10_000, heldMs: 0 })).toBeUndefined();
  });

  it('hold durations: another clock and the time in between are worked in', () => {
    const bytes = encodeEntry(GOLDEN, 10_000);
    expect(decodeEntry(bytes, { now: 500_000, heldMs: 2_500 })).toMatchObject({
      readAt: 500_000 - 2_500 - 1_000,
      staleAt: 500_000 - 2_500 + 59_000,
      slideUntil: 500_000 - 2_500 + 299_000,
      ttlMs: 60_000,
      staleWhileRevalidateMs: 5_000,
      staleIfErrorMs: 3_600_000,
    });
  });

  it('round fractions of a millisecond so that an entry never seems younger', () => {
    const windows = { staleWhileRevalidateMs: 9.9, staleIfErrorMs: 8.9, slideUntil: 20.9 };
    const entry = entryOf('a', { readAt: 0.4, staleAt: 10.9, ttlMs: 10.5, ...windows });
    const decoded = decodeEntry(encodeEntry(entry, 1), { now: 1, heldMs: 0 });
    expect(decoded).toMatchObject({ readAt: 0, staleAt: 10, ttlMs: 10, slideUntil: 20 });
    expect(decoded).toMatchObject({ staleWhileRevalidateMs: 9, staleIfErrorMs: 8 });
  });

  it('of an entry past its TTL hold what is left of the stale windows', () => {
    const windows = { staleWhileRevalidateMs: 90, staleIfErrorMs: 20 };
    const entry = entryOf('a', { readAt: 0, staleAt: 10, ...windows });
    const decoded = decodeEntry(encodeEntry(entry, 40), { now: 40, heldMs: 0 });
    expect(decoded).toMatchObject({ readAt: 0, staleAt: 40, slideUntil: 40 });
    expect(decoded).toMatchObject({ staleWhileRevalidateMs: 60, staleIfErrorMs: 0 });
  });

  it('begin as verified at the stamp, whatever the writer had verified', () => {
    const bytes = encodeEntry(entryOf('a', { stamp: place(1), verifiedAt: place(9) }), 0);
    expect(decodeEntry(bytes, { now: 0, heldMs: 0 })?.verifiedAt).toBe(place(1));
  });

  it('take a thousand tags and ids of a kilobyte', () => {
    const tags = Array.from({ length: 1_000 }, (_, n) => entityTag('User', `${n}`.padEnd(1_000)));
    const decoded = decodeEntry(encodeEntry(entryOf('a', { tags }), 0), { now: 0, heldMs: 0 });
    expect(decoded?.tags).toEqual(tags);
  });
});

describe('the bytes of an entry whose digest is known', () => {
  const times = { now: 10_000, heldMs: 0 };
  const known = { ...GOLDEN, digest: digestOf(GOLDEN.value) };

  it('are those that version 4 has always had', () => {
    expect(encodeEntry(known, 10_000).toString('hex')).toBe(golden('entry-v4.hex').toString('hex'));
  });

  it('are read as versions 4 and 5 were always read', () => {
    expect(decodeEntry(golden('entry-v4.hex'), times)).toEqual(known);
    expect(decodeEntry(golden('entry-v5.hex'), times)).toEqual(known);
  });

  it('give the digest where the value is packed as well', async () => {
    const value = Buffer.from('{"name":"Ada"},'.repeat(2_000));
    const entry = entryOf(value, { digest: digestOf(value), readAt: 10_000 });
    const bytes = encodeEntry(entry, 10_000, await packValue(value));
    expect(decodeEntry(bytes, times)).toEqual(entry);
  });

  it('give nothing for what would be no digest in a header', () => {
    for (const wrong of ['\r', '"', ' ', '\u{e9}']) {
      const bytes = encodeEntry(known, 10_000);
      bytes.write(wrong, bytes.indexOf(known.digest), 'latin1');
      expect(decodeEntry(bytes, times), JSON.stringify(wrong)).toBeUndefined();
    }
    const shorter = encodeEntry(known, 10_000);
    shorter.writeUInt8(31, shorter.indexOf(known.digest) - 1);
    expect(decodeEntry(shorter, times)).toBeUndefined();
  });

  it('give nothing when cut off anywhere', () => {
    const bytes = encodeEntry(known, 10_000);
    for (let length = 1; length < bytes.indexOf('{'); length += 1) {
      const cut = Buffer.from(bytes.subarray(0, length));
      if (length >= 5) cut.writeUInt32BE(length, 1);
      expect(decodeEntry(cut, times), `the first ${length} bytes`).toBeUndefined();
    }
  });
});

describe('the bytes of an entry whose value is packed', () => {
  const times = { now: 0, heldMs: 0 };
  const value = Buffer.from('{"name":"Ada"},'.repeat(2_000));

  async function packed(of: Buffer, sample = {}): Promise<Buffer> {
    return encodeEntry(entryOf(of, sample), 0, await packValue(of));
  }

  it('are fewer, and give the same entry', async () => {
    const bytes = await packed(value, { tags: ['user:1', 'post'] });
    expect(bytes.length).toBeLessThan(value.length / 4);
    expect(decodeEntry(bytes, times)).toEqual(entryOf(value, { tags: ['user:1', 'post'] }));
  });

  it('are read as version 3 was always read', () => {
    expect(decodeEntry(golden('entry-v3.hex'), { now: 10_000, heldMs: 0 })).toEqual(GOLDEN);
  });

  it('give a large value a little later', async () => {
    const large = Buffer.from('{"name":"Ada"},'.repeat(50_000));
    const reading = decode(await packed(large), { ...times, valueBytesMax: MIB });
    expect(reading).toBeInstanceOf(Promise);
    expect((await reading)?.value.equals(large)).toBe(true);
  });

  it('are not made of what gains nothing by it', async () => {
    const noise = seededRandom('noise');
    const random = Buffer.from(Array.from({ length: 20_000 }, () => integerBelow(noise, 256)));
    expect(await packValue(random)).toBeUndefined();
  });

  it('give nothing for a value that is longer than it may be', async () => {
    const bytes = await packed(value);
    const valueBytesMax = value.length;
    expect(decodeEntry(bytes, { ...times, valueBytesMax })?.value.equals(value)).toBe(true);
    expect(decodeEntry(bytes, { ...times, valueBytesMax: valueBytesMax - 1 })).toBeUndefined();
  });

  it.each([10, 1_000_000])('give nothing where %d bytes are said and others come', async (said) => {
    const bytes = await packed(value);
    bytes.writeUInt32BE(said, bytes.indexOf(uint32(value.length)));
    expect(await decode(bytes, { ...times, valueBytesMax: MIB })).toBeUndefined();
  });

  it('give nothing when cut off anywhere, and never throw, whatever is changed', async () => {
    const bytes = await packed(value);
    for (let length = 1; length < bytes.length; length += 1) {
      const cut = Buffer.from(bytes.subarray(0, length));
      if (length >= 5) cut.writeUInt32BE(length, 1);
      expect(await decode(cut, { ...times, valueBytesMax: MIB })).toBeUndefined();
    }
    for (let at = 0; at < bytes.length; at += 1) {
      const other = Buffer.from(bytes);
      other.writeUInt8((other[at] ?? 0) ^ 0x55, at);
      await decode(other, { ...times, valueBytesMax: MIB });
    }
  });
});

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

describe('bytes that are no entry', () => {
  const bytes = encodeEntry(GOLDEN, 10_000);
  const read = (other: Buffer): unknown => decodeEntry(other, { now: 10_000, heldMs: 0 });

  it('give nothing when cut off anywhere, or with something after them', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(read(bytes.subarray(0, length)), `the first ${length} bytes`).toBeUndefined();
    }
    expect(read(Buffer.concat([bytes, Buffer.from([0])]))).toBeUndefined();
  });

  it('give nothing for another version', () => {
    const other = Buffer.from(bytes);
    for (const version of [0, 1, 6, 255]) {
      other.writeUInt8(version, 0);
      expect(read(other)).toBeUndefined();
    }
  });

  it('give nothing for what other programs leave: text, JSON, noise', () => {
    const noise = seededRandom('noise');
    expect(read(Buffer.from('{"id":1}'))).toBeUndefined();
    for (let round = 0; round < 500; round += 1) {
      const length = integerBelow(noise, 200);
      const other = Buffer.from(Array.from({ length }, () => integerBelow(noise, 256)));
      if (length > 0 && noise() < 0.5) other.writeUInt8(FORMAT_VERSION, 0);
      expect(read(other)).toBeUndefined();
    }
  });

  it('never throw, whichever single byte is changed', () => {
    for (let at = 0; at < bytes.length; at += 1) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const other = Buffer.from(bytes);
        other.writeUInt8(value, at);
        expect(() => read(other)).not.toThrow();
      }
    }
  });

  const untagged = ['User:1', 'a b', 'user:*', '', '/x/', 'user:%zz'];

  it.each(untagged)('give nothing for the tag %j', (text) => {
    const other = encodeEntry(entryOf('v', { tags: ['x'.repeat(text.length || 1)] }), 0);
    const at = other.length - 'v'.length - (text.length || 1);
    if (text === '') {
      const empty = Buffer.concat([other.subarray(0, at - 4), Buffer.alloc(4), Buffer.from('xv')]);
      expect(read(empty)).toBeUndefined();
      return;
    }
    other.write(text, at);
    expect(read(other)).toBeUndefined();
  });

  it('give nothing for a tag that is no UTF-8, and for a stamp that is none', () => {
    const tagged = encodeEntry(entryOf('v', { tags: ['xx'] }), 0);
    tagged.writeUInt16BE(0xc328, tagged.length - 3);
    expect(read(tagged)).toBeUndefined();
    const stamped = Buffer.from(bytes);
    stamped.write('x', stamped.indexOf('1772366400000-5'));
    expect(read(stamped)).toBeUndefined();
  });

  it('give nothing where the time that they were held makes no sense', () => {
    for (const heldMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(decodeEntry(bytes, { now: 10_000, heldMs })).toBeUndefined();
    }
  });
});

describe('what is no entry', () => {
  it('is refused when it is to be written: that is a bug of ours', () => {
    const backwards = { ...entryOf('a'), staleAt: -1 };
    expect(() => encodeEntry(backwards, 0)).toThrow('read, then stale');
    const tagless = { ...entryOf('a'), tags: ['Not A Tag' as never] };
    expect(() => encodeEntry(tagless, 0)).toThrow('are tags');
    const endless = { ...entryOf('a'), staleIfErrorMs: Number.POSITIVE_INFINITY };
    expect(() => encodeEntry(endless, 0)).toThrow('has an end');
    const timeless = { ...entryOf('a'), stamp: 'x' as Position, verifiedAt: 'x' as Position };
    expect(() => encodeEntry(timeless, 0)).toThrow('wire form');
  });
});
