import type { Argv } from 'yargs';
import { DatabaseEviction } from '../../cache/backends/postgresql/database-eviction';
import type { PcacheConfig } from '../../ops/config/pcache-config';
import { type ConfigFlags, withConfigFlags } from '../config-flags';
import { checkIsInPostgresql, JobDatabase, type JobFlags, withJobFlags } from '../job-database';
import { configWithLimits, type LimitFlags } from './limit-flags';
import { type JsonFlag, withJsonFlag } from '../output';

export interface EvictionFlags extends ConfigFlags, JobFlags, JsonFlag {}

export function withEvictionFlags<T>(argv: Argv<T>): Argv<T & EvictionFlags> {
  return withJsonFlag(withJobFlags(withConfigFlags(argv)));
}

/** What the commands about eviction in the database work on; the caller disposes of it. */
export interface EvictingDatabase extends AsyncDisposable {
  readonly config: PcacheConfig;
  readonly jobs: JobDatabase;
  readonly eviction: DatabaseEviction;
  readonly jobName: string;
}

/** Throws UsageError where the cache is elsewhere. */
export function evictingDatabase(flags: EvictionFlags & Partial<LimitFlags>): EvictingDatabase {
  const config = configWithLimits(flags);
  const { cache } = config;
  checkIsInPostgresql(cache, 'set eviction.run_by to have a proxy or an observer evict');
  const jobs = new JobDatabase(config, flags);
  const eviction = new DatabaseEviction(jobs.pool, cache.postgresql, cache.backend);
  return {
    ...{ config, jobs, eviction },
    jobName: eviction.jobName(jobs.database),
    [Symbol.asyncDispose]: () => jobs[Symbol.asyncDispose](),
  };
}

/** Puts the job on pg_cron's list, as the settings want it. */
export async function scheduleEviction({ jobs, eviction, jobName }: EvictingDatabase): Promise<void> {
  const { schedule, cronDatabase } = await eviction.status();
  const cron = await jobs.cron(cronDatabase);
  await cron.schedule([
    { name: jobName, schedule, command: eviction.command, database: jobs.database, user: jobs.jobUser },
  ]);
}
