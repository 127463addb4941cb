import { outermostClass } from '../engine/given-keys';
import { fragmentsOf, matchReading, type Reading } from '../engine/reading';
import type { EntryDescription } from '../cache/cache-backend';
import type { FragmentHash } from '../query/fragment/fragment';
import { type CacheHelper, helperOf } from './cache-helper';
import { readQuery } from './generate-hashes';
import { parseTrouble } from './parse-trouble';
import { PartitionKeys } from './partition-keys';
import { checkKey, type QueryOptions } from './query-options';
import { contextOf } from './session';

export interface KeysOptions extends QueryOptions {
  /** Alias of the table whose keys are meant, for queries whose tables are not all joined on the key. */
  readonly p0Alias?: string;
}

/** What is known of a query. */
export interface KnownOfQuery {
  /** Fragments of it that could be known. */
  readonly generatedVariants: number;
  /** Entries that hold for it, by the hashes of their fragments. */
  readonly usedHashes: readonly FragmentHash[];
  readonly cacheHits: number;
  /** Why nothing is; undefined if something is. */
  readonly reason: string | undefined;
}

export interface FoundKeys extends KnownOfQuery {
  /** A set that has all keys that rows of the query can have, besides NULL, and perhaps more; undefined: nothing is known. */
  readonly partitionKeys: PartitionKeys | undefined;
}

/**
 * The keys that rows of a query's outermost SELECT can have, by what the cache knows. For static keys only: taken out of the database, keys
 * cannot be kept exact; applyCache has them checked where the query runs. Rejects as the helper's methods do.
 */
export async function getPartitionKeys(options: KeysOptions): Promise<FoundKeys> {
  const helper = helperOf(options.cacheHandler);
  const found = await entriesFor(helper, options);
  const none = (reason: string | undefined): FoundKeys => ({
    ...found.known,
    partitionKeys: undefined,
    reason,
  });
  if (found.entries.length === 0) return none(found.known.reason);
  if (found.isExact) return none('exact keys cannot be taken out of the database; use applyCache');
  const { backend, partitionKey } = helper.parts();
  const { keys } = await backend.intersect(partitionKey, found.known.usedHashes);
  return keys === undefined
    ? none('the entries have just been removed')
    : { ...found.known, partitionKeys: new PartitionKeys(keys) };
}

/** More of them hardly narrow the set any further; as many as the proxy takes. */
const maxEntries = 8;

export interface EntriesOfQuery {
  readonly known: KnownOfQuery;
  readonly entries: readonly EntryDescription[];
  readonly isExact: boolean;
}

/** The entries that hold for the class of tables a query's keys are those of. */
export async function entriesFor(helper: CacheHelper, options: KeysOptions): Promise<EntriesOfQuery> {
  checkKey(helper.partitionKey, options.partitionKey);
  const { engine, pool } = helper.queries();
  const context = await contextOf(options.session, engine, pool);
  const reading = await readQuery(helper, options.query, context, options);
  const nothing = (reason: string): EntriesOfQuery => ({
    known: { generatedVariants: variantsOf(reading, helper), usedHashes: [], cacheHits: 0, reason },
    entries: [],
    isExact: false,
  });
  if (reading === undefined) return nothing(parseTrouble(options.query) ?? 'not a candidate');
  const found = outermostClass(reading, options.p0Alias);
  if ('refused' in found) return nothing(found.refused);
  const match = matchReading(reading, engine.directory).find(({ keyClass }) => keyClass === found.keyClass);
  const entries = match?.entries.slice(0, maxEntries) ?? [];
  if (entries.length === 0) return nothing('miss');
  return {
    known: {
      generatedVariants: variantsOf(reading, helper),
      usedHashes: entries.map(({ fragment }) => fragment.hash),
      cacheHits: entries.length,
      reason: undefined,
    },
    entries,
    isExact: found.keyClass.partitionKey.changeLog !== undefined,
  };
}

/** Number of a query's fragments, which the helper knows by their hashes from then on. */
export function variantsOf(reading: Reading | undefined, helper: CacheHelper): number {
  const fragments = reading === undefined ? [] : fragmentsOf(reading);
  for (const fragment of fragments) helper.note(fragment);
  return fragments.length;
}
