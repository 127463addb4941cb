import { isBuiltin, TypeOid, type Catalog, type CatalogType } from '../catalog/catalog';

/**
 * What is known never to raise an error, whatever the rows hold (rule S12). Everything else may: arithmetic overflows,
 * casts of text fail, functions check their arguments.
 */
export const comparisonOperators: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '<=', '>', '>=']);

/** LIKE and the regular expressions raise only for a malformed pattern, so a constant pattern raises while planning or never. */
export const patternOperators: ReadonlySet<string> = new Set([
  '~~',
  '!~~',
  '~~*',
  '!~~*',
  '~',
  '!~',
  '~*',
  '!~*',
]);

/** Builtin functions of text that are defined for every argument, with the numbers of arguments they are so for. */
export const totalFunctions: ReadonlyMap<string, readonly number[]> = new Map([
  ['lower', [1]],
  ['upper', [1]],
  ['length', [1]], // with two it decodes bytes
  ['char_length', [1]],
  ['character_length', [1]],
  ['octet_length', [1]],
  ['btrim', [1, 2]],
  ['ltrim', [1, 2]],
  ['rtrim', [1, 2]],
  ['strpos', [2]],
  ['position', [2]],
  ['starts_with', [2]],
  ['md5', [1]],
  ['reverse', [1]],
]);

/**
 * Builtin types whose comparisons are defined for every two values. Not those of geometry, which compute what they
 * compare and overflow.
 */
const comparable: ReadonlySet<string> = new Set([
  'bool', 'bytea', 'char', 'name', 'int2', 'int4', 'int8', 'text', 'varchar', 'bpchar', 'oid', 'xid', 'tid', 'uuid',
  'float4', 'float8', 'numeric', 'money', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval',
  'bit', 'varbit', 'inet', 'cidr', 'macaddr', 'macaddr8', 'pg_lsn', 'jsonb', 'tsvector',
]); // prettier-ignore

const comparableFamilies: readonly ReadonlySet<number>[] = [
  new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8, TypeOid.numeric]),
  new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8, TypeOid.float4, TypeOid.float8]),
  new Set([TypeOid.text, TypeOid.varchar, TypeOid.bpchar]),
  new Set([TypeOid.date, TypeOid.timestamp]),
];

/** Whether comparing values of the two types is known never to raise. A string constant takes the other side's type. */
export function comparesWithoutError(catalog: Catalog, left: number, right: number): boolean {
  const leftOid = catalog.baseTypeOid(left === TypeOid.unknown ? right : left);
  const rightOid = catalog.baseTypeOid(right === TypeOid.unknown ? left : right);
  if (leftOid === rightOid) {
    const type = catalog.type(leftOid);
    return type !== undefined && isComparable(catalog, type);
  }
  return comparableFamilies.some((family) => family.has(leftOid) && family.has(rightOid));
}

/** An array's elements are compared by whatever their type has, if anything: `json[] = json[]` raises when it comes to a row. */
function isComparable(catalog: Catalog, type: CatalogType): boolean {
  if (type.kind === 'e') return true;
  const element = type.elementOid === 0 ? undefined : catalog.type(type.elementOid);
  if (element !== undefined) return isComparable(catalog, element);
  return isBuiltin(type) && comparable.has(type.name);
}
