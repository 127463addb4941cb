import * as fc from 'fast-check';
import type { EntryDescription } from '../../../src/cache/cache-backend';
import { Directory } from '../../../src/cache/directory';
import type { AnalysedBlock } from '../../../src/query/analysis/analyse';
import type { KeyClass } from '../../../src/query/analysis/key-classes';
import { loadParser } from '../../../src/query/ast/parser';
import { enumerateFragments } from '../../../src/query/fragment/enumerate';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { firstBlock } from '../../support/analyse-text';
import {
  randomBlock,
  randomSpelling,
  writeBlock,
  type RandomBlock,
  type Spelling,
} from '../../support/random-block';

const context = { id: 'context', settings: {} };

function entryOf(fragment: Fragment): EntryDescription {
  return {
    fragment,
    status: 'ok',
    keyCount: 1,
    hasNullKey: false,
    snapshot: undefined,
    createdAt: 0,
    lastUsedAt: 0,
    computeMs: 1,
    error: undefined,
  };
}

function regionClass(block: AnalysedBlock): KeyClass {
  const found = block.classes.filter(({ partitionKey }) => partitionKey.name === 'region');
  const [keyClass] = found;
  if (keyClass === undefined || found.length > 1) throw new Error('not one class');
  return keyClass;
}

/**
 * Whether the fragment's tables can be mapped to the block's so that the conditions come along, tried in every way there
 * is. A mapping of two tables to one would be as sound; what the directory must find are the ones that keep them apart.
 */
function isContained(
  fragment: Fragment,
  block: AnalysedBlock,
  keyClass: KeyClass,
  mayMerge: boolean,
): boolean {
  const members = keyClass.members.map(({ table }) => table);
  const has = (template: string, tables: readonly number[]): boolean =>
    block.conjuncts.some((conjunct) => {
      if (conjunct.template !== template) return false;
      const same = (order: readonly number[]): boolean => order.every((table, i) => table === tables[i]);
      return same(conjunct.tables) || (conjunct.isSymmetric && same([...conjunct.tables].reverse()));
    });
  const extend = (assigned: readonly number[]): boolean => {
    const table = fragment.tables[assigned.length];
    if (table === undefined) {
      return fragment.conjuncts.every(({ template, slots }) =>
        has(
          template,
          slots.map((slot) => assigned[slot] ?? -1),
        ),
      );
    }
    return members.some(
      ({ index, relation, only }) =>
        relation.name === table.name &&
        only === table.only &&
        (mayMerge || !assigned.includes(index)) &&
        extend([...assigned, index]),
    );
  };
  return extend([]);
}

beforeAll(loadParser);

function checkMatches(
  known: readonly RandomBlock[],
  asked: RandomBlock,
  spellings: readonly Spelling[],
): void {
  const directory = new Directory();
  const fragments = known.flatMap((block, i) => {
    const analysed = firstBlock(writeBlock(block, spellings[i]));
    return enumerateFragments(analysed, regionClass(analysed), context);
  });
  // Rows and nodes are used again: what was there before must leave nothing behind.
  for (const fragment of fragments) directory.put(entryOf(fragment));
  for (const { hash } of fragments) directory.apply({ kind: 'deleted', partitionKey: 'region', hash });
  expect(directory.size).toBe(0);
  for (const fragment of [...fragments].reverse()) directory.put(entryOf(fragment));

  const block = firstBlock(writeBlock(asked, spellings.at(-1)));
  const keyClass = regionClass(block);
  const matched = new Set(directory.match(block, keyClass, context.id).map(({ fragment }) => fragment.hash));
  for (const fragment of fragments) {
    if (matched.has(fragment.hash)) expect(isContained(fragment, block, keyClass, true)).toBe(true);
    else expect(isContained(fragment, block, keyClass, false)).toBe(false);
  }
  expect(directory.match(block, keyClass, 'another context')).toEqual([]);
}

test('an entry is found whenever the block contains it, and never otherwise', () => {
  fc.assert(
    fc.property(
      fc.array(randomBlock, { minLength: 1, maxLength: 4 }),
      randomBlock,
      fc.array(randomSpelling, { minLength: 5, maxLength: 5 }),
      checkMatches,
    ),
    { numRuns: 600 },
  );
});

test('an entry of a block is found for every block that says more', () => {
  fc.assert(
    fc.property(
      randomBlock,
      randomBlock,
      fc.array(randomSpelling, { minLength: 2, maxLength: 2 }),
      (known, more, spellings) => {
        const shift = known.tables.length;
        const asked: RandomBlock = {
          tables: [...known.tables, ...more.tables].slice(0, 4),
          conditions: [
            ...known.conditions,
            ...more.conditions
              .map(({ tables, forms }) => ({ tables: tables.map((table) => table + shift), forms }))
              .filter(({ tables }) => tables.every((table) => table < 4)),
          ],
        };
        checkMatches([known], asked, spellings);
      },
    ),
    { numRuns: 300 },
  );
});

/** b may be a row of a table that inherits from place, which no row of ONLY place is. */
test('which of two tables of a symmetric condition is ONLY is told apart', () => {
  const fragmentTables = [
    { name: 'place', only: true },
    { name: 'place', only: false },
    { name: 'place', only: false },
  ] as const;
  const known: RandomBlock = {
    tables: fragmentTables,
    conditions: [
      { tables: [0, 1], forms: ['$0.id <> $1.id', '$1.id <> $0.id'] },
      { tables: [0, 2], forms: ['$0.id = $1.id', '$1.id = $0.id'] },
    ],
  };
  const asked: RandomBlock = {
    tables: [fragmentTables[0], fragmentTables[1], fragmentTables[0]],
    conditions: [
      { tables: [0, 1], forms: ['$0.id <> $1.id', '$1.id <> $0.id'] },
      { tables: [2, 1], forms: ['$0.id = $1.id', '$1.id = $0.id'] },
    ],
  };
  fc.assert(
    fc.property(fc.array(randomSpelling, { minLength: 2, maxLength: 2 }), (spellings) => {
      checkMatches([known], asked, spellings);
      checkMatches([known], known, spellings);
    }),
    { numRuns: 50 },
  );
});
