import { loadParser } from '../../../../src/query/ast/parser';
import { enumerateFragments } from '../../../../src/query/fragment/enumerate';
import type { Fragment } from '../../../../src/query/fragment/fragment';
import {
  defaultFragmentOptions,
  type FragmentOptions,
} from '../../../../src/query/fragment/fragment-options';
import { firstBlock, smallContext } from '../../../support/analyse-text';
import { smallKeys } from '../../../support/small-catalog';

type Edge = readonly [number, number];

function fragmentsOf(text: string, options: Partial<FragmentOptions>): readonly Fragment[] {
  const fragments = { ...defaultFragmentOptions, ...options };
  const partitionKeys = smallKeys.map((key) => ({ ...key, fragments }));
  const block = firstBlock(text, smallContext({ partitionKeys }));
  return block.classes.flatMap((keyClass) =>
    enumerateFragments(block, keyClass, { id: 'context', settings: {} }),
  );
}

/** Occurrences of one table, each with a condition of its own, and conditions between some. */
function query(size: number, edges: readonly Edge[]): string {
  const tables = Array.from({ length: size }, (_, i) => `p${i}`);
  return `select * from ${tables.map((alias) => `place ${alias}`).join(', ')} where ${[
    ...tables.slice(1).map((alias) => `p0.region_id = ${alias}.region_id`),
    ...tables.map((alias, i) => `${alias}.id = ${i}`),
    ...edges.map(([a, b]) => `p${a}.population < p${b}.population`),
  ].join(' and ')}`;
}

const numbers = (from: number, to: number): readonly number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
const chain = (size: number): readonly Edge[] => numbers(1, size).map((i) => [i - 1, i]);
const star = (size: number): readonly Edge[] => numbers(1, size).map((i) => [0, i]);
const clique = (size: number): readonly Edge[] =>
  numbers(0, size).flatMap((i) => numbers(i + 1, size).map((j): Edge => [i, j]));
const none = (): readonly Edge[] => [];

/** Connected subsets of n tables: of a chain its stretches, of a star any leaves with the centre or one alone, of a clique all. */
const shapes = [
  ['chain', chain, (n: number) => (n * (n + 1)) / 2],
  ['star', star, (n: number) => 2 ** (n - 1) + n - 1],
  ['clique', clique, (n: number) => 2 ** n - 1],
] as const;
const sizes = numbers(1, 9);
const everyShape = shapes.flatMap(([name, edges, count]) =>
  sizes.map((n) => [name, n, edges, count] as const),
);

const tableCounts = (fragments: readonly Fragment[]): readonly number[] =>
  fragments.map(({ tables }) => tables.length);

beforeAll(loadParser);

describe('as many fragments as there are connected sets of tables', () => {
  test.each(everyShape)('%s of %i', (_name, n, edges, count) => {
    const fragments = fragmentsOf(query(n, edges(n)), { maxFragments: 1_000 });
    expect(new Set(fragments.map(({ hash }) => hash)).size).toBe(count(n));
  });

  test.each(sizes)('any %i tables, where the graph is not followed', (n) => {
    const fragments = fragmentsOf(query(n, none()), { maxFragments: 1_000, followGraph: false });
    expect(fragments).toHaveLength(2 ** n - 1);
  });

  test.each(sizes)('%i tables that nothing connects are as many fragments', (n) => {
    expect(tableCounts(fragmentsOf(query(n, none()), {}))).toEqual(numbers(0, n).map(() => 1));
  });
});

describe('where there would be too many', () => {
  test.each(everyShape)('%s of %i: as many as are allowed', (_name, n, edges, count) => {
    for (const maxFragments of [1, 5, 32]) {
      const fragments = fragmentsOf(query(n, edges(n)), { maxFragments });
      expect(fragments).toHaveLength(Math.min(count(n), maxFragments));
    }
  });

  test('the whole block and the smallest ones', () => {
    const fragments = fragmentsOf(query(8, clique(8)), { maxFragments: 12 });
    expect(tableCounts(fragments)).toEqual([8, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  test('also where each comes with and without its conditions on the key', () => {
    const text = `${query(8, clique(8))} and p0.region_id in (1, 2, 3)`;
    expect(tableCounts(fragmentsOf(text, { maxFragments: 7 }))).toEqual([8, 8, 1, 1, 1, 1, 1]);
  });

  test('sixteen tables that all know each other take no time', () => {
    const fragments = fragmentsOf(query(16, clique(16)), { minComponentSize: 4, maxFragments: 40 });
    expect(fragments.length).toBeLessThanOrEqual(40);
    expect(fragments[0]?.tables).toHaveLength(16);
  });
});

describe('sizes', () => {
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);

  test.each(sizes)('of a clique of %i only sets from two to three tables', (n) => {
    const options = { minComponentSize: 2, maxComponentSize: 3, maxFragments: 1_000 };
    const counts = tableCounts(fragmentsOf(query(n, clique(n)), options));
    expect(counts.filter((size) => size === 2)).toHaveLength(n < 2 ? 0 : choose(n, 2));
    expect(counts.filter((size) => size === 3)).toHaveLength(n < 3 ? 0 : choose(n, 3));
    expect(counts.filter((size) => size < 2 || size > 3)).toEqual([]);
  });

  const withJoin = `${query(3, clique(3)).replace('from ', 'from region r, ')} and r.region_id = p0.region_id`;

  test('the partition-join table is one of the tables', () => {
    expect(tableCounts(fragmentsOf(withJoin, {}))).toEqual([4, 3, 3, 3, 2, 2, 2]);
    expect(tableCounts(fragmentsOf(withJoin, { minComponentSize: 3 }))).toEqual([4, 3, 3, 3]);
    expect(tableCounts(fragmentsOf(withJoin, { maxComponentSize: 2 }))).toEqual([2, 2, 2]);
  });

  test('refuses: a whole block that is too large; its parts are learned', () => {
    expect(Math.max(...tableCounts(fragmentsOf(query(8, chain(8)), { maxComponentSize: 5 })))).toBe(5);
    expect(fragmentsOf(query(2, none()), { minComponentSize: 2 })).toEqual([]);
  });
});
