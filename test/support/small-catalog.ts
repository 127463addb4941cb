import {
  Catalog,
  TypeOid,
  type CatalogCast,
  type CatalogColumn,
  type CatalogFunction,
  type CatalogOperator,
  type CatalogRelation,
  type CatalogRows,
  type CatalogType,
  type Volatility,
} from '../../src/query/catalog/catalog';
import type { PartitionKey } from '../../src/query/partition-key';

/** Types besides the builtin ones that have a name in TypeOid. */
export const SmallTypeOid = {
  int4Array: 1007,
  numericArray: 1231,
  textArray: 1009,
  anyarray: 2277,
  any: 2276,
  regclass: 2205,
  jsonb: 3802,
  smallNumber: 20_001,
  mood: 20_002,
} as const;

const { int2, int4, int8, float4, float8, numeric, text, varchar, bpchar, bool } = TypeOid;
const { date, timestamp, timestamptz, interval, uuid, unknown } = TypeOid;

/** The tables of the tests: places in regions, shops in regions and towns, towns; and what must be left alone. */
const relations: readonly CatalogRelation[] = [
  relation(30_001, 'public', 'place', [
    column('id', int4, true),
    column('region_id', int4),
    column('kind', text),
    column('population', int4),
    column('lat', float8),
    column('opened', date),
    column('seen', timestamp),
    column('seen_tz', timestamptz),
    column('tags', SmallTypeOid.textArray),
    column('odd "name"{0}', int4),
  ]),
  relation(30_002, 'public', 'region', [column('region_id', int4, true), column('name', text)]),
  relation(30_003, 'public', 'shop', [
    column('id', int4, true),
    column('region_id', int8),
    column('town', text),
    column('size', SmallTypeOid.smallNumber),
    column('mood', SmallTypeOid.mood),
  ]),
  relation(30_004, 'public', 'town', [column('town', varchar, true), column('mayor', text)]),
  relation(30_005, 'public', 'reading', [column('region_id', float8), column('value', int4)]),
  relation(30_006, 'public', 'street', [
    { ...column('town', text), hasDeterministicCollation: false, collationOid: 20_100 },
    column('length', int4),
  ]),
  relation(30_007, 'public', 'note', []),
  relation(30_008, 'public', 'place_view', [], 'v'),
  relation(30_009, 'public', 'remote_place', [], 'f'),
  { ...relation(30_010, 'public', 'secret', []), hasRowSecurity: true },
  relation(30_011, 'other', 'place', [column('region_id', int4), column('population', int4)]),
];

/** Keys over them: every table of `region` holds integers, but for one that the configuration is wrong about. */
export const smallKeys: readonly PartitionKey[] = [
  {
    name: 'region',
    datatype: 'integer',
    tables: new Map([
      ['public.place', 'region_id'],
      ['public.region', 'region_id'],
      ['public.shop', 'region_id'],
      ['public.reading', 'region_id'],
    ]),
  },
  {
    name: 'town',
    datatype: 'text',
    tables: new Map([
      ['public.shop', 'town'],
      ['public.town', 'town'],
      ['public.street', 'town'],
    ]),
  },
];

const categories: ReadonlyMap<number, string> = new Map([
  [bool, 'B'],
  ...[int2, int4, int8, float4, float8, numeric].map((oid) => [oid, 'N'] as const),
  ...[text, varchar, bpchar].map((oid) => [oid, 'S'] as const),
  ...[date, timestamp, timestamptz].map((oid) => [oid, 'D'] as const),
  [interval, 'T'],
  [unknown, 'X'],
  [SmallTypeOid.mood, 'E'],
]);
const preferred: ReadonlySet<number> = new Set([bool, float8, text, timestamptz, interval]);

