import type { PartitionKeyType } from '../../src/query/partition-key';
import type { TrackedKey } from '../../src/engine/database-engine';
import type { Random } from './random';
import { withRandomFragments } from './random-fragment-options';

/** What can be asked of a column. */
export type ValueType =
  'int' | 'numeric' | 'float' | 'text' | 'date' | 'timestamp' | 'bool' | 'ints' | 'json' | 'range' | 'cube';

export interface Column {
  readonly name: string;
  readonly type: ValueType;
  readonly sqlType: string;
  readonly isNotNull: boolean;
  /** The partition key whose values it holds, whether or not the configuration says so. */
  readonly key?: string;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly kind: 'plain' | 'partitioned' | 'inherited';
  /** A view of the same columns. */
  readonly view: string | undefined;
  readonly rows: number;
}

/** A database: tables to ask about, the statements that make them, and what is told to the proxy about them. */
export interface Schema {
  readonly tables: readonly Table[];
  readonly keys: readonly { readonly name: string; readonly datatype: PartitionKeyType }[];
  readonly tracked: readonly TrackedKey[];
  readonly ddl: string;
}

const keyTypes: Readonly<Record<PartitionKeyType, readonly (readonly [string, ValueType])[]>> = {
  integer: [['int', 'int'], ['int', 'int'], ['bigint', 'int'], ['smallint', 'int'], ['small_number', 'int']],
  text: [['text', 'text'], ['text', 'text'], ['varchar(20)', 'text']],
  float: [['float8', 'float'], ['float8', 'float'], ['float4', 'float']],
  timestamp: [['timestamp', 'timestamp'], ['timestamp', 'timestamp'], ['date', 'date'], ['timestamptz', 'timestamp'], ['timestamptz', 'timestamp']],
}; // prettier-ignore

/** What INSERT … SELECT writes to: enough columns, of a type that everything is assigned to. */
export const sinkTable = 'written';
const sinkColumns = 60;

const tableNames = ['place', 'shop', 'Street Sign', 'visit', 'zone'] as const;

/** Texts that quoting goes wrong with, if it can. */
const oddTexts = [
  `it''s`,
  'back\\slash',
  '{0}',
  '"quoted"',
  'NULL',
  '',
  'a,b',
  'żółw',
  '-- no comment',
  '$1',
];

/** A few tables that share partition keys, with NULLs, duplicates and values that some expressions fail on. */
export function randomSchema(random: Random): Schema {
  const keys = random.times(random.chance(0.25) ? 2 : 1, (i) => ({
    name: `key${i + 1}`,
    datatype: random.pick(['integer', 'integer', 'text', 'float', 'timestamp'] as const),
    column: random.pick(['region_id', 'region_id', 'Region Id', 'order']) + (i === 0 ? '' : '_2'),
    keyCount: random.int(10, 60),
  }));
  const tables: Table[] = [];
  const tracked = keys.map(({ name, datatype }) => ({
    name,
    datatype,
    maxKeyShare: 1,
    tables: new Map<string, string>(),
  }));
  const ddl = [
    'create domain small_number as int check (value < 100000);',
    'create extension cube;',
    `create table ${sinkTable} (${Array.from({ length: sinkColumns }, (_, i) => `c${i} text`).join(', ')});`,
  ];
  const names = [...random.sample(tableNames, random.int(2, 4)), 'untracked'];
  for (const name of names) {
    const isTracked = name !== 'untracked';
    const columns: Column[] = [{ name: 'id', type: 'int', sqlType: 'int', isNotNull: true }];
    for (const [i, key] of keys.entries()) {
      if (isTracked && i > 0 && random.chance(0.5)) continue;
      const [sqlType, type] = random.pick(keyTypes[key.datatype]);
      const column = random.chance(0.8) ? key.column : `${name}_key${i + 1}`;
      columns.push({ name: column, type, sqlType, isNotNull: random.chance(0.35), key: key.name });
      if (isTracked) tracked[i]?.tables.set(`public.${name}`, column);
    }
    columns.push(...otherColumns(random));
    const kind = isTracked
      ? random.pick(['plain', 'plain', 'plain', 'partitioned', 'inherited'] as const)
      : 'plain';
    const view = random.chance(0.3) ? `${name} seen` : undefined;
    const table = { name, columns, kind, view, rows: random.int(20, random.chance(0.15) ? 300 : 90) };
    tables.push(table);
    ddl.push(...tableDdl(table, random, (column) => keyValue(column, keys, random)));
    if (view === undefined) continue;
    ddl.push(`create view ${quote(view)} as ${viewOf(table, random)};`);
    if (!isTracked || random.chance(0.3)) continue;
    for (const { tables: ofKey } of tracked) {
      const column = ofKey.get(`public.${name}`);
      if (column !== undefined) ofKey.set(`public.${view}`, column);
    }
  }
  ddl.push('analyze;');
  return {
    tables,
    keys,
    tracked: tracked.map((key) => withRandomFragments(key, random)),
    ddl: ddl.join('\n'),
  };
}

/** All columns of a table under their names: views of the configuration are restricted only if they are of such kinds. */
function viewOf({ name, columns }: Table, random: Random): string {
  const all = `select * from ${quote(name)}`;
  const maybeNull = columns.map((column) => `b.${quote(column.name)}`).join(', ');
  return random.pick([
    all,
    `${all} where id % 5 <> 2`,
    `${all} where id < 30 union all ${all} where id % 4 = 1`,
    `select ${maybeNull} from ${quote(name)} a left join ${quote(name)} b on b.id = a.id + 3 where a.id <> 7`,
  ]);
}

