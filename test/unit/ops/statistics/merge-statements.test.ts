import { mergeStatements, nothing } from '../../../../src/ops/statistics/merge-statements';
import {
  type DatabaseStatements,
  type StatementShape,
  StatementStatistics,
} from '../../../../src/ops/statistics/statement-statistics';

function shape(fingerprint: string, facts: Partial<StatementShape>): StatementShape {
  return {
    ...{ fingerprint, text: `select ${fingerprint}`, calls: 0, hits: 0, partials: 0, misses: 0, bypasses: 0 },
    ...{ fallbacks: 0, failures: 0, directRuns: 0, directMs: undefined, totalDirectMs: 0, restrictedRuns: 0 },
    ...{ restrictedMs: undefined, totalRestrictedMs: 0, savedMs: 0, lastReason: undefined },
    ...facts,
  };
}

const timed = { directRuns: 3, directMs: 11, totalDirectMs: 33, savedMs: -7, lastReason: 'x' };
const first: DatabaseStatements = {
  database: 'places',
  totals: { ...nothing, hits: 3, misses: 1, savedMs: 30 },
  shapes: [
    shape('a', { calls: 4, hits: 3, misses: 1, directRuns: 1, directMs: 9, totalDirectMs: 9, savedMs: 30 }),
    shape('b', { calls: 1, bypasses: 1, lastReason: 'system table' }),
  ],
};
const second: DatabaseStatements = {
  database: 'places',
  totals: { ...nothing, hits: 5, failures: 1, lostMs: 7 },
  shapes: [shape('a', { calls: 5, hits: 5, ...timed })],
};
const elsewhere: DatabaseStatements = { ...second, database: 'others' };

test('statements of several processes add up by database and shape', () => {
  const [places, others] = mergeStatements([first, elsewhere, second]);
  expect(places).toMatchObject({
    database: 'places',
    totals: { hits: 8, misses: 1, failures: 1, savedMs: 30, lostMs: 7 },
    shapes: [
      // The median of three runs, not of one.
      { fingerprint: 'a', calls: 9, hits: 8, ...timed, directRuns: 4, totalDirectMs: 42, savedMs: 23 },
      { fingerprint: 'b', calls: 1, lastReason: 'system table' },
    ],
  });
  expect(others).toEqual(elsewhere);
});

test('what other processes know is told with what this one does, but for what it tells of itself', () => {
  const statistics = new StatementStatistics();
  statistics.watch('places', { totals: first.totals, shapes: () => first.shapes });
  statistics.watchOthers(() => [second, elsewhere]);
  expect(statistics.totalsOf('places')).toMatchObject({ hits: 8, savedMs: 30, lostMs: 7 });
  expect(statistics.totalsOf('others')).toEqual(elsewhere.totals);
  expect(statistics.timeSaved).toEqual({ savedMs: 30, lostMs: 14 });
  expect(statistics.ownTimeSaved).toEqual({ savedMs: 30, lostMs: 0 });
  expect(statistics.shapes().map(({ database, fingerprint }) => `${database} ${fingerprint}`)).toEqual([
    'places a',
    'places b',
    'others a',
  ]);
  expect(statistics.shapes('others')).toHaveLength(1);
  expect(statistics.report(true)).toEqual([first]);
  expect(statistics.report(false)).toEqual([{ ...first, shapes: [] }]);
});
