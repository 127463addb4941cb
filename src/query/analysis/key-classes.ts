import { type PartitionKey, type PartitionKeyType, partitionKeyTypes } from '../partition-key';
import { TypeOid, type Catalog, type CatalogColumn } from '../catalog/catalog';
import type { BlockTable, UsingEquality } from './block-tables';
import type { ColumnReference } from './expression';

/** Tables of a block whose key columns the block itself equates (rule S2). A table equated with no other is a class of its own. */
export interface KeyClass {
  readonly partitionKey: PartitionKey;
  readonly members: readonly KeyMember[];
  /** An equality holds on the key in every row, so that no NULL key can qualify (rule S4). */
  readonly isEquated: boolean;
}

export interface KeyMember {
  readonly table: BlockTable;
  readonly column: string;
  readonly typeOid: number;
  readonly isNotNull: boolean;
}

const families: readonly ReadonlySet<number>[] = [
  new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8]),
  new Set([TypeOid.float4, TypeOid.float8]),
];

const typesOf: Readonly<Record<PartitionKeyType, ReadonlySet<number>>> = {
  integer: new Set([TypeOid.int2, TypeOid.int4, TypeOid.int8]),
  float: new Set([TypeOid.float4, TypeOid.float8]),
  text: new Set([TypeOid.text, TypeOid.varchar]),
  timestamp: new Set([TypeOid.date, TypeOid.timestamp, TypeOid.timestamptz]),
};

/** The datatype of keys of a type that is no domain; undefined: no key can be of it. */
export function datatypeOf(typeOid: number): PartitionKeyType | undefined {
  return partitionKeyTypes.find((datatype) => typesOf[datatype].has(typeOid));
}

/**
 * Whether `=` between the two types is one equivalence relation, so that a = b and b = c give a = c. Across families it is
 * not: an int8 and a float8 that are "equal" may differ from each other's neighbours.
 */
export function isTransitiveEquality(catalog: Catalog, left: number, right: number): boolean {
  const [a, b] = [catalog.baseTypeOid(left), catalog.baseTypeOid(right)];
  return a === b || families.some((family) => family.has(a) && family.has(b));
}

/** Equalities that hold in every row of a block, as classes of columns and constants. */
export class ColumnEqualities {
  readonly #parents = new Map<string, string>();

  /** `left = right`, both columns. */
  equate(left: ColumnReference, right: ColumnReference): void {
    this.#union(columnNode(left.table.index, left.name), columnNode(right.table.index, right.name));
  }

  /** `column = constant`. `constant` is canonical text: columns equal to the same constant are equal to each other. */
  equateConstant(column: ColumnReference, family: number, constant: string): void {
    this.#union(columnNode(column.table.index, column.name), `constant ${family} ${constant}`);
  }

  /** `isEquality` tells whether `=` between the two columns makes them one class: the join's own `=` is any the session sees. */
  equateUsing(
    using: UsingEquality,
    tables: readonly BlockTable[],
    isEquality: (left: ColumnReference, right: ColumnReference) => boolean,
  ): void {
    const owners = ([from, to]: readonly [number, number]): readonly ColumnReference[] =>
      tables.slice(from, to).flatMap((table) => columnReference(table, using.column) ?? []);
    const sides = [...owners(using.left), ...owners(using.right)];
    const [left, right] = [owners(using.left)[0], owners(using.right)[0]];
    if (left === undefined || right === undefined) return;
    if (left.table.isNullable || right.table.isNullable || left.table.isHidden || right.table.isHidden)
      return;
    // What an earlier USING has merged is compared in the common type of all its columns: a.k = c.k does not follow from
    // `a JOIN b USING (k) JOIN c USING (k)` if b.k is a float8 between two int8.
    if (sides.every((side) => isEquality(left, side))) this.equate(left, right);
  }

  /** The classes of the tables' key columns, for every partition key. */
  classes(
    tables: readonly BlockTable[],
    partitionKeys: readonly PartitionKey[],
    catalog: Catalog,
  ): readonly KeyClass[] {
    return partitionKeys.flatMap((partitionKey) => {
      const byRoot = new Map<string, KeyMember[]>();
      for (const table of tables) {
        const member = keyMember(table, partitionKey, catalog);
        if (member === undefined) continue;
        const root = this.#find(columnNode(table.index, member.column));
        const members = byRoot.get(root);
        if (members === undefined) byRoot.set(root, [member]);
        else members.push(member);
      }
      return [...byRoot].map(([root, members]) => ({
        partitionKey,
        members,
        isEquated: this.#isEquated(root),
      }));
    });
  }

  /** The name of the class a column is in; that of a column that is equated with nothing is its own. */
  rootOf(table: Pick<BlockTable, 'index'>, column: string): string {
    return this.#find(columnNode(table.index, column));
  }

  #isEquated(root: string): boolean {
    return [...this.#parents.keys()].filter((node) => this.#find(node) === root).length > 1;
  }

  #find(node: string): string {
    let root = node;
    for (
      let parent = this.#parents.get(root);
      parent !== undefined && parent !== root;
      parent = this.#parents.get(root)
    )
      root = parent;
    return root;
  }

  #union(left: string, right: string): void {
    for (const node of [left, right]) if (!this.#parents.has(node)) this.#parents.set(node, node);
    this.#parents.set(this.#find(left), this.#find(right));
  }
}

function columnReference(table: BlockTable, name: string): ColumnReference | undefined {
  const column = table.relation.columns.get(name);
  return column === undefined ? undefined : { table, name, typeOid: column.typeOid };
}

function columnNode(table: number, column: string): string {
  return `column ${table} ${column}`;
}

/**
 * The table's key column, if it can carry a restriction: addressable, never nulled, of the key's own type family, and sure to
 * be readable by whoever may run the statement (rule S11):
 *
 *   GRANT SELECT (id, population) ON place TO someone      -- to whom `region_id = ANY(…)` is an error
 */
function keyMember(table: BlockTable, partitionKey: PartitionKey, catalog: Catalog): KeyMember | undefined {
  const name = partitionKey.tables.get(`${table.relation.schema}.${table.relation.name}`);
  const column = name === undefined ? undefined : table.relation.columns.get(name);
  if (column === undefined || table.isNullable || table.isHidden) return undefined;
  if (table.relation.hasColumnPrivileges) return undefined;
  if (!canHoldKey(column, partitionKey.datatype, catalog)) return undefined;
  return { table, column: column.name, typeOid: column.typeOid, isNotNull: column.isNotNull };
}

/** Whether a column's type is of the key's family, and its equality that of the values themselves. */
export function canHoldKey(column: CatalogColumn, datatype: PartitionKeyType, catalog: Catalog): boolean {
  if (!typesOf[datatype].has(catalog.baseTypeOid(column.typeOid))) return false;
  return datatype !== 'text' || column.hasDeterministicCollation;
}
