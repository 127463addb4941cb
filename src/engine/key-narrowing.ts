import { createKeySet } from '../cache/key-sets/create-key-set';
import { intersectKeySets } from '../cache/key-sets/intersect-key-sets';
import { freshnessOf, isOf } from '../freshness/combine-stamps';
import type { Catalog } from '../query/catalog/catalog';
import { isKnownEmpty, neededSets, type Decision } from './decision';
import type { KeySetStore } from './key-set-store';
import type { ClassMatch } from './reading';
import type { ClassKeys } from './rewriter';

export interface KeyNarrowingOptions {
  readonly keySets: KeySetStore;
  /** By partition key: share of all keys beyond which a set is not used. */
  readonly maxKeyShares: ReadonlyMap<string, number>;
}

/** What the key sets that hold for a class come to, once they are in memory. */
export class KeyNarrowing {
  constructor(private readonly options: KeyNarrowingOptions) {}

  /** The keys that a decision's classes are restricted to; its key sets are at hand. */
  classesOf(decision: Decision, catalog: Catalog): readonly ClassKeys[] {
    decision.classes ??= decision.matches.flatMap((match) => this.#narrow(match, catalog));
    return decision.classes;
  }

  /** What is left of all that holds for a class; undefined if nothing is of use. */
  keysOf(match: ClassMatch, { reading }: Catalog): Pick<ClassKeys, 'keys' | 'freshness'> | undefined {
    const { datatype, changeLog } = match.keyClass.partitionKey;
    if (isKnownEmpty(match)) return { keys: createKeySet(datatype, []) };
    // A set that has gone in the meantime restricts nothing; the others still hold.
    const sets = neededSets([match]).flatMap(({ key, hash }) => this.options.keySets.peek(key, hash) ?? []);
    if (changeLog === undefined) {
      const keys = intersectKeySets(sets.map((set) => set.keys));
      return keys === undefined ? undefined : { keys };
    }
    if (reading === undefined) return undefined;
    const exact = sets.flatMap(({ keys, seen }) =>
      seen !== undefined && isOf(seen.origin, reading) ? [{ keys, seen }] : [],
    );
    const keys = intersectKeySets(exact.map((set) => set.keys));
    if (keys === undefined) return undefined;
    const seen = exact.map((set) => set.seen);
    return { keys, freshness: freshnessOf(seen, changeLog, reading) };
  }

  /** Nothing if they are most of all keys. */
  #narrow(match: ClassMatch, catalog: Catalog): readonly ClassKeys[] {
    const { block, keyClass } = match;
    const { name } = keyClass.partitionKey;
    const known = this.keysOf(match, catalog);
    if (known === undefined) return [];
    const total = catalog.keyCounts.get(name);
    const maxShare = this.options.maxKeyShares.get(name) ?? 1;
    return total !== undefined && known.keys.size > maxShare * total ? [] : [{ block, keyClass, ...known }];
  }
}
