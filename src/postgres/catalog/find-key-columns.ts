import { datatypeOf } from '../../query/analysis/key-classes';
import type { PartitionKeyType } from '../../query/partition-key';
import type { ControlPool } from '../control-pool';
import { sqlFile } from '../sql-files';

const keyColumns = sqlFile('key-columns');

/** A column that could hold a partition key. */
export interface FoundKeyColumn {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** As SQL has it. */
  readonly typeName: string;
  /** undefined: no partition key can be of its type. */
  readonly datatype: PartitionKeyType | undefined;
  readonly isReadable: boolean;
}

/** The columns of a name in the tables of a database, but those of the schema pcache has there. Rejects as the pool's queries do. */
export async function findKeyColumns(
  pool: ControlPool,
  name: string,
  ownSchema: string,
): Promise<readonly FoundKeyColumn[]> {
  const rows = await pool.query<{
    readonly schema_name: string;
    readonly table_name: string;
    readonly column_name: string;
    readonly type_oid: number;
    readonly type_name: string;
    readonly is_readable: boolean;
  }>(keyColumns, [name, ownSchema]);
  return rows.map((row) => ({
    schema: row.schema_name,
    table: row.table_name,
    column: row.column_name,
    typeName: row.type_name,
    datatype: datatypeOf(row.type_oid),
    isReadable: row.is_readable,
  }));
}
