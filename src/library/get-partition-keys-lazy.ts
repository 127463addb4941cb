import { outermostClass } from '../engine/given-keys';
import { matchReading } from '../engine/reading';
import { keysOfOneColumn } from '../engine/rewriter';
import { helperOf } from './cache-helper';
import { type KeysOptions, type KnownOfQuery, variantsOf } from './get-partition-keys';
import { readQuery } from './generate-hashes';
import { checkInPlace, readInPlace } from './keys-in-place';
import { parseTrouble } from './parse-trouble';
import { checkKey } from './query-options';
import { contextOf } from './session';

export interface LazyKeysOfQuery extends KnownOfQuery {
  /**
   * A SELECT of one column, which reads the keys where they are kept. It belongs into the very query, or one of the same tables: it has every key that rows
   * of it can have, besides NULL, also if entries were replaced or removed in the meantime; exact keys are exact in the statement that has it. undefined: nothing is known.
   */
  readonly lazySubquery: string | undefined;
}

/**
 * getPartitionKeys for caches in tables of PostgreSQL, in the database of the queries: no key leaves it. What it gives is for
 * extendQueryWithPartitionKeysLazy; applyCacheLazy does both, for every block of a query.
 *
 * Rejects with NotInPlaceError for other caches and for roles that may not read them, else as the helper's methods do.
 */
export async function getPartitionKeysLazy(options: KeysOptions): Promise<LazyKeysOfQuery> {
  const { query, cacheHandler, p0Alias, session } = options;
  const helper = helperOf(cacheHandler);
  checkKey(helper.partitionKey, options.partitionKey);
  const { engine, pool, catalog } = helper.queries();
  checkInPlace(helper);
  const context = await contextOf(session, engine, pool);
  const reading = await readQuery(helper, query, context, options);
  const generatedVariants = variantsOf(reading, helper);
  const nothing = (reason: string): LazyKeysOfQuery => ({
    ...{ generatedVariants, usedHashes: [], cacheHits: 0, reason, lazySubquery: undefined },
  });
  if (reading === undefined) return nothing(parseTrouble(query) ?? 'not a candidate');
  const outermost = outermostClass(reading, p0Alias);
  if ('refused' in outermost) return nothing(outermost.refused);
  const match = matchReading(reading, engine.directory).find(
    ({ keyClass }) => keyClass === outermost.keyClass,
  );
  if (match === undefined) return nothing('miss');
  const how = { method: 'in_subquery', alias: p0Alias, session } as const;
  const current = await catalog();
  const { matches, reasons } = await readInPlace(helper, reading, [match], how, current);
  const [inPlace] = matches;
  if (inPlace === undefined) return nothing(reasons[0] ?? 'miss');
  const lazySubquery = keysOfOneColumn(inPlace.restriction, current);
  if (lazySubquery === undefined) return nothing('no column that can be restricted');
  const usedHashes = inPlace.hashes;
  return { generatedVariants, usedHashes, cacheHits: usedHashes.length, reason: undefined, lazySubquery };
}
