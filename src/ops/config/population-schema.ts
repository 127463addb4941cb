import { z } from 'zod';
import { choice, count, milliseconds, text } from './option-kinds';

/** Who runs fragments: the proxy as well, or only `pcache observer`. */
export const populationRunners = ['proxy', 'observer'] as const;
export type PopulationRunner = (typeof populationRunners)[number];

/** The section `population` of the configuration file. */
export const populationSchema = z
  .strictObject({
    min_query_ms: milliseconds(0, 'Statements faster than this are not learned from.').default(5),
    run_by: choice(
      populationRunners,
      'Who runs fragments. proxy: each proxy, and observers beside it if there are any. observer: only pcache observer, which a queue in PostgreSQL or Redis is needed for.',
    ).default('proxy'),
    concurrency: count(1, 64, 'Fragments that run at the same time, for each database.').default(2),
    timeout_ms: milliseconds(1, 'A fragment that runs longer is cancelled and remembered as such.').default(
      60_000,
    ),
    max_keys: count(1, 100_000_000, 'A fragment that returns more keys is not kept.').default(100_000),
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