const types: readonly CatalogType[] = [
  type(bool, 'bool'), type(int2, 'int2'), type(int4, 'int4'), type(int8, 'int8'), type(text, 'text'),
  type(float4, 'float4'), type(float8, 'float8'), type(unknown, 'unknown', { kind: 'p' }), type(bpchar, 'bpchar'),
  type(varchar, 'varchar'), type(numeric, 'numeric'), type(uuid, 'uuid'), type(SmallTypeOid.jsonb, 'jsonb'),
  type(date, 'date', { inputVolatility: 's', outputVolatility: 's' }),
  type(timestamp, 'timestamp', { inputVolatility: 's', outputVolatility: 's' }),
  type(timestamptz, 'timestamptz', { inputVolatility: 's', outputVolatility: 's' }),
  type(interval, 'interval', { inputVolatility: 's' }),
  type(SmallTypeOid.regclass, 'regclass', { inputVolatility: 's' }),
  type(SmallTypeOid.int4Array, '_int4', { elementOid: int4, inputVolatility: 's' }),
  type(SmallTypeOid.numericArray, '_numeric', { elementOid: numeric, inputVolatility: 's' }),
  type(SmallTypeOid.textArray, '_text', { elementOid: text, inputVolatility: 's' }),
  type(SmallTypeOid.anyarray, 'anyarray', { kind: 'p' }), type(SmallTypeOid.any, 'any', { kind: 'p' }),
  type(SmallTypeOid.smallNumber, 'small_number', { schema: 'public', kind: 'd', baseOid: int4, inputVolatility: 's' }),
  type(SmallTypeOid.mood, 'mood', { schema: 'public', kind: 'e', inputVolatility: 's' }),
]; // prettier-ignore

const comparisons = ['=', '<>', '<', '<=', '>', '>='];
const numbers = [int2, int4, int8];
let nextOid = 1_000;

const operators: readonly CatalogOperator[] = [
  ...comparisons.flatMap((name) => [
    ...[bool, text, bpchar, numeric, uuid, date, timestamp, timestamptz, interval].map((oid) =>
      operator(name, oid, oid, bool),
    ),
    ...numbers.flatMap((left) => numbers.map((right) => operator(name, left, right, bool))),
    ...[float4, float8].flatMap((left) => [float4, float8].map((right) => operator(name, left, right, bool))),
    operator(name, date, timestamp, bool),
    operator(name, timestamp, date, bool),
    operator(name, date, timestamptz, bool, 's'),
    operator(name, timestamp, timestamptz, bool, 's'),
    operator(name, SmallTypeOid.anyarray, SmallTypeOid.anyarray, bool),
  ]),
  ...['+', '-', '*', '/', '%'].map((name) => operator(name, int4, int4, int4)),
  ...['+', '-', '*', '/'].flatMap((name) => [
    operator(name, float8, float8, float8),
    operator(name, numeric, numeric, numeric),
  ]),
  operator('-', 0, int4, int4),
  operator('||', text, text, text),
  operator('+', date, interval, timestamp),
  operator('+', timestamptz, interval, timestamptz, 's'),
  ...['~~', '!~~', '~~*', '!~~*', '~', '!~', '~*', '!~*'].map((name) => operator(name, text, text, bool)),
  { ...operator('===', int4, int4, bool, 'v'), oid: 20_201, schema: 'public' },
  { ...operator('=', SmallTypeOid.jsonb, SmallTypeOid.jsonb, bool), oid: 20_202, schema: 'shadow' },
  { ...operator('=', int4, int4, bool), oid: 20_203, schema: 'shadow' },
];

const functions: readonly CatalogFunction[] = [
  fn('lower', [text], text), fn('length', [text], int4), fn('abs', [int4], int4), fn('abs', [float8], float8),
  fn('substr', [text, int4], text), fn('substr', [text, int4, int4], text), fn('sqrt', [float8], float8),
  fn('like_escape', [text, text], text),
  fn('now', [], timestamptz, { volatility: 's' }), fn('current_setting', [text], text, { volatility: 's' }),
  fn('to_char', [timestamp, text], text, { volatility: 's' }), fn('random', [], float8, { volatility: 'v' }),
  fn('set_config', [text, text, bool], text, { volatility: 'v' }),
  fn('count', [], int8, { kind: 'a' }), fn('count', [SmallTypeOid.any], int8, { kind: 'a' }),
  fn('sum', [int4], int8, { kind: 'a' }), fn('max', [int4], int4, { kind: 'a' }),
  fn('rank', [], int8, { kind: 'w' }),
  fn('generate_series', [int4, int4], int4, { returnsSet: true }),
  fn('concat', [SmallTypeOid.any], text, { variadicOid: SmallTypeOid.any, volatility: 's' }),
  { ...fn('score', [int4], int4), oid: 20_301, schema: 'public' },
  { ...fn('score', [text], int4, { volatility: 'v' }), oid: 20_302, schema: 'public' },
  { ...fn('lower', [text], text, { volatility: 'v' }), oid: 20_303, schema: 'shadow' },
]; // prettier-ignore

