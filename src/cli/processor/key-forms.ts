import { cacheQuery, type CacheSchema, forCache } from '../../cache/backends/postgresql/cache-schema';
import { columnTypes, inPlaceQuery } from '../../cache/backends/postgresql/in-place-query';
import type { KeyStorage } from '../../cache/backends/postgresql/key-storage';
import type { FragmentForm } from '../../population/processor/processor-records';
import { canonicalKeys, keyTypeOids } from '../../population/sources/canonical-key-sql';
import type { PartitionKeyType } from '../../query/partition-key';

/** Where the fragment goes; no identifier of ours has it. */
const marker = '/* the fragment */';

/**
 * What population in place sends for keys of each type of a datatype, apart from the fragment: the database keeps these texts, so that its own
 * processor writes what an observer would. Empty if the server cannot make key sets of that form.
 */
export function keyForms(
  storage: KeyStorage,
  schema: CacheSchema,
  datatypes: readonly PartitionKeyType[],
  limits: { readonly maxKeys: number; readonly maxBytes: number },
): readonly FragmentForm[] {
  return datatypes.flatMap((datatype) => {
    const column = storage.column(datatype);
    const populate = forCache(cacheQuery('populate-entry'), schema, {
      column,
      type: columnTypes[column],
    }).text;
    return keyTypeOids(datatype).flatMap((typeOid) => {
      const keys = canonicalKeys(datatype, typeOid, marker);
      const query = keys === undefined ? undefined : inPlaceQuery(column, storage, schema, keys, limits);
      if (query === undefined) return [];
      const [before, after, ...more] = query.split(marker);
      if (before === undefined || after === undefined || more.length > 0)
        throw new Error('a query of keys does not hold its fragment once');
      return [{ datatype, typeOid, before, after, populate }];
    });
  });
}
