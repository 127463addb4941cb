import { datatypeOf } from '../../query/analysis/key-classes';
import type { PartitionKeyType } from '../../query/partition-key';
import type { ControlPool } from '../control-pool';
import { sqlFile } from '../sql-files';

const keyColumns = sqlFile('key-columns');
const sharedColumns = sqlFile('shared-columns');

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
  return (await pool.query<ColumnRow>(keyColumns, [name, ownSchema])).map(columnOf);
}

/** A column that might hold a partition key, and what is known of it. */
export interface SharedColumn extends FoundKeyColumn {
  /** About how many the table has. */
  readonly rows: number;
  /** About how many values it has; undefined: the table was not analyzed. */
  readonly distinctKeys: number | undefined;
  readonly isPartitionedBy: boolean;
  readonly hasForeignKey: boolean;
  /** By itself. */
  readonly isUnique: boolean;
}

/** Every column of the tables of a database, but those of the schema pcache has there. Rejects as the pool's queries do. */
export async function findSharedColumns(
  pool: ControlPool,
  ownSchema: string,
): Promise<readonly SharedColumn[]> {
  const rows = await pool.query<
    ColumnRow & {
      readonly row_count: number;
      readonly distinct_keys: number | null;
      readonly is_partitioned_by: boolean;
      readonly has_foreign_key: boolean;
      readonly is_unique: boolean;
    }
  >(sharedColumns, [ownSchema]);
  return rows.map((row) => ({
    ...columnOf(row),
    rows: row.row_count,
    distinctKeys: row.distinct_keys ?? undefined,
    isPartitionedBy: row.is_partitioned_by,
    hasForeignKey: row.has_foreign_key,
    isUnique: row.is_unique,
  }));
}

/** What both queries say of a column. */
type ColumnRow = {
  readonly schema_name: string;
  readonly table_name: string;
  readonly column_name: string;
  readonly type_oid: number;
  readonly type_name: string;
  readonly is_readable: boolean;
};

function columnOf(row: ColumnRow): FoundKeyColumn {
  return {
    schema: row.schema_name,
    table: row.table_name,
    column: row.column_name,
    typeName: row.type_name,
    datatype: datatypeOf(row.type_oid),
    isReadable: row.is_readable,
  };
}
