import { FiledEntries } from '../../../../src/cache/lookup/filed-entries';
import { digestConjunct, digestTable } from '../../../../src/cache/lookup/conjunct-digest';
import { Scopes } from '../../../../src/cache/lookup/scopes';
import { makeFragment } from '../../../support/make-fragment';

const count = 6_000;

/** Entries of one table with conditions by number, and how many of them are found with some conditions in few questions. */
function found(
  conditionsOf: (entry: number) => readonly string[],
  asked: readonly string[],
): readonly number[] {
  const scopes = new Scopes();
  const filed = new FiledEntries();
  for (let entry = 0; entry < count; entry++) {
    const conjuncts = conditionsOf(entry).map((template) => ({ template, slots: [0] }));
    const fragment = makeFragment(`f${entry}`, { conjuncts });
    filed.add(entry, fragment, scopes.of(fragment));
  }
  const { tables } = makeFragment('');
  const scope = scopes.of(makeFragment(''));
  const digests = asked.map((template) => digestConjunct(scope, template, tables.map(digestTable)));
  const rows: number[] = [];
  filed.visit(digests, 10 * asked.length * asked.length, (row) => rows.push(row));
  return rows.sort((a, b) => a - b);
}

describe('the number of questions does not follow the number of entries', () => {
  test('that share one condition', () => {
    expect(found((i) => [`{0}."type" = 'x'`, `{0}."c" = ${i}`], [`{0}."type" = 'x'`, `{0}."c" = 7`])).toEqual(
      [7],
    );
  });

  test('that share two, of three', () => {
    const shared = [`{0}."type" = 'x'`, `{0}."size" = 1`];
    expect(found((i) => [...shared, `{0}."c" = ${i}`], [...shared, `{0}."c" = 5123`])).toEqual([5123]);
    expect(found((i) => [...shared, `{0}."c" = ${i}`], shared)).toEqual([]);
  });

  test('that are all pairs of some conditions', () => {
    const pair = (i: number): readonly string[] => [
      `{0}."a" = ${i % 100}`,
      `{0}."b" = ${Math.floor(i / 100)}`,
    ];
    const asked = [...pair(0), ...pair(101), ...pair(202), ...pair(303)];
    expect(found(pair, asked)).toHaveLength(16);
  });

  test('that no condition of the block is about', () => {
    expect(found((i) => [`{0}."type" = 'x'`, `{0}."c" = ${i}`], [`{0}."type" = 'x'`])).toEqual([]);
  });
});
