import { CandidateStatement } from '../engine/candidate-statement';
import { reasonOfOther } from '../engine/explain/statement-explainer';
import { objectionTo } from '../engine/given-keys';
import { matchReading } from '../engine/reading';
import { restrictStatement } from '../engine/restrict-statement';
import { applyCache, type ApplyOptions, type CacheStats } from './apply-cache';
import { type CacheHelper, helperOf } from './cache-helper';
import { extended, type ExtendedQuery, leftAlone } from './extended-query';
import { readQuery } from './generate-hashes';
import { variantsOf } from './get-partition-keys';
import { isReadInPlace, readInPlace } from './keys-in-place';
import { methodOf } from './method-name';
import { parseTrouble } from './parse-trouble';
import { checkKey } from './query-options';
import { wasHarmless } from './restricted-before';
import { contextOf } from './session';

export interface LazilyAppliedCache extends ExtendedQuery {
  readonly stats: CacheStats;
  /** Whether the query reads the keys where they are kept; if not, they stand in it. */
  readonly isInPlace: boolean;
}

/**
 * applyCache, but the query reads the keys where they are kept, in a cache in tables of its own database: none leaves it, and the text does not grow
 * with them. Every block is restricted on its own, and the answer is the same, also if entries are replaced or removed before the query runs:
 * then it lets every key through. Exact keys are kept so within the text, by the change log.
 *
 * For caches of other kinds it is applyCache, with keys as rows to join with. Rejects as that does, and with NotInPlaceError if the role may not read a
 * cache in PostgreSQL, or that is in another database.
 */
export async function applyCacheLazy(options: ApplyOptions): Promise<LazilyAppliedCache> {
  const { method = 'IN_SUBQUERY', cacheHandler } = options;
  const choice = methodOf(method);
  const helper = helperOf(cacheHandler);
  checkKey(helper.partitionKey, options.partitionKey);
  if (!isReadInPlace(helper)) {
    const { explanation: _, ...applied } = await applyCache({ ...options, method });
    return { ...applied, isInPlace: false };
  }
  return apply(helper, options, choice === 'auto' ? 'in_subquery' : choice);
}

async function apply(
  helper: CacheHelper,
  options: ApplyOptions,
  method: Parameters<typeof readInPlace>[3]['method'],
): Promise<LazilyAppliedCache> {
  const { query, p0Alias: alias, session, retriesOnError = false } = options;
  const { engine, pool, catalog, shapes } = helper.queries();
  const current = await catalog();
  const context = await contextOf(session, engine, pool);
  const reading = await readQuery(helper, query, context, options);
  const generatedVariants = variantsOf(reading, helper);
  const left = (reason: string, cacheHits = 0): LazilyAppliedCache => ({
    ...leftAlone(query, reason),
    isInPlace: false,
    stats: { generatedVariants, cacheHits, enhanced: false, p0Rewritten: false },
  });
  const statement = engine.inspect(query);
  if (reading === undefined || !(statement instanceof CandidateStatement))
    return left(parseTrouble(query) ?? reasonOfOther(statement));
  if (context.mode === 'off') return left('switched off');
  const objection = objectionTo(reading, retriesOnError || wasHarmless(query));
  if (objection !== undefined) return left(objection);
  const known = matchReading(reading, engine.directory);
  if (known.length === 0) return left('miss');
  if (context.mode === 'observe') return left('observe mode');
  const { matches, reasons } = await readInPlace(helper, reading, known, { method, alias, session }, current);
  const cacheHits = new Set(matches.flatMap(({ hashes }) => hashes)).size;
  if (matches.length === 0) return left(reasons[0] ?? 'miss');
  const restrictions = matches.map(({ restriction }) => restriction);
  const restricted = await restrictStatement(reading, restrictions, current, shapes);
  if ('refused' in restricted) return left(restricted.refused, cacheHits);
  const p0Rewritten = restrictions.some(({ keyClass }) =>
    keyClass.members.some(({ table }) => table.alias === alias),
  );
  return {
    ...extended(restricted, reading, options),
    isInPlace: true,
    stats: { generatedVariants, cacheHits, enhanced: true, p0Rewritten },
  };
}
