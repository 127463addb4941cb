import { methods, type Method } from '../query/rewrite/method';

/**
 * The column of a key class that is restricted, if only one is: that of the table the planner is likeliest to begin with, or of one that comes after it
 * (`membersToRestrict`). Which is best, the data decide.
 */
export const singleColumns = ['first', 'second', 'third', 'fourth'] as const;

/**
 * Which columns of a key class are restricted. `every` helps where tables are read without an index on the key; one where
 * the planner, which takes conditions for independent of each other, would underestimate the rows that are left:
 * `a.key = b.key AND a.key = ANY(…) AND b.key = ANY(…)` filters twice in its eyes.
 */
export type Spread = (typeof singleColumns)[number] | 'every';

/** How a statement is restricted, but for the keys. There is one object for each, so that forms can be compared and be keys of maps. */
export interface Form {
  readonly method: Method;
  readonly spread: Spread;
  /**
   * Whether keys that may change are constants, for the planner to leave out partitions by, with a guard beside them that raises an error if they are
   * not all any more. Otherwise those that have changed are found when the statement is run.
   */
  readonly isGuarded: boolean;
}

const all = new Map<string, Form>();
for (const method of methods)
  for (const spread of [...singleColumns, 'every'] as const)
    for (const isGuarded of [false, true])
      all.set(nameOf(method, spread, isGuarded), { method, spread, isGuarded });

/** Whether it is tried whatever the server expects: it takes conditions for independent of each other, and is often mistaken. */
export function isBestGuess({ spread }: Form): boolean {
  return spread === 'first' || spread === 'every';
}

export function formOf(method: Method, spread: Spread, isGuarded = false): Form {
  const form = all.get(nameOf(method, spread, isGuarded));
  if (form === undefined) throw new Error(`no form ${method}, ${spread}`);
  return form;
}

function nameOf(method: Method, spread: Spread, isGuarded: boolean): string {
  return `${method} ${spread} ${isGuarded}`;
}
