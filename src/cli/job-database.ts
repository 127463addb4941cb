import type { Argv } from 'yargs';
import type { CacheConfig, PcacheConfig } from '../ops/config/pcache-config';
import type { ControlPool } from '../postgres/control-pool';
import { CronJobs, findCronDatabase } from '../postgres/pg-cron';
import { Secret } from '../ops/config/secret';
import { type ConfigFlags, passwordOf } from './config-flags';
import { loadUpstreamTls } from './load-tls';
import { openCachePool } from './open-cache-pool';
import { UsageError } from './usage-error';

/** The options of commands that have the database itself do something from time to time. */
export interface JobFlags {
  readonly user: string | undefined;
  readonly 'password-env': string | undefined;
  readonly 'cron-database': string | undefined;
}

export function withJobFlags<T>(argv: Argv<T>): Argv<T & JobFlags> {
  const text = { type: 'string', requiresArg: true } as const;
  return argv
    .option('user', {
      ...text,
      describe: 'Role to work as: the owner of the schema, or a superuser [default: cache.postgresql.user]',
    })
    .option('password-env', { ...text, describe: 'Environment variable with its password' })
    .option('cron-database', {
      ...text,
      describe: 'Database pg_cron keeps its jobs in [default: what the server says]',
    });
}

/** The database a cache is in, and the jobs of its server. */
export class JobDatabase implements AsyncDisposable {
  readonly pool: ControlPool;
  /** Whose rights jobs have: of the proxies' and observers' role. */
  readonly jobUser: string;
  readonly database: string;
  readonly #opened: ControlPool[] = [];

  constructor(
    private readonly config: PcacheConfig,
    private readonly flags: ConfigFlags & JobFlags,
  ) {
    const { database, user } = config.cache.postgresql;
    if (database === undefined || user === undefined)
      throw new UsageError('cache.postgresql.database and cache.postgresql.user are required');
    this.database = database;
    this.jobUser = user;
    this.pool = this.#open({});
  }

  /** Where jobs are kept, as the flags or the server say. */
  async findCronDatabase(): Promise<string> {
    return this.flags['cron-database'] ?? (await findCronDatabase(this.pool));
  }

  /** Rejects with StartError if there is no pg_cron. */
  async cron(cronDatabase: string): Promise<CronJobs> {
    return CronJobs.open(cronDatabase === this.database ? this.pool : this.#open({ database: cronDatabase }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pool of this.#opened.splice(0)) await pool[Symbol.asyncDispose]();
  }

  #open(replaced: { readonly database?: string }): ControlPool {
    const { user, 'password-env': variable } = this.flags;
    const own = this.config.cache.postgresql;
    const password = variable === undefined ? undefined : passwordOf(this.flags, variable);
    const asked = {
      ...own,
      ...replaced,
      ...(user === undefined ? {} : { user, password: undefined }),
      ...(password === undefined ? {} : { password: new Secret(password) }),
    };
    const pool = openCachePool(asked, loadUpstreamTls(this.config), 2);
    this.#opened.push(pool);
    return pool;
  }
}

/** Throws UsageError for a cache that is not in PostgreSQL. */
export function checkIsInPostgresql({ backend }: CacheConfig, otherwise: string): void {
  if (!backend.startsWith('postgresql_'))
    throw new UsageError(`the cache is not in PostgreSQL: cache.backend is ${backend}; ${otherwise}`);
}
