import type { KeySet } from '../key-set';
import { type SortedKeySet, toSortedKeySet } from './create-key-set';
import { FloatKeySet } from './float-key-set';
import { Int64KeySet } from './int64-key-set';
import { TextKeySet } from './text-key-set';

/**
 * The keys all sets hold; NULL is kept if all have it. Undefined for no sets: the intersection of nothing would be every
 * key. Throws TypeError if the datatypes differ. Costs about the size of the smaller set, if the sizes are far apart
 * and the keys of one width.
 */
export function intersectKeySets(sets: readonly KeySet[]): KeySet | undefined {
  const [smallest, ...others] = [...sets].sort((a, b) => a.size - b.size).map(toSortedKeySet);
  if (smallest === undefined) return undefined;
  return others.reduce<SortedKeySet>(intersectPair, smallest);
}

function intersectPair(a: SortedKeySet, b: SortedKeySet): SortedKeySet {
  if (a instanceof Int64KeySet && b instanceof Int64KeySet && a.datatype === b.datatype)
    return a.intersect(b);
  if (a instanceof FloatKeySet && b instanceof FloatKeySet) return a.intersect(b);
  if (a instanceof TextKeySet && b instanceof TextKeySet) return a.intersect(b);
  throw new TypeError(`key sets of type ${a.datatype} and ${b.datatype} have no intersection`);
}
