import type { CacheHandler } from './cache-helper';
import type { FragmentSettings } from './fragment-settings';
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

/** Throws TypeError if a call names another partition key than its helper has. */
export function checkKey(partitionKey: string, asked: string | undefined): void {
  if (asked === undefined || asked === partitionKey) return;
  throw new TypeError(
    `the cache helper is of ${JSON.stringify(partitionKey)}, not of ${JSON.stringify(asked)}`,
  );
}
