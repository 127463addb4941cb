import type { CacheHandler } from './cache-helper';
import type { FragmentSettings } from './fragment-settings';
import type { MethodName } from './method-name';
import type { Session } from './session';

/** What all functions that look at a query take. */
export interface QueryOptions extends FragmentSettings {
  readonly query: string;
  readonly cacheHandler: CacheHandler;
  /** For reading; a helper has one only, and any other name is an error. */
  readonly partitionKey?: string;
  /** The connection the query is going to be run on. Default: any new one of the helper's role, in which nothing was set. */
  readonly session?: Session;
}

/** How keys are put into a query. */
export interface RestrictOptions extends QueryOptions {
  /** Default: auto of applyCache, IN_SUBQUERY of the lazy functions, IN of extendQueryWithPartitionKeys. */
  readonly method?: MethodName;
  /** Alias of the table to restrict, if the query has one of that name; by default the table is found. */
  readonly p0Alias?: string;
  /** Whether temporary tables get statistics, and that of TMP_TABLE_JOIN its index. Default: true. */
  readonly analyzeTmpTable?: boolean;
  /**
   * YOU PROMISE TO RUN THE ORIGINAL QUERY, outside of a transaction block, if the restricted one ends in an error: then queries with
   * conditions that can raise one, such as `1 / x > 0`, are restricted as well. Default: false.
   */
  readonly retriesOnError?: boolean;
}

/** Throws TypeError if a call names another partition key than its helper has. */
export function checkKey(partitionKey: string, asked: string | undefined): void {
  if (asked === undefined || asked === partitionKey) return;
  throw new TypeError(
    `the cache helper is of ${JSON.stringify(partitionKey)}, not of ${JSON.stringify(asked)}`,
  );
}
