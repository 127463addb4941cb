import { CandidateStatement } from '../engine/candidate-statement';
import { fragmentsOf, readStatement, type Reading } from '../engine/reading';
import type { SessionContext } from '../engine/session-context';
import { statementsOf } from '../engine/statements-of-text';
import type { Fragment, FragmentHash } from '../query/fragment/fragment';
import { type CacheHelper, helperOf } from './cache-helper';
import { checkKey, type QueryOptions } from './query-options';
import { contextOf } from './session';

/** A fragment's SQL, which computes its keys, and its hash, which its keys are kept under. */
export interface QueryHashPair {
  readonly query: string;
  readonly hash: FragmentHash;
  readonly fragment: Fragment;
}

/**
 * The fragments of a query that could be known, most selective first; none if it cannot be restricted. They mean what they mean in the
 * helper's database, for sessions with the same settings: their hashes depend on both, and on the tables' names, not on aliases or on the
 * order of conditions.
 */
export async function generateAllQueryHashPairs(options: QueryOptions): Promise<readonly QueryHashPair[]> {
  const helper = helperOf(options.cacheHandler);
  checkKey(helper.partitionKey, options.partitionKey);
  const { engine, pool } = helper.queries();
  const fragments = await enumerateOf(helper, options, await contextOf(options.session, engine, pool));
  return fragments.map((fragment) => ({ query: fragment.sql, hash: fragment.hash, fragment }));
}

/** The hashes of generateAllQueryHashPairs. They can be given to the helper's setSet. */
export async function generateAllHashes(options: QueryOptions): Promise<readonly FragmentHash[]> {
  return (await generateAllQueryHashPairs(options)).map(({ hash }) => hash);
}

/** Their fragments, which the helper knows by their hashes from then on. */
export async function enumerateOf(
  helper: CacheHelper,
  { query, ...settings }: QueryOptions,
  context: SessionContext,
): Promise<readonly Fragment[]> {
  const reading = await readQuery(helper, query, context, settings);
  const fragments = reading === undefined ? [] : fragmentsOf(reading);
  for (const fragment of fragments) helper.note(fragment);
  if (fragments.length === 0) warn(helper, settings);
  return fragments;
}

/** With the columns it could be joined on or compared: whoever wrote the query usually meant to, and has forgotten it. */
function warn(helper: CacheHelper, settings: Omit<QueryOptions, 'query'>): void {
  const { log, keyWith } = helper.parts();
  const { name, tables, fragments } = keyWith(settings);
  if (!fragments.warnNoPartitionKey) return;
  const columns = [...tables].map(([table, column]) => `${table}.${column}`);
  log.warn({ partitionKey: name, columns }, 'a query cannot be restricted by the partition key');
}

/** The query as the session means it; undefined if it is no SQL. */
export async function readQuery(
  helper: CacheHelper,
  query: string,
  context: SessionContext,
  settings: Omit<QueryOptions, 'query'>,
): Promise<Reading | undefined> {
  const catalog = await helper.queries().catalog();
  const content = statementsOf(query, catalog);
  if (content === undefined) return undefined;
  const statement = new CandidateStatement(query, false, undefined, () => content, content);
  const key = helper.parts().keyWith(settings);
  return readStatement(statement, context, catalog, [key], undefined, []);
}
