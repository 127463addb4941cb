import { isBuiltin, TypeOid, type Catalog, type CatalogType } from '../../catalog/catalog';

export const comparisonOperators: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '<=', '>', '>=']);

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
  new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8]),
  new Set([TypeOid.float4, TypeOid.float8]),
  new Set([TypeOid.text, TypeOid.varchar, TypeOid.bpchar, TypeOid.name]),
  new Set([TypeOid.date, TypeOid.timestamp]),
];

/** Whether a builtin comparison that takes these two types is known never to raise, whatever the rows hold (rule S12). */
export function comparesWithoutError(catalog: Catalog, left: number, right: number): boolean {
  const [leftOid, rightOid] = [catalog.baseTypeOid(left), catalog.baseTypeOid(right)];
  if (leftOid === rightOid) {
    const type = catalog.type(leftOid);
    return type !== undefined && isComparable(catalog, type);
  }
  return comparableFamilies.some((family) => family.has(leftOid) && family.has(rightOid));
}

/**
 * An array's elements and a range's bounds are compared by whatever their type has, if anything: `json[] = json[]` raises
 * when it comes to a row.
 */
function isComparable(catalog: Catalog, type: CatalogType): boolean {
  if (type.kind === 'e') return true;
  if (type.kind === 'd' || type.kind === 'c' || type.kind === 'p') return false;
  const partOid = type.elementOid === 0 ? type.partOid : type.elementOid;
  if (partOid !== 0) return comparesWithoutError(catalog, partOid, partOid);
  return isBuiltin(type) && comparable.has(type.name);
}
