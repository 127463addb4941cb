import { TypeOid, type Catalog, type CatalogColumn } from '../catalog/catalog';

/** What values of a column are, as far as PostgreSQL and a copy of its data in another database agree on them. */
export type ColumnKind = 'integer' | 'float' | 'text' | 'boolean' | 'date' | 'timestamp';

/** By base type. numeric, timestamptz, char(n) and all others are kept or compared in another way elsewhere, or not at all. */
const kinds: ReadonlyMap<number, ColumnKind> = new Map([
  [TypeOid.int2, 'integer'],
  [TypeOid.int4, 'integer'],
  [TypeOid.int8, 'integer'],
  [TypeOid.float8, 'float'],
  [TypeOid.text, 'text'],
  [TypeOid.bool, 'boolean'],
  [TypeOid.date, 'date'],
  [TypeOid.timestamp, 'timestamp'],
]);

/** undefined for a type whose values mean something else in a copy. */
export function columnKind(
  catalog: Catalog,
  { typeOid }: Pick<CatalogColumn, 'typeOid'>,
): ColumnKind | undefined {
  return kinds.get(catalog.baseTypeOid(typeOid));
}

/** The collations "C" and "POSIX": text is ordered by its bytes, in UTF-8 as in any other database that is told to. */
const byteOrders: ReadonlySet<number> = new Set([950, 951]);

/** Whether `<` on the column means the same in a copy. Of text under a language's rules it does not. */
export function isOrderedAlike(
  kind: ColumnKind,
  { collationOid }: Pick<CatalogColumn, 'collationOid'>,
): boolean {
  return kind !== 'text' || byteOrders.has(collationOid);
}
