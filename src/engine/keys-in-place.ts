import type { CacheBackend, EntryDescription, LazyKeys } from '../cache/cache-backend';
import { freshnessOf, isOf, type SeenBy } from '../freshness/combine-stamps';
import type { Catalog } from '../query/catalog/catalog';
import type { FragmentHash } from '../query/fragment/fragment';
import type { Method } from '../query/rewrite/method';
import type { ClassMatch } from './reading';
import type { RestrictionByRows } from './rewriter';
import { rowsInPlace } from './rows-in-place';

/** A class that is restricted by keys which the statement itself reads, where they are kept. */
export interface InPlaceMatch {
  readonly restriction: RestrictionByRows;
  /** Of the entries that are read. */
  readonly hashes: readonly FragmentHash[];
  /** See LazyKeys. */
  readonly readable: string;
}

export interface InPlaceOptions {
  readonly backend: CacheBackend;
  /** A set with more than this share of all keys is not used. */
  readonly maxKeyShare: number;
  readonly methods: readonly [Method, ...Method[]];
  readonly alias: string | undefined;
}

/** More of them hardly narrow the set any further; as many as the proxy takes. */
const maxEntries = 8;

/**
 * The keys that are known of a class, as SQL that reads them. The soundness is that of keys in the text: the same entries hold, what a statement of exact keys
 * has to look up it looks up, and entries that are not there as they were let every key through.
 *
 * @returns a reason if the entries are of no use, undefined if the store cannot be read in place
 */
export function keysInPlace(
  { block, keyClass, entries }: ClassMatch,
  { backend, maxKeyShare, methods, alias }: InPlaceOptions,
  catalog: Catalog,
): InPlaceMatch | { readonly refused: string } | undefined {
  const { name, changeLog } = keyClass.partitionKey;
  const { reading } = catalog;
  const seen = new Map<EntryDescription, SeenBy>();
  if (changeLog !== undefined && reading !== undefined)
    for (const entry of entries) {
      const { snapshot, origin } = entry;
      if (snapshot !== undefined && origin !== undefined && isOf(origin, reading))
        seen.set(entry, { snapshot, origin });
    }
  const usable = entries.filter((entry) => changeLog === undefined || seen.has(entry)).slice(0, maxEntries);
  const [smallest] = usable;
  if (smallest === undefined) return { refused: 'miss' };
  const total = catalog.keyCounts.get(name);
  if (total !== undefined && smallest.keyCount > maxKeyShare * total) return { refused: 'covers most keys' };
  const lazy: LazyKeys | undefined = backend.lazy?.(usable);
  if (lazy === undefined) return undefined;
  const stamps = usable.flatMap((entry) => seen.get(entry) ?? []);
  return {
    restriction: {
      ...{ block, keyClass, methods, alias },
      rows: (elementType, all) => (all === undefined ? undefined : rowsInPlace(lazy, elementType, all)),
      ...(changeLog === undefined || reading === undefined
        ? {}
        : { freshness: freshnessOf(stamps, changeLog, reading) }),
    },
    hashes: usable.map(({ fragment }) => fragment.hash),
    readable: lazy.readable,
  };
}