const casts: readonly CatalogCast[] = [
  cast(int2, int4, 'i'), cast(int2, int8, 'i'), cast(int4, int8, 'i'), cast(int4, float8, 'i'), cast(int8, float8, 'i'),
  cast(int4, numeric, 'i'), cast(int8, numeric, 'i'), cast(numeric, float8, 'i'), cast(float4, float8, 'i'),
  cast(float8, int4, 'a'), cast(int8, int4, 'a'), cast(varchar, text, 'i'), cast(text, varchar, 'i'),
  cast(bpchar, text, 'i'), cast(date, timestamp, 'i'), cast(date, timestamptz, 'i', 's'),
  cast(timestamp, timestamptz, 'i', 's'), cast(timestamp, date, 'a'), cast(int4, SmallTypeOid.regclass, 'i'),
]; // prettier-ignore

/** A catalog with what the tests of the query code need of a real one, in its own numbers and volatilities. */
export function smallCatalog(overrides: Partial<CatalogRows> = {}): Catalog {
  return new Catalog({
    relations,
    types,
    operators,
    functions,
    casts,
    collations: [{ oid: 950, schema: 'pg_catalog', name: 'C', isDeterministic: true }],
    virtualColumns: new Set(),
    keyCounts: new Map([['region', 100]]),
    ...overrides,
  });
}

/** The rows of smallCatalog, to add to. */
export const smallRows = { relations, types, operators, functions, casts };

export function relation(
  oid: number,
  schema: string,
  name: string,
  columns: readonly CatalogColumn[],
  kind = 'r',
): CatalogRelation {
  return {
    oid,
    schema,
    name,
    kind,
    hasRowSecurity: false,
    hasColumnPrivileges: false,
    rowCount: 1_000,
    columns: new Map(columns.map((each) => [each.name, each])),
  };
}

export function column(name: string, typeOid: number, isNotNull = false): CatalogColumn {
  const isText = typeOid === text || typeOid === varchar;
  return { name, typeOid, isNotNull, hasDeterministicCollation: true, collationOid: isText ? 100 : 0 };
}

function type(oid: number, name: string, details: Partial<CatalogType> = {}): CatalogType {
  return {
    oid,
    schema: 'pg_catalog',
    name,
    kind: 'b',
    elementOid: 0,
    baseOid: 0,
    partOid: 0,
    category:
      categories.get(oid) ?? (details.elementOid === undefined ? (details.kind === 'p' ? 'P' : 'U') : 'A'),
    isPreferred: preferred.has(oid),
    inputVolatility: 'i',
    outputVolatility: 'i',
    hasQuietChecks: false,
    ...details,
  };
}

function operator(
  name: string,
  leftOid: number,
  rightOid: number,
  resultOid: number,
  volatility: Volatility = 'i',
): CatalogOperator {
  return {
    oid: nextOid++,
    schema: 'pg_catalog',
    name,
    leftOid,
    rightOid,
    resultOid,
    volatility,
    isScript: false,
  };
}

export function fn(
  name: string,
  argumentOids: readonly number[],
  resultOid: number,
  details: Partial<CatalogFunction> = {},
): CatalogFunction {
  return {
    oid: nextOid++,
    schema: 'pg_catalog',
    name,
    kind: 'f',
    argumentOids,
    defaultCount: 0,
    variadicOid: 0,
    returnsSet: false,
    resultOid,
    volatility: 'i',
    isScript: false,
    ...details,
  };
}

function cast(
  sourceOid: number,
  targetOid: number,
  context: 'i' | 'a' | 'e',
  volatility: Volatility = 'i',
): CatalogCast {
  return { sourceOid, targetOid, context, volatility, isBinary: false, isScript: false };
}
