import type { Explanation } from '../engine/explain/explanation';
import { parseTrouble } from './parse-trouble';
import { helperOf } from './cache-helper';
import { type ExtendedQuery, leftAlone, withKeys } from './extended-query';
import { enumerateOf } from './generate-hashes';
import { methodOf } from './method-name';
import { checkKey, type RestrictOptions } from './query-options';
import { wasHarmless } from './restricted-before';
import { contextOf } from './session';

export type ApplyOptions = RestrictOptions;

export interface CacheStats {
  /** Fragments of the query that could be known. */
  readonly generatedVariants: number;
  /** Entries of the cache that hold for it. */
  readonly cacheHits: number;
  readonly enhanced: boolean;
  /** Whether it is the table of `p0Alias` that was restricted, or the partition-join table. */
  readonly p0Rewritten: boolean;
}

export interface AppliedCache extends ExtendedQuery {
  readonly stats: CacheStats;
  /** What became of each block of the query, and of each fragment. */
  readonly explanation: Explanation;
}

/**
 * The query, restricted by all that the cache knows of it: the very text that the proxy would send. Every block of it is restricted on its own,
 * and the answer is the same. What the proxy would leave alone comes back as it was, with the reason.
 *
 * Exact keys are kept so within the text, by the change log. Rejects as the helper's methods do, and with UnconnectedHelperError.
 */
export async function applyCache(options: ApplyOptions): Promise<AppliedCache> {
  const { query, cacheHandler, method = 'auto', p0Alias, session, retriesOnError = false } = options;
  const choice = methodOf(method);
  const helper = helperOf(cacheHandler);
  checkKey(helper.partitionKey, options.partitionKey);
  const { engine, pool, catalog } = helper.queries();
  await catalog();
  const context = {
    ...(await contextOf(session, engine, pool)),
    method: choice,
    restrictedAlias: p0Alias,
  };
  const explanation = await engine.explain({
    statement: engine.inspect(query),
    context,
    isContextCertain: true,
    canRetry: retriesOnError || wasHarmless(query),
    canMakeTables: context.canMakeTables === true,
  });
  const { restricted, reason } = explanation;
  const extended =
    reason === undefined && restricted !== undefined
      ? withKeys(restricted.text, restricted.tables, {
          isHarmless: wasHarmless(query) || !restricted.mayRaise,
          isPlain: options.analyzeTmpTable === false,
        })
      : leftAlone(query, parseTrouble(query) ?? reason ?? 'not restricted');
  const fragments = await enumerateOf(helper, options, context);
  const enhanced = extended.reason === undefined;
  return {
    ...extended,
    explanation,
    stats: {
      generatedVariants: fragments.length,
      cacheHits: hitsIn(explanation),
      enhanced,
      p0Rewritten: enhanced && isOnAlias(explanation, p0Alias),
    },
  };
}

function hitsIn({ blocks }: Explanation): number {
  const hits = blocks.flatMap(({ classes }) =>
    classes.flatMap(({ fragments }) =>
      fragments.filter(({ status }) => status === 'hit').map(({ hash }) => hash),
    ),
  );
  return new Set(hits).size;
}

function isOnAlias({ blocks }: Explanation, alias: string | undefined): boolean {
  if (alias === undefined) return false;
  return blocks.some(
    ({ reason, classes }) =>
      reason === undefined &&
      classes.some(({ columns }) => columns.some((column) => column.startsWith(`${alias}.`))),
  );
}
