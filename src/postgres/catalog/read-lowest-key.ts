import type { PartitionKey } from '../../query/partition-key';
import { quoteIdentifier } from '../../query/ast/quote';
import type { ControlPool } from '../control-pool';
import { sqlFile } from '../sql-files';

const lowestKey = sqlFile('lowest-key');
/** It is asked when the program starts: what takes longer is not worth the wait. */
const timeoutMs = 1_000;

/**
 * The lowest integer a partition key has in its tables, as far as that is known at once: by the statistics of ANALYZE, and where the
 * column begins an index. There may be lower ones. Rejects as the pool's queries do.
 */
export async function readLowestKey(
  pool: ControlPool,
  { tables }: Pick<PartitionKey, 'tables'>,
): Promise<bigint | undefined> {
  const columns = [...tables].map(([table, column]) => {
    const dot = table.indexOf('.');
    return { schema: table.slice(0, dot), table: table.slice(dot + 1), column };
  });
  const [found] = await pool.query<{ lowest: string | null; indexed: number[] }>(
    lowestKey,
    [
      columns.map(({ schema }) => schema),
      columns.map(({ table }) => table),
      columns.map(({ column }) => column),
    ],
    { timeoutMs },
  );
  const values = [found?.lowest];
  for (const position of found?.indexed ?? []) {
    const place = columns[position - 1];
    if (place === undefined) continue;
    const [column, schema, table] = [place.column, place.schema, place.table].map(quoteIdentifier);
    const text = `select pg_catalog.min(${column})::pg_catalog.text as lowest from ${schema}.${table}`;
    const [row] = await pool.execute<{ lowest: string | null }>('lowest key', text, [], { timeoutMs });
    values.push(row?.lowest);
  }
  return values
    .flatMap((value) => (value === null || value === undefined ? [] : BigInt(value)))
    .reduce<bigint | undefined>(
      (least, value) => (least === undefined || value < least ? value : least),
      undefined,
    );
}
