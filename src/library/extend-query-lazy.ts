import { objectionTo, outermostClass } from '../engine/given-keys';
import { methodsFor } from '../engine/method-choice';
import { mayUseTables } from '../engine/restrictor';
import { restrictStatement } from '../engine/restrict-statement';
import { parseStatements } from '../query/ast/parser';
import { usesTable } from '../query/rewrite/method';
import { helperOf } from './cache-helper';
import { cleanQuery } from './clean-query';
import { extended, type ExtendedQuery, leftAlone } from './extended-query';
import { readQuery } from './generate-hashes';
import { methodOf } from './method-name';
import { parseTrouble } from './parse-trouble';
import { checkKey, type RestrictOptions } from './query-options';
import { wasHarmless } from './restricted-before';
import { contextOf } from './session';

export interface ExtendLazyOptions extends RestrictOptions {
  /** A SELECT of one column, as getPartitionKeysLazy gives it; of another, YOU PROMISE THAT ROWS WITH OTHER KEYS ARE NOT WANTED. */
  readonly lazySubquery: string;
}

/**
 * extendQueryWithPartitionKeys with keys that a SELECT gives when the query is run. Exact keys are so within one statement only: with a
 * temporary table the query is left alone. Rejects as the helper's methods do, and with TypeError for what is not a single SELECT.
 */
export async function extendQueryWithPartitionKeysLazy(options: ExtendLazyOptions): Promise<ExtendedQuery> {
  const { query, lazySubquery, method = 'IN_SUBQUERY', p0Alias, retriesOnError = false } = options;
  const choice = methodOf(method);
  const helper = helperOf(options.cacheHandler);
  checkKey(helper.partitionKey, options.partitionKey);
  const { engine, pool, catalog, shapes } = helper.queries();
  const rows = await onlySelect(lazySubquery);
  const context = await contextOf(options.session, engine, pool);
  const reading = await readQuery(helper, query, context, options);
  if (reading === undefined) return leftAlone(query, parseTrouble(query) ?? 'not a candidate');
  const objection = objectionTo(reading, retriesOnError || wasHarmless(query));
  if (objection !== undefined) return leftAlone(query, objection);
  const found = outermostClass(reading, p0Alias);
  if ('refused' in found) return leftAlone(query, found.refused);
  const canMakeTables = reading.context.canMakeTables === true && mayUseTables(reading);
  const methods = methodsFor(choice === 'auto' ? 'in_subquery' : choice, 0, canMakeTables);
  if (usesTable(methods[0]) && found.keyClass.partitionKey.changeLog !== undefined)
    return leftAlone(
      query,
      'exact keys are exact in the statement that reads them, not in a table of before',
    );
  const restricted = await restrictStatement(
    reading,
    [{ ...found, methods, alias: p0Alias, rows: () => rows }],
    await catalog(),
    shapes,
  );
  return extended(restricted, reading, options);
}

/** Without comments or an end, which would not stand within another statement. */
async function onlySelect(sql: string): Promise<string> {
  const text = await cleanQuery(sql);
  const trouble = parseTrouble(text);
  const [only, ...others] = trouble === undefined ? parseStatements(text) : [];
  const { stmt } = only ?? {};
  if (
    stmt === undefined ||
    !('SelectStmt' in stmt) ||
    others.length > 0 ||
    stmt.SelectStmt.intoClause !== undefined
  )
    throw new TypeError(`lazySubquery: expected a SELECT of one column, got ${JSON.stringify(sql)}`);
  return text;
}
