import type { Random } from './random';
import type { ValueType } from './schema';
import { sql, type Constant, type Expression, type Part, type Query } from './statement';

/** A column that an expression may use. */
export interface ColumnInScope {
  /** As it is written: qualified, quoted, or bare where that is unambiguous. */
  readonly sql: string;
  readonly name: string;
  readonly type: ValueType;
  readonly alias: string;
  /** The partition key whose values it holds. */
  readonly key: string | undefined;
}

/** What a condition may be made of. */
export interface ExpressionScope {
  readonly random: Random;
  readonly columns: readonly ColumnInScope[];
  /** Columns of the blocks around this one. */
  readonly outer: readonly ColumnInScope[];
  /** A sub-select that returns one column of the type; undefined if they are nested deeply enough. */
  subselect(type: ValueType): Query | undefined;
}

/** A condition, mostly a plain one. */
export function randomCondition(scope: ExpressionScope, depth = 0): Expression {
  const { random } = scope;
  if (depth < 2 && random.chance(0.16)) {
    const word = random.pick(['OR', 'OR', 'AND'] as const);
    return {
      kind: 'logic',
      word,
      args: random.times(random.int(2, 3), () => randomCondition(scope, depth + 1)),
    };
  }
  if (depth < 2 && random.chance(0.08)) return { kind: 'not', arg: randomCondition(scope, depth + 1) };
  if (random.chance(0.14)) {
    const nested = subselectCondition(scope);
    if (nested !== undefined) return nested;
  }
  if (random.chance(0.02)) return sql(random.pick(withoutColumns));
  if (random.chance(0.05)) {
    const guarded = guardedCondition(scope);
    if (guarded !== undefined) return guarded;
  }
  const column = random.pick(random.chance(0.06) && scope.outer.length > 0 ? scope.outer : scope.columns);
  if (random.chance(0.12)) {
    const other = scope.columns.filter(({ type, sql: text }) => type === column.type && text !== column.sql);
    if (other.length > 0) return betweenColumns(column, random.pick(other), random);
  }
  return random.chance(0.15) ? anyType(column, random) : conditions[column.type](column, random);
}

/** A condition that fails on some rows, beside another that mostly keeps these from it (rule S12). */
function guardedCondition({ random, columns }: ExpressionScope): Expression | undefined {
  const candidates = columns.filter(({ type }) => type === 'int' || type === 'text' || type === 'float');
  if (candidates.length === 0) return undefined;
  const { sql: c, type } = random.pick(candidates);
  const pair =
    type === 'text'
      ? [`${c}::int > ${random.int(0, 20)}`, `${c} IN ('7', '12', '300')`]
      : [`100 / ${c} > ${random.int(1, 20)}`, `${c} > ${random.int(0, 5)}`];
  return { kind: 'logic', word: 'AND', args: random.sample(pair, 2).map((text) => sql(text)) };
}

/** Stable and volatile functions, and what is decided while planning. */
const withoutColumns = [
  'random() >= 0', 'now() > timestamptz \'2001-01-01\'', 'current_date > date \'2001-01-01\'', 'true',
  'current_setting(\'server_version_num\')::int > 100000', 'clock_timestamp() > \'2001-01-01\'', '1 = 1', '2 > 1',
  'current_user IS NOT NULL', 'length(\'abc\') = 3',
]; // prettier-ignore

function subselectCondition(scope: ExpressionScope): Expression | undefined {
  const { random } = scope;
  const column = random.pick(scope.columns);
  const query = scope.subselect(column.type);
  if (query === undefined) return undefined;
  switch (random.int(0, 6)) {
    case 0:
    case 1:
      return sql(random.pick(['EXISTS ', 'EXISTS ', 'NOT EXISTS ']), query);
    case 2:
    case 3:
      return sql(column.sql, random.pick([' IN ', ' IN ', ' NOT IN ']), query);
    case 4:
      return column.type === 'ints' ? sql('EXISTS ', query) : sql(column.sql, ' > ANY ', query);
    case 5:
      return column.type === 'ints' ? sql('EXISTS ', query) : sql(column.sql, ' = ANY (ARRAY', query, ')');
    default:
      return sql(
        'coalesce((SELECT count(*) FROM ',
        query,
        ' AS counted), 0) ',
        random.pick(['> 0', '< 5', '<> 3']),
      );
  }
}

