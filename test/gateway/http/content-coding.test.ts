import { describe, expect, it } from 'vitest';
import {
  codedEntityTag, codingsTaken, matchedEntityTag,
} from '../../../src/gateway/http/content-coding.ts';

describe('codingsTaken', () => {
  it.each([
    [undefined, []],
    ['', []],
    ['gzip', ['gzip']],
    ['x-gzip', ['gzip']],
    ['GZIP , BR', ['br', 'gzip']],
    ['gzip, deflate, br, zstd', ['br', 'zstd', 'gzip']],
    ['gzip;q=1.0, br;q=0.5', ['gzip', 'br']],
    ['gzip;q=0, br', ['br']],
    ['*', ['br', 'zstd', 'gzip']],
    ['*;q=0', []],
    ['br;q=0, *', ['zstd', 'gzip']],
    ['identity', []],
    ['identity, gzip;q=0.5', []],
    ['identity;q=0.5, gzip', ['gzip']],
    ['identity;q=0', []],
    ['gzip;q=high', []],
    ['gzip;q=1.5', []],
    [',,;;=', []],
    ['gzip, '.repeat(500), []],
  ])('of %j are %j', (header, taken) => {
    expect(codingsTaken(header)).toEqual(taken);
    expect(codingsTaken(header)).toEqual(taken);
  });

  it('are found again after more headers than are remembered', () => {
    for (let n = 0; n < 2_000; n += 1) expect(codingsTaken(`gzip, a${n}`)).toEqual(['gzip']);
    expect(codingsTaken('br')).toEqual(['br']);
  });
});

describe('matchedEntityTag', () => {
  const etag = '"abc"';
  const br = codedEntityTag(etag, 'br');

  it('gives each form its own tag', () => {
    expect(br).toBe('"abc.br"');
    expect(codedEntityTag('"abc.response"', 'gzip')).toBe('"abc.response.gzip"');
  });

  it.each([
    ['"abc"', [], '"abc"'],
    ['W/"abc"', [], '"abc"'],
    ['*', [], '"abc"'],
    ['"abc.br"', ['br'], '"abc.br"'],
    ['W/"x", W/"abc.br"', ['gzip', 'br'], '"abc.br"'],
    ['"abc.br"', [], undefined],
    ['"abc.br"', ['gzip'], undefined],
    ['abc', [], undefined],
    ['', [], undefined],
    ['"abcd"', [], undefined],
  ] as const)('%s with %j is %s', (held, taken, matched) => {
    expect(matchedEntityTag(held, etag, taken)).toBe(matched);
  });
});
