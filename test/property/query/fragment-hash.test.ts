import * as fc from 'fast-check';
import { loadParser } from '../../../src/query/ast/parser';
import { enumerateFragments } from '../../../src/query/fragment/enumerate';
import { firstBlock, smallContext } from '../../support/analyse-text';
import {
  randomBlock,
  randomSpelling,
  writeBlock,
  writeJoins,
  type RandomBlock,
} from '../../support/random-block';

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

test('a fragment is the same under any alias, order of FROM, order of conditions, orientation, white space and case', () => {
  fc.assert(
    fc.property(randomBlock, randomSpelling, randomSpelling, (block, one, other) => {
      expect(hashesOf(writeBlock(block, one))).toEqual(hashesOf(writeBlock(block, other)));
    }),
    { numRuns: 400 },
  );
});

test('a fragment is the same whether its conditions are in ON or in WHERE', () => {
  fc.assert(
    fc.property(randomBlock, randomSpelling, randomSpelling, (block, one, other) => {
      expect(hashesOf(writeJoins(block, one))).toEqual(hashesOf(writeBlock(block, other)));
    }),
    { numRuns: 200 },
  );
});

const keyConditions = ['$.region_id < 5', '9 >= $.region_id', '$.region_id between 2 and 7'] as const;

test('a fragment is the same whichever of the class’s tables a condition on the key is about', () => {
  const table = fc.integer({ min: 0, max: 3 });
  fc.assert(
    fc.property(
      randomBlock,
      fc.constantFrom(...keyConditions),
      table,
      table,
      (block, condition, one, other) => {
        const withKey = (index: number): RandomBlock => {
          const text = condition.replace('$', '$0');
          const tables = [index % block.tables.length];
          return { ...block, conditions: [...block.conditions, { tables, forms: [text, text] }] };
        };
        expect(hashesOf(writeBlock(withKey(one)))).toEqual(hashesOf(writeBlock(withKey(other))));
      },
    ),
    { numRuns: 200 },
  );
});

/** What a condition says, by two forms of it that are not the same. */
const changes: readonly (readonly [string, string])[] = [
  ['$.id < 5', '$.id <= 5'],
  ['$.id < 5', '$.id > 5'],
  ['$.id < 5', '$.id < 5.0'],
  ['$.id < 5', '$.region_id < 5'],
  ['$.id in (1, 2)', '$.id in (1, 3)'],
  ['$.id in (1, 2)', '$.id not in (1, 2)'],
  ['$.id between 1 and 9', '$.id between symmetric 1 and 9'],
  ['$.id between 1 and 9', '$.id not between 1 and 9'],
  ['$.id = 1 or $.id = 2', '$.id = 1 and $.id = 2'],
  ['not ($.id = 1 or $.id > 7)', 'not ($.id = 1) or $.id > 7'],
  ['$.id - 1 < 3', '1 - $.id < 3'],
  ['($.id, $.region_id) < (1, 2)', '($.region_id, $.id) < (1, 2)'],
  ['$.id is distinct from 3', '$.id <> 3'],
  ['coalesce($.id, 1) = 1', 'coalesce(1, $.id) = 1'],
  ['nullif($.id, 1) = 2', 'nullif(1, $.id) = 2'],
  ['case when $.id > 1 then true else false end', 'case when $.id > 1 then false else true end'],
  [`$.id::text = '1'`, `$.id::text = '01'`],
  ['$.id > 1', '$.id > 1 is true'],
];

test('a fragment is another with anything that changes its meaning', () => {
  fc.assert(
    fc.property(randomBlock, fc.constantFrom(...changes), (block, [one, other]) => {
      const withCondition = (text: string): RandomBlock => {
        const form = `(${text.replaceAll('$.', '$0.')})`;
        return { ...block, conditions: [...block.conditions, { tables: [0], forms: [form, form] }] };
      };
      const [these, those] = [
        hashesOf(writeBlock(withCondition(one))),
        hashesOf(writeBlock(withCondition(other))),
      ];
      expect(these).not.toEqual(those);
    }),
    { numRuns: 200 },
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
