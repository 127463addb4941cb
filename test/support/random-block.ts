import * as fc from 'fast-check';

/** A table of a random block. Every one is joined to the first on the key, which leaves one class. */
export interface RandomTable {
  readonly name: 'place' | 'shop';
  readonly only: boolean;
}

/** A condition, with the tables it is about by their numbers: `$0` and `$1` stand for their aliases. */
export interface RandomCondition {
  readonly tables: readonly number[];
  /** Two ways to write it that mean the same. */
  readonly forms: readonly [string, string];
}

export interface RandomBlock {
  readonly tables: readonly RandomTable[];
  readonly conditions: readonly RandomCondition[];
}

/** How a block is written down: none of it may matter. */
export interface Spelling {
  readonly aliases: readonly string[];
  /** Sorts tables and conditions; only their order counts. */
  readonly ranks: readonly number[];
  readonly forms: readonly number[];
  readonly spaces: readonly string[];
  readonly isUpperCase: boolean;
}

const unary: readonly (readonly [string, string])[] = [
  ['$0.region_id < 5', '5 > $0.region_id'],
  ['$0.id >= 7', '7 <= $0.id'],
  ['$0.id >= 8', '8 <= $0.id'],
  ['$0.id between 1 and 9', '($0.id >= 1 and 9 >= $0.id)'],
  ['$0.id in (1, 2)', '$0.id in (2, 1, 2)'],
  ['($0.id = 1 or $0.id <> 5)', '(5 <> $0.id or 1 = $0.id)'],
];
/** Two columns in one relation to each other: the tables may be exchanged. */
const symmetric: readonly (readonly [string, string])[] = [
  ['$0.id = $1.id', '$1.id = $0.id'],
  ['$0.id <> $1.id', '$1.id <> $0.id'],
];
const binary: readonly (readonly [string, string])[] = [['$0.id < $1.id', '$1.id > $0.id']];

export const randomBlock: fc.Arbitrary<RandomBlock> = fc
  .array(
    fc.record({
      name: fc.constantFrom('place' as const, 'place' as const, 'shop' as const),
      only: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .chain((tables) => {
    const table = fc.integer({ min: 0, max: tables.length - 1 });
    const one = fc.tuple(table, fc.constantFrom(...unary)).map(([a, forms]) => ({ tables: [a], forms }));
    const two = fc
      .tuple(table, table, fc.constantFrom(...symmetric, ...symmetric, ...binary))
      .filter(([a, b]) => a !== b)
      .map(([a, b, forms]) => ({ tables: [a, b], forms }));
    const conditions = tables.length === 1 ? one : fc.oneof(one, two);
    return fc.record({
      tables: fc.constant(tables),
      conditions: fc.array(conditions, { minLength: 1, maxLength: 5 }),
    });
  });

export const randomSpelling: fc.Arbitrary<Spelling> = fc.record({
  aliases: fc.uniqueArray(
    fc.constantFrom('t1', 'a', '"A"', 'place', 'shop', '"order"', '"x y"', 'ä', '"{0}"', '"$1"'),
    {
      minLength: 4,
      maxLength: 4,
    },
  ),
  ranks: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
  forms: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 5, maxLength: 5 }),
  spaces: fc.array(fc.constantFrom(' ', '\n', '\t', ' /* where */ ', ' -- union\n'), {
    minLength: 4,
    maxLength: 4,
  }),
  isUpperCase: fc.boolean(),
});

/** The first spelling that comes to mind. */
export const plainSpelling: Spelling = {
  aliases: ['a', 'b', 'c', 'd'],
  ranks: Array.from({ length: 12 }, (_, i) => i),
  forms: [0, 0, 0, 0, 0],
  spaces: [' ', ' ', ' ', ' '],
  isUpperCase: false,
};

/** Writes a block down as `select 1 from … where …`. */
export function writeBlock({ tables, conditions }: RandomBlock, spelling: Spelling = plainSpelling): string {
  const { aliases, ranks, forms, spaces, isUpperCase } = spelling;
  const alias = (table: number): string => aliases[table] ?? '';
  const inOrder = (items: readonly string[]): readonly string[] =>
    items
      .map((item, i) => ({ item, rank: ranks[i] ?? 0 }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  const from = tables.map(({ name, only }, i) => `${only ? 'only ' : ''}public.${name} as ${alias(i)}`);
  const where = [
    ...conditions.map(({ tables: [first = 0, second = 0], forms: [one, other] }, i) =>
      (forms[i] === 1 ? other : one).replace(/\$([01])/g, (_, side: string) =>
        alias(side === '0' ? first : second),
      ),
    ),
    ...tables.slice(1).map((_, i) => `${alias(i + 1)}.region_id = ${alias(0)}.region_id`),
  ];
  const word = (text: string): string => (isUpperCase ? text.toUpperCase() : text);
  const [s1 = ' ', s2 = ' ', s3 = ' ', s4 = ' '] = spaces;
  return `${word('select')} 1${s1}${word('from')}${s2}${inOrder(from).join(`,${s3}`)}${s4}${word('where')} ${inOrder(where).join(`${s3}${word('and')}${s1}`)}`;
}
