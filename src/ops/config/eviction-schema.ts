import { z } from 'zod';
import { type EvictionLimits, evictionStrategies } from '../../cache/eviction/eviction-policy';
import { choice, count, says } from './option-kinds';

/** Who removes entries from time to time. With pg_cron the database does, whatever stands here. */
export const evictionRunners = ['nobody', 'proxy', 'observer'] as const;
export type EvictionRunner = (typeof evictionRunners)[number];

/** No one's cache is as large; exact as a number of any kind. */
const most = 1_000_000_000_000_000;

/** The section `eviction` of the configuration file. */
export const evictionSchema = z
  .strictObject({
    run_by: choice(
      evictionRunners,
      'Who removes what is beyond the limits below. nobody: only pcache eviction run does, or the database itself after pcache eviction enable.',
    ).default('nobody'),
    interval_s: count(1, 2_000_000, 'Seconds between two runs of a proxy or observer.').default(600),
    strategy: choice(
      evictionStrategies,
      'What goes first. oldest: what no statement has used for longest. largest: what takes most. cost_benefit: what has saved statements, and took to compute, the fewest milliseconds by byte and day of not being used.',
    ).default('oldest'),
    max_age_days: z
      .number()
      .min(0)
      .max(36_500)
      .meta(
        says(
          'What no statement has used for so long goes, whatever the strategy. 0: no limit; so the following.',
          'days, from 0 to 36500',
        ),
      )
      .default(0),
    max_entries: count(0, most, 'Entries of all partition keys together.').default(0),
    max_bytes: count(0, most, 'Bytes the keys of all entries take, as the store was given them.').default(0),
    max_entries_per_key: count(0, most, 'Entries of each partition key.').default(0),
    max_bytes_per_key: count(0, most, 'Bytes of each partition key.').default(0),
    log_days: count(
      1,
      36_500,
      'Days the log of runs in the database is kept, where the database itself evicts.',
    ).default(30),
  })
  .prefault({});

const dayMs = 24 * 60 * 60 * 1_000;

/** Limits as a person writes them, 0 for none. */
export function evictionLimits(
  written: Pick<
    z.output<typeof evictionSchema>,
    'strategy' | 'max_age_days' | 'max_entries' | 'max_bytes' | 'max_entries_per_key' | 'max_bytes_per_key'
  >,
): EvictionLimits {
  const limit = (value: number): number | undefined => (value === 0 ? undefined : value);
  return {
    strategy: written.strategy,
    maxAgeMs: limit(written.max_age_days * dayMs),
    maxEntries: limit(written.max_entries),
    maxBytes: limit(written.max_bytes),
    maxEntriesPerKey: limit(written.max_entries_per_key),
    maxBytesPerKey: limit(written.max_bytes_per_key),
  };
}
