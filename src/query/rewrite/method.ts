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

/** What the configuration or a session asks for; `auto` leaves it to what is measured. */
export type MethodChoice = 'auto' | Method;

/** By the names of the configuration and those of the Python library, in any letter case. */
export function parseMethodChoice(written: string): MethodChoice | undefined {
  return methodSpellings.get(written.toLowerCase());
}

const methodSpellings: ReadonlyMap<string, MethodChoice> = new Map([
  ['auto', 'auto'],
  ['inline', 'inline'],
  ['in', 'inline'],
  ['values', 'inline'],
  ['in_subquery', 'in_subquery'],
  ['tmp_table_in', 'tmp_table_in'],
  ['tmp_table_join', 'tmp_table_join'],
]);
