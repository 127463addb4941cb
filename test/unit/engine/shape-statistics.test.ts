import { CandidateStatement } from '../../../src/engine/candidate-statement';
import type { Completion, ForwardPlan, RewritePlan } from '../../../src/engine/engine';
import type { ShapeFigures } from '../../../src/engine/statistics/shape-figures';
import { ShapeStatistics } from '../../../src/engine/statistics/shape-statistics';
import { statementsOf, nothingToRestrict } from '../../../src/engine/statements-of-text';
import { loadParser } from '../../../src/query/ast/parser';

const statement = (text: string): CandidateStatement =>
  new CandidateStatement(text, true, undefined, () => statementsOf(text, undefined) ?? nothingToRestrict);

const forwarded = (reason: string): ForwardPlan => ({ kind: 'forward', reason });

const restricted = (coverage: 'full' | 'partial' = 'full'): RewritePlan => ({
  kind: 'rewrite',
  text: '',
  insertions: [],
  blocks: [],
  parameterOids: [],
  coverage,
  mustRetryOnError: false,
  isCertainAtFirstRow: false,
  mayRunTwice: true,
  restriction: {
    method: 'inline',
    columns: ['place.region_id'],
    keysKept: 1,
    totalKeys: 2,
    lacksTables: false,
    isGuarded: false,
    why: 'only',
  },
  memo: undefined,
});

const note = (
  statistics: ShapeStatistics,
  text: string,
  plan: ForwardPlan | RewritePlan,
  elapsedMs: number,
  more: Partial<Completion> = {},
): number | undefined => {
  const of = statement(text);
  const completion = { statement: of, plan, elapsedMs, isTimed: true, outcome: 'complete' } as const;
  return statistics.note(of, { ...completion, context: undefined, isContextCertain: false, ...more });
};

const only = (statistics: ShapeStatistics): ShapeFigures => {
  const [shape, ...others] = statistics.shapes();
  expect(others).toEqual([]);
  if (shape === undefined) throw new Error('there is no shape');
  return shape;
};

beforeAll(loadParser);

describe('ShapeStatistics', () => {
  test('counts each execution of a shape under what became of it', () => {
    const statistics = new ShapeStatistics();
    note(statistics, "select 1 from t where a = 'x'", forwarded('nothing cached'), 10);
    note(statistics, "select 1 from t where a = 'y'", forwarded('miss'), 10);
    note(statistics, 'select 1  from t where a = 7', forwarded('shape not checked yet'), 10);
    note(statistics, 'SELECT 1 from t where a = 8', restricted('partial'), 2);
    note(statistics, 'select 1 from t where a = 9', restricted(), 2);
    note(statistics, 'select 1 from t where a = 9', restricted(), 2, { outcome: 'failed' });
    note(statistics, 'select 1 from t where a = 9', restricted(), 5, {
      outcome: 'fellBack',
      givenUpFor: '22012',
    });
    expect(only(statistics)).toMatchObject({
      text: 'select $1 from t where a = $2',
      calls: 7,
      misses: 2,
      bypasses: 1,
      partials: 1,
      hits: 2,
      fallbacks: 1,
      failures: 1,
      directRuns: 3,
      directMs: 10,
      restrictedRuns: 2,
      restrictedMs: 2,
      savedMs: 8 + 8 - 5,
      lastReason: 'given up: 22012',
    });
    expect(statistics.totals).toMatchObject({ hits: 2, misses: 2, savedMs: 16, lostMs: 5 });
  });

  test('measures what is saved by the median of the unrestricted runs of late', () => {
    const statistics = new ShapeStatistics();
    for (const ms of [9_000, 100, 110, 90, 8_000]) note(statistics, 'select 1', forwarded('miss'), ms);
    expect(note(statistics, 'select 2', restricted(), 10)).toBe(100);
    for (let i = 0; i < 15; i++) note(statistics, 'select 3', forwarded('miss'), 20);
    expect(note(statistics, 'select 2', restricted(), 30)).toBe(-10);
    expect(only(statistics).savedMs).toBe(90);
    expect(statistics.totals).toMatchObject({ savedMs: 100, lostMs: 10 });
  });

  test('refuses: a saving where the shape was never seen unrestricted', () => {
    const statistics = new ShapeStatistics();
    expect(note(statistics, 'select 1', restricted(), 10)).toBeUndefined();
    expect(only(statistics)).toMatchObject({ hits: 1, savedMs: 0, directMs: undefined });
  });

  test('refuses: times that are not those of the query alone', () => {
    const statistics = new ShapeStatistics();
    note(statistics, 'select 1', forwarded('miss'), 10, { isTimed: false });
    note(statistics, 'select 1', forwarded('miss'), 10, { outcome: 'failed' });
    expect(only(statistics)).toMatchObject({ calls: 2, directRuns: 0 });
    note(statistics, 'declare c cursor for select 1 from u', forwarded('miss'), 10);
    expect(statistics.shapes().map(({ directRuns }) => directRuns)).toEqual([0, 0]);
  });

  test('is bounded, and keeps what matters through a flood of others', () => {
    const statistics = new ShapeStatistics(20);
    note(statistics, 'select saved', forwarded('miss'), 100);
    note(statistics, 'select saved', restricted(), 1);
    note(statistics, 'select lost', forwarded('miss'), 1);
    note(statistics, 'select lost', restricted(), 100);
    for (let i = 0; i < 1_000; i++) {
      note(statistics, `select x${i}`, forwarded('miss'), 1);
      expect(statistics.shapes().length).toBeLessThanOrEqual(20);
    }
    const texts = statistics.shapes().map(({ text }) => text);
    expect(texts).toEqual(
      expect.arrayContaining(['select saved', 'select lost', 'select x999', 'select x990']),
    );
    expect(statistics.totals).toMatchObject({ misses: 1_002, hits: 2, savedMs: 99, lostMs: 99 });
  });

  test('is bounded by the length of texts', () => {
    const statistics = new ShapeStatistics();
    const long = 'x'.repeat(1_900);
    for (let i = 0; i < 1_500; i++) note(statistics, `select ${long}${i}`, forwarded('miss'), 1);
    const lengths = statistics.shapes().reduce((sum, { text }) => sum + text.length, 0);
    expect(lengths).toBeLessThan(2_100_000);
  });
});
