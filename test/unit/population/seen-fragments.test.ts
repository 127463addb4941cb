import { SeenFragments } from '../../../src/population/seen-fragments';
import { makeFragment } from '../../support/make-fragment';

const limits = { maxCounted: 3, generationMs: 1_000 };
const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => makeFragment(`select '${name}'`));
if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
  throw new Error('there are five');

test('counts each fragment', () => {
  const seen = new SeenFragments(limits);
  expect([a, a, b, a].map((fragment) => seen.see(fragment, 0))).toEqual([1, 2, 1, 3]);
});

test('forgets what was not seen for two generations, and no sooner than after one', () => {
  const seen = new SeenFragments(limits);
  seen.see(a, 0);
  seen.see(b, 0);
  expect(seen.see(a, 1_000)).toBe(2);
  expect(seen.see(a, 2_000)).toBe(3);
  expect(seen.see(b, 2_001)).toBe(1);
});

test('forgets everything when nothing was seen for long', () => {
  const seen = new SeenFragments(limits);
  seen.see(a, 0);
  expect(seen.see(a, 2_000)).toBe(1);
});

test('keeps no more than two generations, however many there are, and keeps what is seen again and again', () => {
  const seen = new SeenFragments(limits);
  let times = 0;
  for (let n = 0; n < 1_000; n++) {
    times = seen.see(a, 0);
    seen.see(makeFragment(`select ${n}`), 0);
  }
  expect(times).toBe(1_000);
  for (const fragment of [b, c, d, e]) seen.see(fragment, 0);
  expect(seen.see(makeFragment('select 1'), 0)).toBe(1);
});

test('counts a fragment for each partition key', () => {
  const seen = new SeenFragments(limits);
  seen.see(a, 0);
  expect(seen.see({ ...a, partitionKey: 'other' }, 0)).toBe(1);
});
