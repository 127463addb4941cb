/**
 * The ways to restrict, by the names of the configuration (design.md, section 6):
 *
 *   inline          `key = ANY ('{…}')`, the keys in the text
 *   in_subquery     `key = ANY (SELECT …)`: the keys are rows to join with
 *   tmp_table_in    the same from a temporary table of the session
 *   tmp_table_join  the same, and the table has a unique index, so that the planner may join with it as with any table
 */
export const methods = ['inline', 'in_subquery', 'tmp_table_in', 'tmp_table_join'] as const;
export type Method = (typeof methods)[number];

/** Whether the keys are put into a temporary table of the session before. */
export function usesTable(method: Method): boolean {
  return method === 'tmp_table_in' || method === 'tmp_table_join';
}
