import type { z } from 'zod';
import type { cacheSchema } from '../ops/config/cache-schema';
import type { queueSchema } from '../ops/config/queue-schema';
import type { Log } from '../ops/log/log';
import type { ConnectionInput } from './connection';
import type { FragmentSettings } from './fragment-settings';

/** What a cache helper works with. */
export interface CacheHelperOptions {
  /** The database that queries are for. Without it the helper keeps key sets, and can look at no query. */
  readonly connection?: ConnectionInput;
  /**
   * Key column by table, as `schema.table`. Default: every table of the database that has a column with the name of the partition
   * key and of a type of its datatype, when the helper is made.
   */
  readonly tables?: Readonly<Record<string, string>>;
  /**
   * exact: every answer is that of the data as they are; it takes `pcache track install` in the database, and until then nothing is
   * restricted. static: YOU PROMISE THAT THE DATA OF THESE TABLES DOES NOT CHANGE while an entry is in the cache; if it does, rows
   * can be missing from answers. Keys of fragments that are given (setSet, setEntry) are taken for a static key only.
   *
   * Default: exact.
   */
  readonly consistency?: 'exact' | 'static';
  /** A set that holds more than this share of all keys restricts nothing: it would cost more than it saves. Default: 0.5. */
  readonly maxKeyShare?: number;
  /** What is learned from queries, unless a call says otherwise. */
  readonly fragments?: FragmentSettings;
  /** Where key sets are kept: the section `cache` of the configuration file, but for its `backend`, under its names. */
  readonly cache?: Omit<NonNullable<z.input<typeof cacheSchema>>, 'backend'>;
  /** Where queries and fragments wait: the section `queue` of the configuration file, under its names. */
  readonly queue?: NonNullable<z.input<typeof queueSchema>>;
  /**
   * Makes the tables of a cache and a queue in PostgreSQL, or brings them up to this version, as `pcache manage setup` does.
   * Default: false.
   */
  readonly setUp?: boolean;
  /** Schema where changes are logged, for exact keys. Default: pcache. */
  readonly changeSchema?: string;
  /** Where relative paths start. Default: the process's working directory. */
  readonly workingDirectory?: string;
  /** A log as pino has it. Default: none. */
  readonly log?: Log;
}
