import { createHash } from 'node:crypto';
import type { PartitionKey } from '../partition-key';
import type { FragmentHash, FragmentTable } from './fragment';

/** A conjunct in its place in a fragment. What it reads in sub-selects is named by the template. */
export function placedConjunct(template: string, slots: readonly number[]): string {
  return JSON.stringify({ template, slots });
}

/**
 * All that tells one fragment of a context from another, given the tables by slot and the placed conjuncts in order.
 * Written out as JSON.stringify([tables, conjuncts]) would: hashes that are stored depend on it.
 */
export function identityOf(tables: readonly FragmentTable[], placed: readonly string[]): string {
  return `[${JSON.stringify(tables)},[${placed.join(',')}]]`;
}

/** Equal hashes, equal fragments: nothing else has to be compared (rule S7). */
export function fragmentHash(
  contextId: string,
  { name, datatype }: Pick<PartitionKey, 'name' | 'datatype'>,
  identity: string,
): FragmentHash {
  return createHash('sha256')
    .update(JSON.stringify([1, contextId, name, datatype, identity]))
    .digest('hex') as FragmentHash;
}
