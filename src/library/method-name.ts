import { type MethodChoice, parseMethodChoice } from '../query/rewrite/method';

/** How keys are put into a query, by the names of the Python library, in any letter case, and those of the configuration. */
export const methodNames = [
  'IN',
  'VALUES',
  'EXISTS',
  'IN_SUBQUERY',
  'TMP_TABLE_IN',
  'TMP_TABLE_JOIN',
  'auto',
  'inline',
] as const;
export type MethodName = (typeof methodNames)[number] | Lowercase<(typeof methodNames)[number]>;

/** Throws TypeError for a name that there is not. */
export function methodOf(name: MethodName): MethodChoice {
  // A semi-join is what EXISTS is to the planner.
  const method = parseMethodChoice(name.toLowerCase() === 'exists' ? 'in_subquery' : name);
  if (method !== undefined) return method;
  throw new TypeError(`method: expected one of ${methodNames.join(', ')}, got ${JSON.stringify(name)}`);
}
