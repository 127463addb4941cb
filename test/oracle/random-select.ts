import type { Random } from './random';
import type { ColumnInScope } from './random-expression';
import type { ValueType } from './schema';
import { sql, type Expression, type Query } from './statement';

/** A column that a block hands to the one around it. */
export interface NamedColumn {
  readonly name: string;
  readonly type: ValueType;
  readonly key: string | undefined;
}

export interface SelectScope {
  readonly random: Random;
  /** There may be more rows than anyone wants to look at one by one. */
  readonly isWide: boolean;
  condition(): Expression;
  subselect(type: ValueType): Query | undefined;
}

export interface SelectClauses {
  readonly distinct?: string;
  readonly targets: readonly Expression[];
  readonly groupBy?: string;
  readonly having?: Expression;
}

export interface Selected {
  readonly clauses: SelectClauses;
  readonly tail?: string;
  readonly columns: readonly NamedColumn[];
}

/** Everything of a block but FROM and WHERE. Rows may come in any order; which rows they are is certain. */
export function randomSelect(
  wanted: 'top' | 'any' | readonly ValueType[],
  columns: readonly ColumnInScope[],
  scope: SelectScope,
): Selected {
  if (wanted === 'top') return topSelect(columns, scope);
  const { random } = scope;
  const chosen =
    wanted === 'any'
      ? random.sample(columns, random.int(1, 4))
      : wanted.map((type) => {
          const like = columns.filter((column) => column.type === type);
          const keys = like.filter(({ key }) => key !== undefined);
          return random.chance(0.5) && keys.length > 0
            ? random.pick(keys)
            : like.length > 0
              ? random.pick(like)
              : { sql: constants[type], name: '', alias: '', type, key: undefined };
        });
  const named = chosen.map(({ type, key }, i) => ({ name: `c${i + 1}`, type, key }));
  const targets = chosen.map((column, i) =>
    column.type === 'int' && random.chance(0.04)
      ? sql(`60 / ${column.sql} AS c${i + 1}`)
      : sql(`${column.sql} AS c${i + 1}`),
  );
  if (scope.isWide || random.chance(0.12)) {
    // Grouped by all but the aggregates: the number of rows stays small.
    const groupBy = chosen
      .map((column) => column.sql)
      .filter((text) => !Object.values(constants).includes(text));
    const plain = chosen.map(({ sql: text }, i) => sql(`${text} AS c${i + 1}`));
    if (groupBy.length > 0)
      return {
        clauses: { targets: plain, groupBy: groupBy.join(', '), ...maybeHaving(chosen, scope) },
        columns: named,
      };
  }
  const distinct = random.chance(0.08) ? 'DISTINCT' : undefined;
  return { clauses: { targets, ...(distinct === undefined ? {} : { distinct }) }, columns: named };
}

function topSelect(columns: readonly ColumnInScope[], scope: SelectScope): Selected {
  const { random } = scope;
  if (scope.isWide || random.chance(0.25)) return { clauses: grouped(columns, scope), columns: [] };
  if (random.chance(0.06)) return { clauses: { targets: [sql('*')] }, columns: [] };
  const chosen = random.sample(columns, random.int(1, 4));
  const order = `ORDER BY ${chosen.map((_, i) => i + 1).join(', ')}`;
  const targets: Expression[] = chosen.map((column) => sql(column.sql));
  switch (random.int(0, 11)) {
    case 0:
      return { clauses: { distinct: 'DISTINCT', targets }, columns: [] };
    case 1:
      // Of the rows that share the first column the least one comes out.
      return {
        clauses: { distinct: `DISTINCT ON (${chosen[0]?.sql ?? '1'})`, targets },
        tail: order,
        columns: [],
      };
    case 2:
      // Sorted by all that is selected, ties can only be between rows that are equal (if not the same: see asCompared in subject.ts).
      return {
        clauses: { targets },
        tail: `${order} ${random.pick(['LIMIT', 'OFFSET'])} ${random.int(1, 9)}`,
        columns: [],
      };
    case 3: {
      const [first, second] = random.sample(columns, 2);
      const window = second === undefined ? '' : `PARTITION BY ${first?.sql ?? '1'} ORDER BY ${second.sql}`;
      return {
        clauses: { targets: [...targets, sql(`rank() OVER (${window || 'ORDER BY 1'})`)] },
        columns: [],
      };
    }
    case 4: {
      const query = scope.subselect('int');
      if (query === undefined) break;
      return {
        clauses: { targets: [...targets, sql('(SELECT max(q.c1) FROM ', query, ' AS q)')] },
        columns: [],
      };
    }
    case 5:
      return {
        clauses: {
          targets: [...targets, sql('CASE WHEN ', `${columns[0]?.sql ?? '1'} IS NULL`, ' THEN 1 ELSE 2 END')],
        },
        columns: [],
      };
  }
  return { clauses: { targets }, columns: [] };
}

function grouped(columns: readonly ColumnInScope[], scope: SelectScope): SelectClauses {
  const { random } = scope;
  const aggregates = random
    .sample(
      columns.filter(({ type }) => type === 'int' || type === 'text' || type === 'date'),
      random.int(0, 2),
    )
    .map(({ sql: text, type }) =>
      sql(
        type === 'int' && random.chance(0.4)
          ? `sum(${text})`
          : `${random.pick(['min', 'max', 'count', 'count(DISTINCT '])}(${text})`.replace(
              '(DISTINCT (',
              '(DISTINCT ',
            ),
      ),
    );
  const filtered = random.chance(0.1)
    ? [sql(`count(*) FILTER (WHERE ${columns[0]?.sql ?? '1'} IS NOT NULL)`)]
    : [];
  const counts = [sql('count(*)'), ...aggregates, ...filtered];
  if (random.chance(0.4)) return { targets: counts };
  const by = random.sample(columns, random.int(1, 2));
  const list = by.map(({ sql: text }) => text).join(', ');
  const groupBy = random.pick([list, list, list, `ROLLUP (${list})`]);
  return {
    targets: [...by.map(({ sql: text }) => sql(text)), ...counts],
    groupBy,
    ...maybeHaving(by, scope),
  };
}

function maybeHaving(by: readonly ColumnInScope[], { random }: SelectScope): { having?: Expression } {
  if (!random.chance(0.3)) return {};
  const [first] = by;
  if (first?.type === 'int' && random.chance(0.4))
    return { having: sql(`100 / ${first.sql} > ${random.int(1, 20)}`) };
  return { having: sql(`count(*) ${random.pick(['> 1', '< 4', '<> 2'])}`) };
}

const constants: Readonly<Record<ValueType, string>> = {
  int: '1',
  numeric: '1.5',
  float: '1.5::float8',
  text: `'a'::text`,
  date: `date '2024-01-09'`,
  timestamp: `timestamp '2024-03-31 01:30'`,
  bool: 'true',
  ints: `'{1,2}'::int[]`,
  json: `'{"a": 1}'::jsonb`,
  range: `'[1,5)'::int4range`,
  cube: `'(1, 2)'::cube`,
};
