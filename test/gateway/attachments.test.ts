import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Attachments } from '../../src/gateway/attachments.ts';

describe('what is attached to an object', () => {
  it('is found there, and is replaced by what comes later', () => {
    const attachments = new Attachments<object, number>('count');
    const owner = {};
    expect(attachments.get(owner)).toBeUndefined();
    attachments.set(owner, 1);
    attachments.set(owner, 2);
    expect(attachments.get(owner)).toBe(2);
  });

  it('is apart from what others have attached under the same name', () => {
    const [one, two] = [new Attachments<object, string>('x'), new Attachments<object, string>('x')];
    const owner = {};
    one.set(owner, 'of one');
    expect(two.get(owner)).toBeUndefined();
    two.set(owner, 'of two');
    expect([one.get(owner), two.get(owner)]).toEqual(['of one', 'of two']);
  });

  it.each<[string, (owner: object) => object]>([
    ['a copy', (owner) => ({ ...owner })],
    ['a copy of all members', (owner) => Object.defineProperties(
      {}, Object.getOwnPropertyDescriptors(owner),
    )],
    ['what inherits', (owner) => Object.create(owner) as object],
  ])('is not found on %s, which may have its own', (_, made) => {
    const attachments = new Attachments<object, string>('owner');
    const owner = { member: 1 };
    attachments.set(owner, 'first');
    const other = made(owner);
    expect(attachments.get(other)).toBeUndefined();
    attachments.set(other, 'second');
    expect([attachments.get(owner), attachments.get(other)]).toEqual(['first', 'second']);
  });

  it('is not seen by who lists, writes or compares the object', () => {
    const attachments = new Attachments<object, string>('hidden');
    const owner = { member: 1 };
    attachments.set(owner, 'value');
    expect(owner).toStrictEqual({ member: 1 });
    expect([Object.keys(owner), JSON.stringify(owner)]).toEqual([['member'], '{"member":1}']);
  });

  it.each([
    ['frozen', Object.freeze({})],
    ['sealed', Object.seal({})],
  ])('may be attached to a %s object', (_, owner) => {
    const attachments = new Attachments<object, number>('frozen');
    attachments.set(owner, 1);
    attachments.set(owner, 2);
    expect(attachments.get(owner)).toBe(2);
  });

  it.each([true, false])('is apart on an object and on its Proxy (object first: %s)', (isFirst) => {
    const attachments = new Attachments<object, string>('proxied');
    const owner = {};
    const proxy = new Proxy(owner, {});
    const both = isFirst ? [owner, proxy] as const : [proxy, owner] as const;
    for (const [n, one] of both.entries()) attachments.set(one, `${n}`);
    expect(both.map((one) => attachments.get(one))).toEqual(['0', '1']);
  });

  it('may be attached to a copy of a frozen object that has it', () => {
    const attachments = new Attachments<object, string>('copied');
    const owner = {};
    attachments.set(owner, 'first');
    const members = Object.getOwnPropertyDescriptors(Object.freeze(owner));
    const copy = Object.defineProperties({}, members);
    attachments.set(copy, 'second');
    expect([attachments.get(owner), attachments.get(copy)]).toEqual(['first', 'second']);
  });

  it('outlives that the object is frozen', () => {
    const attachments = new Attachments<object, number>('later');
    const owner = {};
    attachments.set(owner, 1);
    Object.freeze(owner);
    attachments.set(owner, 2);
    expect(attachments.get(owner)).toBe(2);
  });
});

const OWNERS = 400;
const PAYLOAD_LENGTH = 5_000;
const MIB = 1024 * 1024;

describe('an owner that has gone', () => {
  // All of them together are 16 MB; with a WeakMap they were all still there.
  it('goes with the next collection of new objects, although what is attached holds it', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
    const attachments = new Attachments<object, object>('big');
    // What is new and outlives a collection or two is old.
    for (let time = 0; time < 3; time += 1) collect();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < OWNERS; n += 1) {
      const owner = {};
      attachments.set(owner, { owner, payload: Array.from({ length: PAYLOAD_LENGTH }, () => n) });
      if (n % 20 === 0) collect({ type: 'minor' });
    }
    for (let time = 0; time < 3; time += 1) collect({ type: 'minor' });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 * MIB);
  });
});
