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
  /** Each table's key is equated with that of the one before it, or all with the first. */
  readonly isChain: boolean;
}

const unary: readonly (readonly [string, string])[] = [
  ['$0.region_id < 5', '5 > $0.region_id'],
  ['$0.id >= 7', '7 <= $0.id'],
  ['$0.id >= 8', '8 <= $0.id'],
  ['$0.id between 1 and 9', '($0.id >= 1 and 9 >= $0.id)'],
  ['$0.id in (1, 2)', '$0.id in (2, 1, 2)'],
  ['($0.id = 1 or $0.id <> 5)', '(5 <> $0.id or 1 = $0.id)'],
  ['$0.id = 3', "((('3'))) = $0.id"],
  ['$0.id in (4)', '$0.id = 4'],
  ['$0.id <> 6', '$0.id not in (6, 6)'],
  ['$0.id > 2.50', '2.5 < $0.id'],
  ['($0.id, $0.region_id) = (1, 2)', '$0.id = 1 and 2 = $0.region_id'],
  ['$0.region_id in (1, 2, 3)', '$0.region_id in (3, 1, 2, 1)'],
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
  isChain: fc.boolean(),
});

/** The first spelling that comes to mind. */
export const plainSpelling: Spelling = {
  aliases: ['a', 'b', 'c', 'd'],
  ranks: Array.from({ length: 12 }, (_, i) => i),
  forms: [0, 0, 0, 0, 0],
  spaces: [' ', ' ', ' ', ' '],
  isUpperCase: false,
  isChain: false,
};

/** Writes a block down as `select 1 from … where …`. */
export function writeBlock(block: RandomBlock, spelling: Spelling = plainSpelling): string {
  const { ranks, spaces, isUpperCase } = spelling;
  const { from, conditions, equalities } = partsOf(block, spelling);
  const where = [...conditions, ...equalities];
  const word = (text: string): string => (isUpperCase ? text.toUpperCase() : text);
  const [s1 = ' ', s2 = ' ', s3 = ' ', s4 = ' '] = spaces;
  return `${word('select')} 1${s1}${word('from')}${s2}${inOrder(from, ranks).join(`,${s3}`)}${s4}${word('where')} ${inOrder(where, ranks).join(`${s3}${word('and')}${s1}`)}`;
}

/** The same as `select 1 from … join … on …`: every condition is in an ON clause or in WHERE, by its rank. */
export function writeJoins(block: RandomBlock, spelling: Spelling): string {
  const { from, conditions, equalities } = partsOf(block, spelling);
  const [first = '', ...others] = from;
  const isLate = (_: string, i: number): boolean => (spelling.ranks[i] ?? 0) < 0.5;
  const inOn = others.length === 0 ? [] : conditions.filter(isLate);
  const inWhere = conditions.filter((condition) => !inOn.includes(condition));
  const joins = others.map((table, i) => {
    const on = [equalities[i] ?? 'true', ...(i === others.length - 1 ? inOn : [])];
    return ` inner join ${table} on ((${on.join(') and (')}))`;
  });
  return `select 1 from ${first}${joins.join('')}${inWhere.length > 0 ? ` where ${inWhere.join(' and ')}` : ''}`;
}

interface Parts {
  readonly from: readonly string[];
  readonly conditions: readonly string[];
  /** One for each table but the first: to the first, or to the one before. */
  readonly equalities: readonly string[];
}

function partsOf({ tables, conditions }: RandomBlock, { aliases, forms, isChain }: Spelling): Parts {
  const alias = (table: number): string => aliases[table] ?? '';
  return {
    from: tables.map(({ name, only }, i) => `${only ? 'only ' : ''}public.${name} as ${alias(i)}`),
    conditions: conditions.map(({ tables: [first = 0, second = 0], forms: [one, other] }, i) =>
      (forms[i] === 1 ? other : one).replace(/\$([01])/g, (_, side: string) =>
        alias(side === '0' ? first : second),
      ),
    ),
    equalities: tables
      .slice(1)
      .map((_, i) => `${alias(i + 1)}.region_id = ${alias(isChain ? i : 0)}.region_id`),
  };
}

function inOrder(items: readonly string[], ranks: readonly number[]): readonly string[] {
  return items
    .map((item, i) => ({ item, rank: ranks[i] ?? 0 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
