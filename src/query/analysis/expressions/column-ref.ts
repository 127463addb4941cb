import type { ColumnRef } from '@pgsql/types';
import { stringsOf } from '../../ast/names';
import { escapeTemplate } from '../../ast/template';
import { quoteIdentifier } from '../../ast/quote';
import type { Catalog, CatalogColumn } from '../../catalog/catalog';
import type { BlockTable } from '../block-tables';
import { unusable, type Expression, type ExpressionScope, type Unusable } from '../expression';

/** A column of one of the block's own tables. Anything else (outer references, system columns, whole rows) stays out (rule S5). */
export function canonicaliseColumnRef(ref: ColumnRef, scope: ExpressionScope): Expression | Unusable {
  const fields = stringsOf(ref.fields);
  if (fields === undefined) return unusable('whole-row reference');
  const found = findColumn(fields, scope);
  // All columns of a sub-select's tables are known, so what is none of theirs is of a table around it.
  if (found === notFound && scope.outer !== undefined) return canonicaliseColumnRef(ref, scope.outer);
  if ('unusable' in found) return found;

  return readColumn(found, scope);
}

/** What was read before, by table: a key column is named in as many conditions as there are tables. */
const columnsRead = new WeakMap<BlockTable, Map<string, Expression | Unusable>>();

function readColumn({ table, name }: FoundColumn, { catalog }: ExpressionScope): Expression | Unusable {
  let known = columnsRead.get(table);
  if (known === undefined) columnsRead.set(table, (known = new Map<string, Expression | Unusable>()));
  const before = known.get(name);
  if (before !== undefined) return before;
  const expression = readColumnAnew({ table, name }, catalog);
  known.set(name, expression);
  return expression;
}

function readColumnAnew({ table, name }: FoundColumn, catalog: Catalog): Expression | Unusable {
  if (table.isNullable) return unusable('outer join');
  if (table.isHidden) return unusable('aliased join');
  const column = table.relation.columns.get(name);
  if (column === undefined) return unusable('unknown column');
  return {
    template: `{${table.index}}.${escapeTemplate(quoteIdentifier(name))}`,
    typeOid: column.typeOid,
    mayRaise: !column.hasDeterministicCollation || catalog.isComputedWhenRead(name),
    isConstant: false,
    reads: [],
    collations: hasOwnCollation(column) ? [column.collationOid] : [],
    column: { table, name, typeOid: column.typeOid },
  };
}

/** The collation is none, or the database's: these get along with any other. */
function hasOwnCollation({ collationOid }: CatalogColumn): boolean {
  return collationOid !== 0 && collationOid !== defaultCollationOid;
}

/** pg_collation's row "default", fixed like the types' (src/include/catalog/pg_collation.dat). */
const defaultCollationOid = 100;

const notFound = unusable('outer reference or unknown table');

interface FoundColumn {
  readonly table: BlockTable;
  readonly name: string;
}

function findColumn(fields: readonly string[], scope: ExpressionScope): FoundColumn | Unusable {
  const { tables } = scope;
  const [first = '', second = '', third = ''] = fields;
  if (fields.length === 1) return findUnqualified(first, scope);
  const table =
    fields.length === 2
      ? tables.find(({ alias }) => alias === first)
      : tables.find(
          ({ relation, hasAlias }) => !hasAlias && relation.schema === first && relation.name === second,
        );
  if (fields.length > 3 || table === undefined) return notFound;
  return { table, name: fields.length === 2 ? second : third };
}

/**
 * PostgreSQL looks for an unqualified name among all columns of the innermost block first and refuses an ambiguous one.
 * So if exactly one of the block's known tables has it, it is that table's: a column of the same name in an item that is
 * not known here (a derived table, an untracked table) would have made the statement fail. Two that have it can only
 * be two sides of a JOIN … USING, whose merged column is neither in general: it has the common type of both, and
 *
 *   SELECT v FROM p JOIN (SELECT 9007199254740992::float8 AS k) d USING (k) WHERE k = 9007199254740992
 *
 * finds the row of p whose int8 k is 9007199254740993.
 */
function findUnqualified(name: string, scope: ExpressionScope): FoundColumn | Unusable {
  if (scope.isMerged(name)) return unusable('merged column');
  const owners = scope.tables.filter(({ relation }) => relation.columns.has(name));
  const [owner] = owners;
  if (owner === undefined) return notFound;
  if (owners.length > 1) return unusable('merged column');
  return { table: owner, name };
}
