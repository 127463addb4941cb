import { quoteArray, quoteIdentifier, type SqlText } from '../ast/quote';
import { TypeOid } from '../catalog/catalog';
import type { KeyClass, KeyMember } from '../analysis/key-classes';
import type { PartitionKeyType, PartitionValue } from '../partition-key';
import { arrayOf, rowsOf, type KeySource } from './key-source';

/** The keys a class may still have. */
export interface RestrictingKeys {
  readonly datatype: PartitionKeyType;
  readonly size: number;
  values(): Iterable<PartitionValue>;
}

/** The types of array that columns are compared with. */
export type ElementType = 'int2' | 'int4' | 'int8' | 'float8' | 'text' | 'date' | 'timestamp' | 'timestamptz';

/** By the column's base type. Comparing within the column's own type keeps its indexes usable. */
const elementTypes: ReadonlyMap<number, ElementType> = new Map([
  [TypeOid.int2, 'int2'],
  [TypeOid.int4, 'int4'],
  [TypeOid.int8, 'int8'],
  [TypeOid.float4, 'float8'],
  [TypeOid.float8, 'float8'],
  [TypeOid.text, 'text'],
  [TypeOid.date, 'date'],
  [TypeOid.timestamp, 'timestamp'],
  [TypeOid.timestamptz, 'timestamptz'],
]);

/** The least and the greatest value of the types that cannot hold every integer key. */
export const integerRanges: Readonly<Partial<Record<ElementType, readonly [string, string]>>> = {
  int2: ['-32768', '32767'],
  int4: ['-2147483648', '2147483647'],
};

const integerBits: ReadonlyMap<string, bigint> = new Map([
  ['int2', 15n],
  ['int4', 31n],
]);

/** The type of array a column is compared with, or undefined for one that is not restricted. */
export function elementTypeOf(baseTypeOid: number): ElementType | undefined {
  return elementTypes.get(baseTypeOid);
}

/**
 * The array of keys, as SQL. Keys that the column's type cannot hold are left out: no row has them.
 */
export function keyArray(keys: RestrictingKeys, elementType: string): SqlText {
  const bits = integerBits.get(elementType);
  if (bits === undefined) return quoteArray(keys.values(), keys.datatype, elementType);
  const fitting: bigint[] = [];
  for (const value of keys.values()) {
    const integer = BigInt(value);
    if (integer >= -(2n ** bits) && integer < 2n ** bits) fitting.push(integer);
  }
  return quoteArray(fitting, keys.datatype, elementType);
}

/**
 * How a condition uses its keys.
 *
 *   array      one array, which an index is searched for: `key = ANY (array)`
 *   semi-join  rows to join with, in the way and order the planner finds best: `key = ANY (SELECT …)`
 */
export type KeyPlacement = 'array' | 'semi-join';

/** The keys of a restriction, and how they are put. */
export interface PlacedKeys {
  readonly source: KeySource;
  readonly placement: KeyPlacement;
}

/**
 * The conjunct that lets the given keys through on one column (design.md, section 6). An empty set needs no keys: it is known
 * that no row of the block has one.
 *
 * Sound while the keys are a superset of those of the block's rows: it is implied, and removes no row. A row whose key is
 * NULL never satisfies `= ANY`, whatever the set holds (rule S4):
 *
 *   SELECT * FROM place WHERE population > 5     -- and a place without region: restricted by `region_id = ANY(…)` alone it is lost
 *
 * so `IS NULL` is let through unless the column is NOT NULL or the block equates it.
 */
export function restrictMember(
  member: Pick<KeyMember, 'column' | 'isNotNull'> & { readonly table: Pick<KeyMember['table'], 'alias'> },
  keyClass: Pick<KeyClass, 'isEquated'>,
  keys: PlacedKeys | 'none',
): string {
  const column = `${quoteIdentifier(member.table.alias)}.${quoteIdentifier(member.column)}`;
  const admitsNull = !member.isNotNull && !keyClass.isEquated;
  if (keys === 'none') return admitsNull ? `(${column} IS NULL)` : 'FALSE';
  const set = keys.placement === 'array' ? arrayOf(keys.source) : rowsOf(keys.source);
  const restriction = `${column} OPERATOR(pg_catalog.=) ANY (${set})`;
  return admitsNull ? `(${restriction} OR ${column} IS NULL)` : `(${restriction})`;
}
