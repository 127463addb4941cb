import * as fc from 'fast-check';
import { loadParser } from '../../../src/query/ast/parser';
import { enumerateFragments } from '../../../src/query/fragment/enumerate';
import { firstBlock, smallContext } from '../../support/analyse-text';
import { randomBlock, randomSpelling, writeBlock } from '../../support/random-block';

const context = { id: 'context', settings: {} };

function hashesOf(
  text: string,
  { id, searchPath }: { id?: string; searchPath?: readonly string[] } = {},
): string[] {
  const block = firstBlock(text, searchPath === undefined ? smallContext() : smallContext({ searchPath }));
  return block.classes
    .filter(({ partitionKey }) => partitionKey.name === 'region')
    .flatMap((keyClass) =>
      enumerateFragments(block, keyClass, { ...context, ...(id === undefined ? {} : { id }) }),
    )
    .map(({ hash }) => hash)
    .sort();
}

beforeAll(loadParser);

/** A table without a condition is taken for the partition-join table, of which the first alias is chosen. */
const allConditioned = randomBlock.filter(({ tables, conditions }) =>
  tables.every((_, i) => conditions.some((condition) => condition.tables.includes(i))),
);

test('a fragment is the same under any alias, order of FROM, order of conditions, orientation, white space and case', () => {
  fc.assert(
    fc.property(allConditioned, randomSpelling, randomSpelling, (block, one, other) => {
      expect(hashesOf(writeBlock(block, one))).toEqual(hashesOf(writeBlock(block, other)));
    }),
    { numRuns: 400 },
  );
});

test('a fragment is another with another constant, ONLY, operator, column or context', () => {
  const base = hashesOf(
    `select 1 from place a, place b where a.id = b.id and a.region_id = b.region_id and a.id < 5`,
  );
  const others = [
    hashesOf(`select 1 from place a, place b where a.id = b.id and a.region_id = b.region_id and a.id < 6`),
    hashesOf(`select 1 from place a, place b where a.id = b.id and a.region_id = b.region_id and a.id < 5.0`),
    hashesOf(`select 1 from place a, place b where a.id = b.id and a.region_id = b.region_id and a.id <= 5`),
    hashesOf(
      `select 1 from only place a, only place b where a.id = b.id and a.region_id = b.region_id and a.id < 5`,
    ),
    hashesOf(
      `select 1 from place a, place b where a.id <> b.id and a.region_id = b.region_id and a.population < 5`,
    ),
    hashesOf(`select 1 from shop a, shop b where a.id = b.id and a.region_id = b.region_id and a.id < 5`),
    hashesOf(`select 1 from place a, place b where a.id = b.id and a.region_id = b.region_id and a.id < 5`, {
      id: 'x',
    }),
  ];
  for (const other of others) expect(other.filter((hash) => base.includes(hash))).toEqual([]);
});

test('which of two like tables a condition is about matters, and is told apart', () => {
  const chain = (first: string, second: string): string[] =>
    hashesOf(
      `select 1 from place a, place b, place c where a.region_id = b.region_id and b.region_id = c.region_id and a.id < b.id and ${first} and ${second}.id = 5`,
    );
  expect(chain('b.id < c.id', 'a')).not.toEqual(chain('b.id < c.id', 'c'));
  expect(chain('b.id < c.id', 'a')).not.toEqual(chain('a.id < c.id', 'a'));
});
