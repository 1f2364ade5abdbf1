import { describe, expect, it } from 'vitest';
import { PgoutputReader } from '../../../../src/ops/sources/postgres/pgoutput.ts';

function int(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const letter = (value: string): Buffer => Buffer.from(value, 'latin1');

function relation(id: number, columns: readonly [string, number][], identity = 'd'): Buffer {
  return Buffer.concat([
    letter('R'), int(id, 4), text('public'), text('users'), letter(identity),
    int(columns.length, 2),
    ...columns.flatMap(([name, flags]) => [int(flags, 1), text(name), int(25, 4), int(0, 4)]),
  ]);
}

function tuple(...values: readonly (string | null | undefined)[]): Buffer {
  return Buffer.concat([int(values.length, 2), ...values.map((value) => {
    if (value === null) return letter('n');
    if (value === undefined) return letter('u');
    return Buffer.concat([letter('t'), int(Buffer.byteLength(value), 4), Buffer.from(value)]);
  })]);
}

describe('PgoutputReader', () => {
  const reader = new PgoutputReader();
  const defined = relation(7, [['id', 1], ['name', 0]]);

  it('reads rows of a table that was defined before', () => {
    expect(reader.read(defined)).toEqual({ kind: 'other' });
    const insert = reader.read(
      Buffer.concat([letter('I'), int(7, 4), letter('N'), tuple('a \u00fc', null)]));
    if (insert.kind !== 'insert') throw new Error('an insert was expected');
    expect(insert.relation).toEqual({
      schema: 'public', name: 'users',
      columns: [{ name: 'id', isIdentity: true }, { name: 'name', isIdentity: false }],
    });
    expect([0, 1, 2].map((at) => insert.after.value(at))).toEqual(['a \u00fc', null, undefined]);
  });

  it('reads an update with its old key, with the old row, and with neither', () => {
    const update = (...parts: readonly Buffer[]) => {
      const change = reader.read(Buffer.concat([letter('U'), int(7, 4), ...parts]));
      if (change.kind !== 'update') throw new Error('an update was expected');
      return [change.before?.value(0), change.after.value(0), change.after.value(1)];
    };
    const after = Buffer.concat([letter('N'), tuple('b', undefined)]);
    expect(update(letter('K'), tuple('a', null), after)).toEqual(['a', 'b', undefined]);
    expect(update(letter('O'), tuple('a', 'x'), after)).toEqual(['a', 'b', undefined]);
    expect(update(after)).toEqual([undefined, 'b', undefined]);
  });

  it('reads the place after a transaction', () => {
    const commit = Buffer.concat([
      letter('C'), int(0, 1), Buffer.alloc(8), Buffer.from('00000001000000ff', 'hex'),
      Buffer.alloc(8),
    ]);
    expect(reader.read(commit)).toEqual({ kind: 'commit', end: 0x1_0000_00ffn });
  });

  it('throws for whatever it cannot read, at each length', () => {
    const row = Buffer.concat([letter('I'), int(7, 4), letter('N'), tuple('a', 'b')]);
    for (let length = 0; length < row.length; length += 1) {
      expect(() => reader.read(row.subarray(0, length)), `${length} bytes`).toThrow();
    }
    for (let length = 1; length < defined.length; length += 1) {
      expect(() => new PgoutputReader().read(defined.subarray(0, length))).toThrow();
    }
    expect(() => reader.read(letter('Z'))).toThrow('version 1');
    const unknown = Buffer.concat([letter('D'), int(8, 4), letter('K'), tuple('a')]);
    expect(() => reader.read(unknown)).toThrow('defined before');
    const binary = Buffer.concat([letter('I'), int(7, 4), letter('N'), int(1, 2), letter('b')]);
    expect(() => reader.read(binary)).toThrow('a value as text');
  });
});