/** Columns that most tables have under the same name, not always with the same type. */
function otherColumns(random: Random): Column[] {
  const column = (name: string, type: ValueType, sqlType: string): Column => ({
    name,
    type,
    sqlType,
    isNotNull: random.chance(0.2),
  });
  const all = [
    random.chance(0.7) ? column('n', 'int', 'int') : column('n', 'numeric', 'numeric(8,1)'),
    column('m', 'int', random.pick(['int', 'bigint', 'smallint'])),
    column('s', 'text', random.pick(['text', 'text', 'varchar(9)', 'char(6)'])),
    column('x', 'float', 'float8'),
    column('day', 'date', 'date'),
    column('at', 'timestamp', random.pick(['timestamp', 'timestamptz'])),
    column('Is Open', 'bool', 'boolean'),
    column('list', 'ints', 'int[]'),
    column('j', 'json', 'jsonb'),
    column('span', 'range', 'int4range'),
    column('spot', 'cube', 'cube'),
  ];
  return [...all.slice(0, 3), ...random.sample(all.slice(3), random.int(1, 5))];
}

function tableDdl(table: Table, random: Random, keyOf: (column: Column) => string): string[] {
  const { name, columns, kind, rows } = table;
  const key = columns.find((column) => column.key !== undefined);
  const definition = columns
    .map((c) => `${quote(c.name)} ${c.sqlType}${c.isNotNull ? ' not null' : ''}`)
    .join(', ');
  const partitionBy =
    kind === 'partitioned' && key !== undefined ? ` partition by hash (${quote(key.name)})` : '';
  const statements = [`create table ${quote(name)} (${definition})${partitionBy};`];
  if (partitionBy !== '') {
    for (let i = 0; i < 3; i++)
      statements.push(
        `create table ${quote(`${name}_${i}`)} partition of ${quote(name)} for values with (modulus 3, remainder ${i});`,
      );
  }
  if (kind === 'inherited')
    statements.push(`create table ${quote(`${name}_child`)} () inherits (${quote(name)});`);
  const rowsOf = (count: number): string =>
    random
      .times(count, (i) => `(${columns.map((column) => valueOf(column, i, random, keyOf)).join(', ')})`)
      .join(', ');
  statements.push(`insert into ${quote(name)} values ${rowsOf(rows)};`);
  if (kind === 'inherited')
    statements.push(`insert into ${quote(`${name}_child`)} values ${rowsOf(random.int(5, 30))};`);
  const indexed = new Set(random.sample(columns, random.int(0, 3)));
  if (key !== undefined && random.chance(0.5)) indexed.add(key);
  for (const column of indexed) statements.push(`create index on ${quote(name)} (${quote(column.name)});`);
  return statements;
}

function valueOf(column: Column, i: number, random: Random, keyOf: (column: Column) => string): string {
  if (column.name === 'id') return String(i + 1);
  if (!column.isNotNull && random.chance(0.12)) return 'null';
  return column.key === undefined ? otherValue(column, random) : keyOf(column);
}

function otherValue({ type }: Column, random: Random): string {
  switch (type) {
    case 'int':
      return String(random.int(0, 30));
    case 'numeric':
      return String(random.int(0, 60) / 2);
    case 'float':
      return String(random.int(-4, 40) / 4);
    case 'text':
      return `'${random.pick(['a', 'b', 'ab', 'Abc', 'k1', 'k2', '7', '12', '300', 'a_b', '', '%'])}'`;
    case 'date':
      return `date '2024-01-01' + ${random.int(0, 60)}`;
    case 'timestamp':
      return `timestamp '2024-03-25' + interval '1 hour' * ${random.int(0, 300)}`;
    case 'bool':
      return random.pick(['true', 'false']);
    case 'ints':
      return `'{${random.times(random.int(0, 4), () => random.int(0, 9)).join(',')}}'`;
    case 'json':
      return `'${random.pick([`{"a": ${random.int(0, 9)}, "b": ["x", ${random.int(0, 3)}]}`, `{"a": "${random.int(0, 9)}"}`, '[1, 2]', '{}', 'null', '"k1"'])}'`;
    case 'range': {
      const from = random.int(0, 12);
      return `'${random.pick([`[${from},${from + random.int(0, 6)}]`, `(${from},)`, `(,${from}]`, 'empty'])}'`;
    }
    case 'cube':
      return `'(${random.int(0, 9)}, ${random.int(0, 18) / 2})'`;
  }
}

interface GeneratedKey {
  readonly name: string;
  readonly datatype: PartitionKeyType;
  readonly keyCount: number;
}

/** Few values that occur often, and a tail that does not; with the ends and oddities of each type. */
function keyValue(column: Column, keys: readonly GeneratedKey[], random: Random): string {
  const key = keys.find(({ name }) => name === column.key);
  const number = random.int(0, random.int(1, key?.keyCount ?? 1));
  switch (key?.datatype) {
    case 'text':
      return `'${random.chance(0.15) ? random.pick(oddTexts) : `k${number}`}'`;
    case 'float':
      return random.chance(0.1) ? `'${random.pick(['NaN', '-0', 'Infinity', '1e-3'])}'` : `${number / 2}`;
    case 'timestamp':
      if (random.chance(0.05)) return `'${random.pick(['infinity', '-infinity', '0044-03-15 BC'])}'`;
      return `timestamp '2024-03-30' + interval '30 minutes' * ${number * random.pick([1, 48])}`;
    default:
      return String(random.chance(0.05) ? -number : number);
  }
}

export function quote(name: string): string {
  return /^[a-z_][a-z_0-9]*$/.test(name) && name !== 'order' ? name : `"${name.replaceAll('"', '""')}"`;
}
