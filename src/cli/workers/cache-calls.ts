import type {
  CacheBackend,
  CacheCapabilities,
  CacheChange,
  CacheEntry,
  EntryDescription,
  Intersection,
} from '../../cache/cache-backend';
import type { KeySet } from '../../cache/key-set';
import { toSortedKeySet } from '../../cache/key-sets/create-key-set';
import { FloatKeySet } from '../../cache/key-sets/float-key-set';
import { Int64KeySet } from '../../cache/key-sets/int64-key-set';
import { TextKeySet } from '../../cache/key-sets/text-key-set';
import type { FragmentHash } from '../../query/fragment/fragment';
import type { PartitionKeyType } from '../../query/partition-key';
import { callName, newsName } from './channel';

/** What a store says of itself. */
export interface StoreFacts {
  readonly name: string;
  readonly capabilities: CacheCapabilities;
}

/** The part of a listing that comes next. A worker counts its listings. */
export interface ListingPage {
  readonly entries: readonly EntryDescription[];
  readonly isLast: boolean;
}

/**
 * Keys as they are in memory, which structured clone copies as they are: the codecs of the stores save room, and take ten times as long to write.
 */
export type SentKeys =
  | {
      readonly datatype: 'integer' | 'timestamp';
      readonly hasNullKey: boolean;
      readonly sorted: BigInt64Array;
    }
  | { readonly datatype: 'float'; readonly hasNullKey: boolean; readonly sorted: Float64Array }
  | { readonly datatype: 'text'; readonly hasNullKey: boolean; readonly sorted: readonly string[] };

export interface SentEntry {
  readonly description: EntryDescription;
  readonly keys: SentKeys | undefined;
}

export interface SentIntersection {
  readonly hits: readonly FragmentHash[];
  readonly keys: SentKeys | undefined;
}

type Done = Awaited<ReturnType<CacheBackend['put']>>;
type Named = readonly [partitionKey: string, hash: FragmentHash];

/** What a worker asks of the store that its overseer lends it, by the methods of CacheBackend. */
export const cacheCalls = {
  open: callName<undefined, StoreFacts>('cache.open'),
  register: callName<Parameters<CacheBackend['registerPartitionKey']>, Done>('cache.register'),
  partitionKeys: callName<undefined, ReadonlyMap<string, PartitionKeyType>>('cache.partitionKeys'),
  put: callName<SentEntry, Done>('cache.put'),
  get: callName<Named, SentEntry | undefined>('cache.get'),
  describe: callName<Named, EntryDescription | undefined>('cache.describe'),
  delete: callName<Named, boolean>('cache.delete'),
  intersect: callName<Parameters<CacheBackend['intersect']>, SentIntersection>('cache.intersect'),
  list: callName<{ readonly listing: number; readonly partitionKey: string | undefined }, ListingPage>(
    'cache.list',
  ),
  count: callName<string, number>('cache.count'),
  drop: callName<string, number>('cache.drop'),
  touch: callName<Parameters<CacheBackend['touch']>, Done>('cache.touch'),
};

/** A listing is not read to its end. */
export const listingEnded = newsName<number>('cache.listing ended');
/** To every worker. */
export const cacheChanged = newsName<CacheChange>('cache.changed');

export function sendKeys(keys: KeySet): SentKeys {
  const set = toSortedKeySet(keys);
  const { hasNullKey } = set;
  if (set instanceof Int64KeySet) return { datatype: set.datatype, hasNullKey, sorted: set.sorted };
  if (set instanceof FloatKeySet) return { datatype: set.datatype, hasNullKey, sorted: set.sorted };
  return { datatype: set.datatype, hasNullKey, sorted: set.sorted };
}

export function receiveKeys(keys: SentKeys): KeySet {
  const { hasNullKey } = keys;
  // Views of the same memory: what comes out of a channel is of another realm where the code runs in a vm context.
  switch (keys.datatype) {
    case 'float': {
      const { buffer, byteOffset, length } = keys.sorted;
      return FloatKeySet.ofSorted(new Float64Array(buffer, byteOffset, length), hasNullKey);
    }
    case 'text':
      return TextKeySet.ofSorted(keys.sorted, hasNullKey);
    default: {
      const { buffer, byteOffset, length } = keys.sorted;
      return Int64KeySet.ofSorted(keys.datatype, new BigInt64Array(buffer, byteOffset, length), hasNullKey);
    }
  }
}

export function sendEntry({ keys, ...description }: CacheEntry): SentEntry {
  return { description, keys: keys === undefined ? undefined : sendKeys(keys) };
}

export function receiveEntry({ description, keys }: SentEntry): CacheEntry {
  return { ...description, keys: keys === undefined ? undefined : receiveKeys(keys) };
}

export function sendIntersection({ hits, keys }: Intersection): SentIntersection {
  return { hits, keys: keys === undefined ? undefined : sendKeys(keys) };
}

export function receiveIntersection({ hits, keys }: SentIntersection): Intersection {
  return { hits, keys: keys === undefined ? undefined : receiveKeys(keys) };
}
