import { fewestKeys } from '../../../src/population/sources/key-share';

const even = { distinctKeys: 1_000, commonShares: [] };

test.each([
  ['rows spread evenly: as large a share of the keys', 0.4, even, 400],
  ['all rows: all keys', 1, even, 1_000],
  ['no rows: no key', 0, even, 0],
  ['a key with most of the rows: perhaps it alone', 0.6, { distinctKeys: 1_000, commonShares: [0.6] }, 1],
  ['more than the common keys have', 0.8, { distinctKeys: 1_001, commonShares: [0.2, 0.4] }, 2 + 999 * 0.5],
  ['all keys are common', 0.75, { distinctKeys: 4, commonShares: [0.25, 0.25, 0.25, 0.25] }, 3],
  ['more rows than are known of', 1, { distinctKeys: 2, commonShares: [0.5, 0.4] }, 2],
  ['an estimate beyond all rows', 1.2, even, 1_000],
])('%s', (_, rowShare, statistics, keys) => {
  expect(fewestKeys(rowShare, statistics)).toBeCloseTo(keys, 6);
});
