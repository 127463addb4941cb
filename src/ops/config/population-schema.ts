import { z } from 'zod';
import { choice, count, milliseconds, says, text } from './option-kinds';

/** Who runs fragments: the proxy as well, only `pcache observer`, or only the database itself, by pg_cron. */
export const populationRunners = ['proxy', 'observer', 'database'] as const;
export type PopulationRunner = (typeof populationRunners)[number];

/** How what is known is made use of when more is computed. */
export const cacheUses = ['off', 'auto', 'inline', 'in_subquery'] as const;
export type CacheUse = (typeof cacheUses)[number];

/** The section `population` of the configuration file. */
export const populationSchema = z
  .strictObject({
    min_query_ms: milliseconds(0, 'Statements faster than this are not learned from.').default(5),
    min_seen: count(
      1,
      1_000_000,
      'A fragment is queued when a proxy has seen it in so many slow statements within an hour or two.',
    ).default(1),
    run_by: choice(
      populationRunners,
      'Who runs fragments. proxy: each proxy, and observers beside it if there are any. observer: only pcache observer, which a queue in PostgreSQL or Redis is needed for. database: PostgreSQL itself, which pcache processor sets up; proxies only queue them.',
    ).default('proxy'),
    concurrency: count(1, 64, 'Fragments that run at the same time, for each database.').default(2),
    timeout_ms: milliseconds(1, 'A fragment that runs longer is cancelled and remembered as such.').default(
      60_000,
    ),
    max_keys: count(1, 100_000_000, 'A fragment that returns more keys is not kept.').default(100_000),
    use_cache: choice(
      cacheUses,
      'Whether a fragment is restricted by smaller ones that are known, and how: by their keys as an array, as rows to join with, or as fits their number. off: each is run as it is.',
    ).default('off'),
    lock_timeout_ms: milliseconds(
      0,
      'A fragment that waits longer for a lock is tried again later. 0: it waits until timeout_ms.',
    ).default(10_000),
    work_mem: text(
      "work_mem of the connections that run fragments; by default, the server's for the control role.",
      'a number and kB, MB or GB, such as 64MB',
    )
      .regex(/^[1-9][0-9]{0,9} ?(kB|MB|GB)$/)
      .optional(),
    duty: z
      .number()
      .min(0.001)
      .max(1)
      .meta(
        says(
          'Share of the time that fragments of a database are run, one at a time, while its server has other work; for the rest of it, a minute at most after each, it is left to its clients. While no client is running a statement there is neither rest nor turn. 1: never. Each job of pcache processor rests for itself.',
          'a number from 0.001 to 1',
        ),
      )
      .default(0.02),
    parallel_workers: count(
      0,
      1_024,
      'max_parallel_workers_per_gather of the connections that run fragments: processes that help each.',
    ).default(0),
    max_active_connections: count(
      0,
      1_000_000,
      'While more connections of the server are running statements, those of population not counted, no fragment is begun. 0: no limit.',
    ).default(0),
    max_replication_lag_ms: milliseconds(
      0,
      'While a standby is further behind, no fragment is begun. 0: no limit. Both take a role that may read pg_stat_activity and pg_stat_replication, such as a member of pg_monitor.',
    ).default(0),
  })
  .prefault({});