function betweenColumns(left: ColumnInScope, right: ColumnInScope, random: Random): Expression {
  const operator = random.pick(['=', '<', '>=', '<>', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM']);
  if ((left.type === 'int' || left.type === 'float' || left.type === 'numeric') && random.chance(0.4))
    return distance(`${left.sql} - ${right.sql}`, left.type, random);
  if (left.type === 'cube' && random.chance(0.6))
    return distance(`${left.sql} <-> ${right.sql}`, 'float', random);
  return sql(`${left.sql} ${operator} ${right.sql}`);
}

/** What `bucket_steps` widens, in the forms it may have. */
function distance(between: string, type: ValueType, random: Random): Expression {
  const absolute = random.chance(0.5) ? `abs(${between})` : `(${between})`;
  const bound = (): Constant =>
    constant(
      `${random.int(-2, 12)}${type === 'int' ? '' : random.pick(['', '.5', '.25'])}`,
      random,
      type === 'int' ? 'int' : 'float',
    );
  const choices: (() => Expression)[] = [
    () => sql(`${absolute} ${random.pick(['<', '<=', '>', '>='])} `, bound()),
    () => sql(bound(), ` ${random.pick(['<', '<=', '>', '>='])} ${absolute}`),
    () =>
      sql(
        `${absolute} ${random.pick(['', 'NOT '])}BETWEEN ${random.pick(['', 'SYMMETRIC '])}`,
        bound(),
        ' AND ',
        bound(),
      ),
    () => sql(`NOT (${absolute} ${random.pick(['<', '>='])} `, bound(), ')'),
    () => sql(`(${absolute} < `, bound(), ` OR ${absolute} > `, bound(), ')'),
    () => sql(`${absolute} < ${random.int(1, 9)}.5e0`),
    () => sql(`${absolute} < '${random.int(1, 9)}'`),
  ];
  return random.pick(choices)();
}

function anyType({ sql: column, type }: ColumnInScope, random: Random): Expression {
  switch (random.int(-1, 3)) {
    case -1:
    case 0:
      return sql(`${column} IS ${random.pick(['', '', 'NOT '])}NULL`);
    case 1:
      return sql(`CASE WHEN ${column} IS NULL THEN true ELSE ${column}::text > '3' END`);
    case 2:
      return type === 'ints' ? sql(`${column} = '{}'`) : sql(`${column}::text LIKE '%1%'`);
    default:
      return sql(`coalesce(${column}::text, 'none') <> 'none'`);
  }
}

type Conditions = (column: ColumnInScope, random: Random) => Expression;

/** `column op constant` in either orientation. */
function comparison(column: string, operator: string, constant: Part, random: Random): Expression {
  const mirrored: Readonly<Record<string, string>> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };
  return random.chance(0.7)
    ? sql(column, ` ${operator} `, constant)
    : sql(constant, ` ${mirrored[operator] ?? operator} `, column);
}

const comparisons = ['=', '<', '>', '<=', '>=', '<>', '='];

const conditions: Readonly<Record<ValueType, Conditions>> = {
  int: (column, random) => {
    const c = column.sql;
    const k = (): Constant => constant(String(random.int(-1, 32)), random, 'int');
    const choices: (() => Expression)[] = [
      () => comparison(c, random.pick(comparisons), k(), random),
      () => comparison(c, random.pick(comparisons), k(), random),
      () =>
        sql(
          `${c} ${random.pick(['', '', 'NOT '])}BETWEEN ${random.pick(['', '', 'SYMMETRIC '])}`,
          k(),
          ' AND ',
          k(),
        ),
      () => sql(`${c} ${random.pick(['', '', 'NOT '])}IN (`, k(), ', ', k(), ', ', k(), ')'),
      () => sql(`${c} = ANY ('{${random.times(random.int(0, 5), () => random.int(0, 30)).join(',')}}')`),
      () => sql(`${c} ${random.pick(['= ANY', '<> ALL', '< ALL'])} (ARRAY[`, k(), ', ', k(), '])'),
      () => sql(`${c} % ${random.int(0, 3)} = 1`),
      () => sql(`${c} / ${random.int(1, 3)} > ${random.int(1, 9)}.5`),
      () => sql(`${c} + `, k(), ` > ${random.int(0, 40)}`),
      () => sql(`100 / ${c} > ${random.int(2, 30)}`),
      () => sql(`${c} * ${random.pick(['200000000', '1000', '2000'])} > ${random.int(0, 5000)}`),
      () => sql(`abs(${c}) < `, k()),
      () => sql(`(${c} > `, k(), `) IS ${random.pick(['TRUE', 'NOT TRUE', 'FALSE', 'UNKNOWN'])}`),
      () => sql(`${c} IS ${random.pick(['', 'NOT '])}DISTINCT FROM `, k()),
      () => sql(`coalesce(${c}, 3) < `, k()),
      () => sql(`${c} ${random.pick(['<', '>'])} ${random.int(0, 30)}.5`),
      () => sql(`${c} = '${random.int(0, 30)}'`),
      () => sql(`${c}::bigint < `, k()),
      () => sql(`power(${c}, 2) < ${random.int(1, 500)}`),
      () => sql(`- ${c} < -${random.int(1, 25)}`),
      () => sql(`(${c}, 1) < (${random.int(1, 30)}, 2)`),
      () => sql(`${c} OPERATOR(pg_catalog.<) `, k()),
      () => sql(`${c} IN (VALUES (`, k(), '), (', k(), '), (', k(), '))'),
      () => sql(`(${c}, ${c} % 2) = (`, k(), `, 1)`),
      () => sql(`(${c}, 1) IN ((`, k(), ', 1), (', k(), ', 1))'),
      () => sql(`${c} <@ int4range(${random.int(0, 9)}, ${random.int(9, 30)})`),
      () => sql(`${c} & 3 = ${random.int(0, 3)}`),
      () => sql(`greatest(${c}, 3) > `, k()),
      () => sql(`nullif(${c}, `, k(), ') > 4'),
      () => sql(`CASE ${c} WHEN ${random.int(0, 9)} THEN true WHEN 3 THEN NULL ELSE ${c} > 5 END`),
      () => sql(`${c}::numeric(6,1) > ${random.int(0, 30)}.0`),
      () => sql(`${c} = ${random.pick(['3::bigint', '1e1', '007', '0x1f', "int '4'", '(5)', '- -6'])}`),
    ];
    return random.pick(choices)();
  },

  numeric: (column, random) => {
    const c = column.sql;
    const choices: (() => Expression)[] = [
      () =>
        comparison(
          c,
          random.pick(comparisons),
          constant(`${random.int(0, 60) / 2}`, random, 'numeric'),
          random,
        ),
      () => sql(`${c} / 2 > ${random.int(1, 9)}.2`),
      () => sql(`1 / ${c} < 0.3`),
      () => sql(`round(${c}) = ${random.int(0, 30)}`),
      () => sql(`${c} IN (${random.int(0, 30)}, ${random.int(0, 30)}.50, ${random.int(0, 30)}.5)`),
      () => sql(`${c} BETWEEN SYMMETRIC ${random.int(0, 30)} AND ${random.int(0, 30)}.5`),
      () => sql(`${c} % 2 = 1`),
    ];
    return random.pick(choices)();
  },

  float: (column, random) => {
    const c = column.sql;
    const choices: (() => Expression)[] = [
      () =>
        comparison(
          c,
          random.pick(comparisons),
          constant(`${random.int(-4, 40) / 4}`, random, 'float'),
          random,
        ),
      () => sql(`${c} BETWEEN ${random.int(0, 3)} AND ${random.int(3, 9)}`),
      () => sql(`1 / ${c} > 0.4`),
      () => sql(`sqrt(${c}) > 1.5`),
      () => sql(`${c}::int < ${random.int(0, 9)}`),
      () => sql(`${c} + 1 < ${random.int(1, 9)}`),
      () => sql(`${c} = 'NaN'`),
      () => sql(`floor(${c}) IN (1, 2, 3)`),
      () => sql(`${c} = ANY ('{${random.int(0, 9)},${random.int(0, 9)}.5,NaN}')`),
      () => sql(`${c} = '${random.int(0, 9)}'::real`),
      () => sql(`@ ${c} > 2`),
    ];
    return random.pick(choices)();
  },

  text: (column, random) => {
    const c = column.sql;
    const word = random.pick(['a', 'b', 'ab', 'Abc', 'k1', 'k2', 'k3', '7', '12', '', "it''s"]);
    const choices: (() => Expression)[] = [
      () => comparison(c, random.pick(comparisons), constant(`'${word}'`, random, 'text'), random),
      () => sql(`${c} ${random.pick(['', 'NOT '])}IN ('a', 'k1', '${word}')`),
      () => sql(`${c} = ANY ('{a,k1,k2,"a b"}')`),
      () => sql(`${c} = ANY (ARRAY['a', '${word}'])`),
      () =>
        sql(
          `${c} ${random.pick(['', 'NOT '])}${random.pick(['LIKE', 'ILIKE'])} '${random.pick(['k%', 'a%', '%b%', '_', 'a\\_b', 'k1\\', '%1'])}'`,
        ),
      () => sql(`${c} ${random.pick(['~', '!~', '~*'])} '${random.pick(['^k', '[0-9]+', 'a|b', '^$'])}'`),
      () => sql(`${c} SIMILAR TO '(a|k)%'`),
      () => sql(`lower(${c}) = '${word}'`),
      () => sql(`length(${c}) ${random.pick(['<', '>', '='])} ${random.int(0, 4)}`),
      () => sql(`${c}::int > ${random.int(0, 20)}`),
      () => sql(`substr(${c}, 1, 1) IN ('a', 'k')`),
      () => sql(`left(${c}, 1) = 'k'`),
      () => sql(`${c} || 'x' = '${word}x'`),
      () => sql(`starts_with(${c}, 'k')`),
      () => sql(`${c} COLLATE "C" > '${word}'`),
      () => sql(`${c}::char(2) = 'k1'`),
      () => sql(`${c} = $q$${word.replace("''", "'")}$q$`),
      () => sql(`position('a' IN ${c}) > 0`),
      () => sql(`${c} = E'k\\x31'`),
      () => sql(`${c} = U&'k\\0032'`),
      () => sql(`nullif(${c}, 'a') IS NULL`),
      () => sql(`${c} NOT SIMILAR TO '%(b|2)'`),
      () => sql(`${c} LIKE 'a!_%' ESCAPE '!'`),
      () => sql(`${c} ^@ 'k'`),
      () => sql(`${c} OPERATOR(pg_catalog.~~) 'k%'`),
      () => sql(`${c} BETWEEN 'a' AND '${word}'`),
      () => sql(`${c} IN (VALUES ('a'), ('${word}'))`),
      () => sql(`(${c}, 1) = ('${word}', 1)`),
      () => sql(`${c} = any (string_to_array('a,k1,k3', ','))`),
      () => sql(`CASE WHEN ${c} ~ '^[0-9]+$' THEN ${c}::int > 8 ELSE ${c} < 'k' END`),
      () => sql(`upper(substring(${c} from 1 for 2)) = 'K1'`),
    ];
    return random.pick(choices)();
  },

  date: (column, random) => {
    const c = column.sql;
    const day = `2024-0${random.int(1, 4)}-${random.int(10, 28)}`;
    const choices: (() => Expression)[] = [
      () => comparison(c, random.pick(comparisons), constant(`'${day}'`, random, 'date'), random),
      () => sql(`${c} ${random.pick(['<', '>'])} date '${day}'`),
      () => sql(`${c} BETWEEN '2024-01-10' AND '${day}'`),
      () => sql(`${c} + interval '3 days' > timestamp '${day} 12:00'`),
      () => sql(`${c} - date '2024-01-01' < ${random.int(5, 50)}`),
      () => sql(`extract(dow FROM ${c}) = ${random.int(0, 6)}`),
      () => sql(`${c} < now()`),
      () => sql(`${c} < current_date - 100`),
      () => sql(`${c} < 'today'`),
      () => sql(`to_char(${c}, 'MM') = '01'`),
      () => sql(`date_trunc('month', ${c}) = '2024-02-01'`),
      () => sql(`${c}::text LIKE '2024-01%'`),
      () => sql(`(${c}, interval '2 days') OVERLAPS (date '2024-01-20', date '${day}')`),
      () => sql(`${c} + ${random.int(1, 9)} > '${day}'`),
      () => sql(`${c} <@ daterange('2024-01-05', '2024-03-${random.int(10, 28)}')`),
      () => sql(`${c} IN ('2024-01-05', '${day}')`),
      () => sql(`make_date(2024, 1, ${random.int(1, 28)}) < ${c}`),
    ];
    return random.pick(choices)();
  },

  timestamp: (column, random) => {
    const c = column.sql;
    const time = `2024-${random.pick(['03-30', '03-31', '04-02'])} 0${random.int(0, 9)}:30`;
    const choices: (() => Expression)[] = [
      () => comparison(c, random.pick(comparisons), constant(`'${time}'`, random, 'timestamp'), random),
      () => sql(`${c} < timestamp '${time}'`),
      () => sql(`${c} > timestamptz '${time}+03'`),
      () => sql(`${c}::date = '2024-03-31'`),
      () => sql(`${c} + interval '1 day' > '${time}'`),
      () => sql(`${c} > 'yesterday'`),
      () => sql(`${c} < now() - interval '3 days'`),
      () => sql(`extract(hour FROM ${c}) < ${random.int(3, 20)}`),
      () => sql(`date_trunc('day', ${c}) = '2024-03-31'`),
      () => sql(`${c} AT TIME ZONE 'Asia/Tokyo' > '${time}'`),
      () => sql(`${c} BETWEEN timestamp '2024-03-28' AND timestamp '2024-03-28' + interval '1 week'`),
      () => sql(`${c} - interval '1 month' < '2024-03-01'`),
      () => sql(`age(${c}, timestamp '2024-03-28') > interval '2 days'`),
    ];
    return random.pick(choices)();
  },

  bool: ({ sql: c }, random) =>
    sql(random.pick([c, `NOT ${c}`, `${c} IS TRUE`, `${c} IS NOT TRUE`, `${c} = false`, `${c} IS UNKNOWN`])),

  ints: ({ sql: c }, random) =>
    sql(
      random.pick([
        `${random.int(0, 9)} = ANY (${c})`,
        `${c} @> ARRAY[${random.int(0, 9)}]`,
        `${c}[1] = ${random.int(0, 9)}`,
        `array_length(${c}, 1) > ${random.int(0, 3)}`,
        `cardinality(${c}) < ${random.int(1, 4)}`,
        `${c} && '{1,2,3}'`,
        `${c} = '{}'`,
        `${c} < ARRAY[5]`,
        `${random.int(0, 9)} <> ALL (${c})`,
        `ARRAY[${random.int(0, 9)}] <@ ${c}`,
        `${c}[1:2] = ARRAY[${random.int(0, 9)}, ${random.int(0, 9)}]`,
        `array_position(${c}, ${random.int(0, 9)}) IS NOT NULL`,
        `${c} || 1 = '{1}'`,
      ]),
    ),

  json: ({ sql: c }, random) =>
    sql(
      random.pick([
        `${c}->>'a' = '${random.int(0, 9)}'`,
        `${c} @> '{"a": ${random.int(0, 9)}}'`,
        `${c} ? 'b'`,
        `${c} #>> '{b,1}' = '${random.int(0, 3)}'`,
        `(${c}->'a')::int > 3`,
        `(${c}->>'a')::int > 3`,
        `jsonb_typeof(${c}) = 'array'`,
        `${c} @? '$.a ? (@ > 3)'`,
        `${c}['a'] = '${random.int(0, 9)}'`,
        `${c} = '{"a": ${random.int(0, 9)}, "b": ["x", 1]}'`,
        `${c} ?| ARRAY['a', 'k1']`,
        `jsonb_path_exists(${c}, '$.b[*] ? (@ == "x")')`,
      ]),
    ),

  range: ({ sql: c }, random) =>
    sql(
      random.pick([
        `${c} @> ${random.int(0, 15)}`,
        `${c} && int4range(${random.int(0, 5)}, ${random.int(5, 12)})`,
        `${c} << '[${random.int(3, 9)},20)'`,
        `upper(${c}) > ${random.int(2, 15)}`,
        `isempty(${c})`,
        `${c} -|- '[${random.int(3, 9)},20)'`,
        `${c} = '[${random.int(0, 9)},9]'`,
        `${c} <@ '[0,10]'`,
        `${c} * '[2,5]' <> 'empty'`,
        `int4range(${random.int(0, 5)}, 7, '[]') @> ${c}`,
        `${c} @> '{[2,3],[5,6]}'::int4multirange`,
      ]),
    ),

  cube: ({ sql: c }, random) =>
    sql(
      random.pick([
        `${c} <-> cube(ARRAY[${random.int(0, 9)}, 2]) < ${random.int(1, 5)}`,
        `cube_distance(${c}, '(${random.int(0, 9)}, 3)') < ${random.int(1, 5)}`,
        `${c} <@ '(0, 0),(${random.int(2, 6)}, 5)'`,
        `${c} && '(1, 1),(${random.int(2, 6)}, 8)'`,
        `cube_ll_coord(${c}, 1) > ${random.int(2, 8)}`,
        `${c} = '(${random.int(0, 9)}, 2)'`,
        `${c} ~> 1 > 3`,
      ]),
    ),
};

/** A constant, now and then to be sent as a parameter. */
function constant(text: string, random: Random, type: ValueType): Constant {
  const isString = text.startsWith("'");
  return {
    kind: 'constant',
    type,
    sql: text,
    text: isString ? text.slice(1, -1).replaceAll("''", "'") : text,
    isParameter: random.chance(0.6),
  };
}
