/** The checker complains of each thing that it is there for, and of nothing before it is due. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HEARING_MS, Ledger, type Read } from './ledger.ts';

const MAX_STALENESS_MS = 500;
let ledger: Ledger;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  ledger = new Ledger(MAX_STALENESS_MS);
  ledger.next('1');
  ledger.wrote('1', 2);
});

afterEach(() => void vi.useRealTimers());

/** Version 1 is answered, at this moment, by node 0. */
function old(read: Partial<Read> = {}): string | undefined {
  return ledger.faultOf({
    node: 0, id: '1', version: 1, askedAt: performance.now(), deaf: false, positioned: undefined,
    ...read,
  });
}

describe('an older version than', () => {
  it('what the node has answered a mutation with is owed at once, by that node alone', () => {
    ledger.answered(0, '1', 2);
    expect(old()).toContain('own');
    expect(old({ node: 1 })).toBeUndefined();
    expect(old({ version: 2 })).toBeUndefined();
    expect(old({ askedAt: performance.now() - 1 })).toBeUndefined();
    ledger.killed(0);
    expect(old()).toBeUndefined();
  });

  it('what was acknowledged is owed by every node when it has had time to arrive', () => {
    ledger.acknowledged('1', 2);
    vi.advanceTimersByTime(HEARING_MS - 1);
    expect(old({ node: 1 })).toBeUndefined();
    expect(ledger.behindMs({ id: '1', version: 1, askedAt: performance.now() }))
      .toBe(HEARING_MS - 1);
    vi.advanceTimersByTime(1);
    expect(old({ node: 1 })).toContain('propagated');
  });

  it('the one whose position was sent is never answered', () => {
    ledger.positioned('1', { version: 2, position: '1-0' });
    expect(old({ positioned: ledger.positionOf('1')?.version })).toContain('positioned');
    expect(old()).toBeUndefined();
  });

  it('what could be read maxStalenessMs ago is owed by a node that is deaf', () => {
    vi.advanceTimersByTime(MAX_STALENESS_MS - 1);
    expect(old({ deaf: true })).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(old({ deaf: true })).toContain('deaf');
    expect(old()).toBeUndefined();
  });

  it('a version that nobody wrote is nonsense', () => {
    expect(old({ version: 3 })).toContain('no such version');
  });
});

it('forgets what is long past, and nothing that is owed', () => {
  for (let version = 2; version < 200; version += 1) {
    ledger.next('1');
    ledger.acknowledged('1', version);
    vi.advanceTimersByTime(1_000);
  }
  expect(old({ version: 198 })).toContain('owed v199');
  expect(old({ version: 199 })).toBeUndefined();
});
