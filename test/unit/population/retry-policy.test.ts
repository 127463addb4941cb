import type { EntryDescription, EntryStatus } from '../../../src/cache/cache-backend';
import { failuresOf, isWorthRunning } from '../../../src/population/retry-policy';
import { makeFragment } from '../../support/make-fragment';

const policy = { firstMs: 1_000, maxMs: 3_000, maxFailures: 4 };

function entry(status: EntryStatus, failures?: number): EntryDescription {
  return {
    fragment: makeFragment('select 1'),
    status,
    keyCount: 0,
    hasNullKey: false,
    snapshot: undefined,
    createdAt: 10_000,
    lastUsedAt: 10_000,
    computeMs: 1,
    error: undefined,
    ...(failures === undefined ? {} : { failures }),
  };
}

describe('isWorthRunning', () => {
  test.each([
    ['nothing is known', undefined, 0],
    ['the first failure is as old as the back-off', entry('timeout', 1), 11_000],
    ['an entry without a count is taken as the first failure', entry('failed'), 11_000],
    ['the second needs twice the time', entry('too_large', 2), 12_000],
    ['it is from the future: the clock has been set back', entry('failed', 1), 4_999],
    ['the third no more than the limit', entry('failed', 3), 13_000],
  ])('applies: %s', (_, description, now) => {
    expect(isWorthRunning(description, now, policy)).toBe(true);
  });

  test.each([
    ['there are keys, however old', entry('ok'), 1e15],
    ['a failure a moment ago', entry('failed', 1), 10_999],
    ['the second failure, before its time', entry('timeout', 2), 11_999],
    ['a failure on a machine whose clock is ahead', entry('failed', 1), 5_001],
    ['it failed too often, however long ago', entry('timeout', 4), 1e15],
    ['it failed too often, in the future', entry('timeout', 4), 0],
  ])('refuses: %s', (_, description, now) => {
    expect(isWorthRunning(description, now, policy)).toBe(false);
  });
});

test('failuresOf counts from the entry', () => {
  expect([undefined, entry('ok'), entry('failed'), entry('failed', 3)].map(failuresOf)).toEqual([0, 0, 1, 3]);
});
