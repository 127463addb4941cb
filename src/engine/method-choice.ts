import { usesTable, type Method, type MethodChoice } from '../query/rewrite/method';

/** Whether a method is asked for that cannot be done without temporary tables. */
export function lacksTables(choice: MethodChoice, canMakeTables: boolean): boolean {
  return choice !== 'auto' && usesTable(choice) && !canMakeTables;
}

/** From this many keys on, it is not clear that an array in the text is best: planning it takes time that grows with it. */
export const manyKeys = 3_000;

/**
 * The methods to choose from for a set of so many keys, best guess first. What is asked for and cannot be done is done inline.
 *
 * `auto` takes an array for sets up to some thousand keys: measured, rows to join with were up to three times slower than the
 * array in the middle of a large join (design.md, section 6). For larger sets both are tried, and what is measured decides.
 * Temporary tables are only made for whoever asks for them: they leave traces in a session, see the README.
 */
export function methodsFor(
  choice: MethodChoice,
  keyCount: number,
  canMakeTables: boolean,
): readonly [Method, ...Method[]] {
  if (choice === 'auto') return keyCount < manyKeys ? ['inline'] : ['inline', 'in_subquery'];
  return lacksTables(choice, canMakeTables) ? ['inline'] : [choice];
}
