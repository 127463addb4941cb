import type { CacheBackend } from '../../cache/cache-backend';
import { createKeySet } from '../../cache/key-sets/create-key-set';
import { intersectKeySets } from '../../cache/key-sets/intersect-key-sets';
import type { KeySet } from '../../cache/key-set';
import { StartError } from '../../errors/start-error';
import type { PartitionKeyConfig } from '../../ops/config/pcache-config';
import type { PostgresqlSource } from '../../population/sources/postgresql';
import type { FragmentHash } from '../../query/fragment/fragment';

/**
 * The keys that are left of entries that hold for one part of a statement; undefined if none is there any more. Of a key that is exact they
 * are exact now: keys that changed since an entry was computed are looked at again first (rule F6).
 */
export async function knownKeys(
  hashes: readonly FragmentHash[],
  key: PartitionKeyConfig,
  backend: CacheBackend,
  source: PostgresqlSource,
): Promise<KeySet | undefined> {
  if (key.changeLog === undefined) return (await backend.intersect(key.name, hashes)).keys;
  const sets: KeySet[] = [];
  for (const hash of hashes) {
    const entry = await backend.get(key.name, hash);
    if (entry?.status !== 'ok') continue;
    const outcome = await source.run(entry.fragment, new AbortController().signal, entry);
    if (outcome.status === 'unavailable') throw new StartError(outcome.error);
    if (outcome.status !== 'ok') continue;
    sets.push(createKeySet(key.datatype, outcome.keys, { hasNullKey: outcome.hasNullKey }));
  }
  return sets.length === 0 ? undefined : intersectKeySets(sets);
}
