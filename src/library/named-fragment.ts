import { createHash } from 'node:crypto';
import type { Fragment, FragmentHash } from '../query/fragment/fragment';
import type { PartitionKeyType } from '../query/partition-key';

/** Of no session: what is kept under a name matches no query, whatever it is called (rule S7). */
const contextId = 'named';

/**
 * Stands for key sets that a program keeps under a name of its own. It has no tables and is in no query, so that neither the proxy nor
 * the library restricts anything by it unasked; `sql` is whatever text goes with the name. Throws TypeError for a name that not every
 * store can keep.
 */
export function namedFragment(
  partitionKey: string,
  datatype: PartitionKeyType,
  name: string,
  text = '',
): Fragment {
  for (const each of [name, text])
    if (each.includes('\0') || /\p{Surrogate}/u.test(each))
      throw new TypeError('names and texts of entries are Unicode without NUL');
  if (name === '') throw new TypeError('the name of an entry cannot be empty');
  const hash = createHash('sha256')
    .update(JSON.stringify([contextId, partitionKey, name]))
    .digest('hex') as FragmentHash;
  return {
    ...{ hash, partitionKey, datatype, contextId },
    tables: [],
    conjuncts: [],
    sql: text,
    settings: { name },
  };
}

/** The name something is kept under: a program's own, or the hash of a fragment. */
export function nameOf({ contextId: context, settings, hash }: Fragment): string {
  return context === contextId ? (settings['name'] ?? hash) : hash;
}

export function isNamed({ contextId: context }: Fragment): boolean {
  return context === contextId;
}
