import type { ControlClient } from '../../postgres/control-client';
import { sqlFile } from '../../postgres/sql-files';
import { quoteIdentifier } from '../../query/ast/quote';
import type { Fragment, FragmentTable } from '../../query/fragment/fragment';
import { fewestKeys } from './key-share';
import type { RunLimits } from './run-limits';

const keyStatistics = sqlFile('key-statistics');

/** Keys beyond which a set is of no use to statements. */
export interface KeyShareLimit {
  /** Of all keys. */
  readonly maxShare: number;
  readonly totalKeys: number;
}

/** What `explain (format json)` says of a node, as far as it matters. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Plan Rows': number;
  readonly Plans?: readonly (PlanNode & { readonly 'Parent Relationship'?: string })[];
}

/** Nodes that make keys of rows. */
const gathering = /^(Unique|Aggregate|Group|Sort|Incremental Sort)$/;
const scanning = /^(Seq Scan|Index Scan|Index Only Scan|Bitmap Heap Scan|Append|Merge Append)$/;

/**
 * Why a fragment is not worth running, by the planner's estimate; undefined if it may be. Only where a single table is scanned, and its statistics leave
 * no doubt: the planner takes conditions and key for independent, and joins for what they are on average, while fragments are of use where neither is so.
 */
export async function objectionToShare(
  client: ControlClient,
  fragment: Fragment,
  { maxShare, totalKeys }: KeyShareLimit,
  limits: RunLimits,
): Promise<string | undefined> {
  const [table, ...others] = fragment.tables;
  if (table === undefined || others.length > 0 || table.definition !== undefined) return undefined;
  const [statistics] = await client.query<{ distinct_keys: number; common_shares: number[] }>(
    keyStatistics,
    [table.schema, table.name, table.keyColumn],
    limits(),
  );
  if (statistics === undefined) return undefined;
  const rows = await scannedRows(client, fragment.sql, limits);
  const allRows = await scannedRows(client, `SELECT FROM ${nameOf(table)}`, limits);
  if (rows === undefined || allRows === undefined || allRows === 0) return undefined;
  const keys = fewestKeys(rows / allRows, {
    distinctKeys: statistics.distinct_keys,
    commonShares: statistics.common_shares,
  });
  if (keys <= maxShare * totalKeys) return undefined;
  const percent = Math.min(100, Math.round((100 * keys) / totalKeys));
  return `not run: by its estimate it has at least ${percent} % of all keys, which is more than max_key_share`;
}

/** undefined if it is not one scan that is then made distinct. */
async function scannedRows(
  client: ControlClient,
  sql: string,
  limits: RunLimits,
): Promise<number | undefined> {
  type Row = { 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] };
  const [row] = await client.execute<Row>('fragment', `explain (format json) ${sql}`, [], limits());
  let node = row?.['QUERY PLAN'][0]?.Plan;
  while (node !== undefined && gathering.test(node['Node Type']))
    node = node.Plans?.find((child) => child['Parent Relationship'] === 'Outer');
  return node !== undefined && scanning.test(node['Node Type']) ? node['Plan Rows'] : undefined;
}

function nameOf({ schema, name, only }: FragmentTable): string {
  return `${only ? 'ONLY ' : ''}${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
