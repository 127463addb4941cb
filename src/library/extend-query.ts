import { restrictToKeys } from '../engine/given-keys';
import { helperOf } from './cache-helper';
import { extended, type ExtendedQuery, leftAlone } from './extended-query';
import { readQuery } from './generate-hashes';
import { methodOf } from './method-name';
import { parseTrouble } from './parse-trouble';
import { type KeysInput, PartitionKeys } from './partition-keys';
import { checkKey, type RestrictOptions } from './query-options';
import { wasHarmless } from './restricted-before';
import { contextOf } from './session';

export interface ExtendOptions extends RestrictOptions {
  /** YOU PROMISE THAT ROWS WITH OTHER KEYS ARE NOT WANTED; those without a key, that is with NULL, stay. */
  readonly partitionKeys: KeysInput;
}

/**
 * Restricts the outermost SELECT of a query to keys, whatever they are and wherever they come from; blocks inside stay as they are. A query that
 * cannot be restricted so comes back as it was, with the reason. Rejects as the helper's methods do, and with TypeError for keys that
 * the datatype cannot hold.
 */
export async function extendQueryWithPartitionKeys(options: ExtendOptions): Promise<ExtendedQuery> {
  const { query, partitionKeys, method = 'IN', p0Alias, retriesOnError = false } = options;
  const choice = methodOf(method);
  const helper = helperOf(options.cacheHandler);
  checkKey(helper.partitionKey, options.partitionKey);
  const { keySet } = PartitionKeys.from(helper.datatype, partitionKeys);
  const { engine, pool, catalog, shapes } = helper.queries();
  const context = await contextOf(options.session, engine, pool);
  const reading = await readQuery(helper, query, context, options);
  if (reading === undefined) return leftAlone(query, parseTrouble(query) ?? 'not a candidate');
  const restricted = await restrictToKeys(
    reading,
    {
      keys: keySet,
      method: choice,
      alias: p0Alias,
      canRetry: retriesOnError || wasHarmless(query),
    },
    await catalog(),
    shapes,
  );
  return extended(restricted, reading, options);
}
