import type { Catalog } from '../query/catalog/catalog';
import { canHoldKey } from '../query/analysis/key-classes';
import type { PartitionKey } from '../query/partition-key';

/**
 * What the configuration says of a partition key and the database does not bear out, as sentences. Such a table is never
 * restricted; the others of the key are.
 */
export function tableProblems(partitionKey: PartitionKey, catalog: Catalog): readonly string[] {
  return [...partitionKey.tables].flatMap(([table, columnName]) => {
    const dot = table.indexOf('.');
    const relation = catalog.relation({ schema: table.slice(0, dot), name: table.slice(dot + 1) }, []);
    if (relation === undefined) return [`table ${table} does not exist, or the control user may not see it`];
    if (relation.kind === 'v' && relation.definition === undefined) return [`view ${table} ${viewProblem}`];
    if (!['r', 'p', 'm', 'v'].includes(relation.kind)) return [`${table} is neither a table nor a view`];
    if (relation.hasRowSecurity)
      return [`table ${table} has row-level security, so what one role sees is not what another sees`];
    const column = relation.columns.get(columnName);
    if (column === undefined) return [`table ${table} has no column ${columnName}`];
    if (!canHoldKey(column, partitionKey.datatype, catalog)) {
      const type = catalog.type(column.typeOid)?.name ?? String(column.typeOid);
      return [
        `column ${columnName} of table ${table} is of type ${type}, which cannot hold a key of datatype ${partitionKey.datatype}`,
      ];
    }
    return [];
  });
}

/** Which of it applies is not told: sql/queries/catalog-views.sql knows only what is harmless. */
const viewProblem =
  'is more than a selection of rows of tables: it, or a view it reads, aggregates, sorts, limits, calls something that is not ' +
  'immutable, or reads temporary tables or tables with row-level security, or is a security_invoker view';
