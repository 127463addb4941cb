import type { SelectStmt } from '@pgsql/types';
import type { BlockTable } from './block-tables';
import type { Restrictable } from './restrictable';

/** CURSOR_OPT_SCROLL and CURSOR_OPT_NO_SCROLL (src/include/nodes/parsenodes.h). */
const scrollOptions = 0x2 | 0x4;

/** Whether SCROLL or NO SCROLL says if a cursor can go back; without either, its plan decides. */
export function saysScroll(options: number | undefined): boolean {
  return ((options ?? 0) & scrollOptions) !== 0;
}

/**
 * Whether a cursor may do other things with another plan. A scan of one table can be fetched from backward, and its rows be named
 * by WHERE CURRENT OF; the same table read by a bitmap, or joined with keys, cannot:
 *
 *   DECLARE c CURSOR FOR SELECT id FROM place WHERE population > 5;  FETCH BACKWARD FROM c;  UPDATE place SET … WHERE CURRENT OF c
 *
 * A join or a grouping can neither under any plan (ExecSupportsBackwardScan in src/backend/executor/execAmi.c, search_plan_tree in
 * execCurrent.c), unless it is sorted, and unless the planner can do without the join: an outer join, or one of a table with itself.
 *
 * @param tables of its query, if that is no set operation
 */
export function dependsOnPlan(
  { query, kind, saysScroll }: Restrictable,
  tables: readonly BlockTable[],
): boolean {
  if (kind !== 'declare cursor') return false;
  if (!saysScroll && query.sortClause !== undefined) return true;
  return !isGrouped(query) && !isJoin(tables);
}

function isGrouped({ larg, groupClause }: SelectStmt): boolean {
  return larg === undefined && (groupClause ?? []).length > 0;
}

function isJoin(tables: readonly BlockTable[]): boolean {
  const read = tables.filter(
    ({ derived, isNullable, relation }) => derived === undefined && !isNullable && relation.kind !== 'v',
  );
  return new Set(read.map(({ relation }) => relation.oid)).size > 1;
}
