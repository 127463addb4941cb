import { z } from 'zod';
import { choice, count, flag, milliseconds, says } from './option-kinds';

export const queueProviders = ['auto', 'postgresql', 'redis', 'in_process'] as const;
export type QueueProvider = (typeof queueProviders)[number];

/** The section `queue` of the configuration file. */
export const queueSchema = z
  .strictObject({
    provider: choice(
      queueProviders,
      'Where work waits. postgresql, redis: where cache.postgresql or cache.redis says, shared by proxies and observers. in_process: in the proxy, written down beside cache.path. auto: where the cache is, if that is shared and its tables are set up; else in_process.',
    ).default('auto'),
    table_prefix: z
      .string()
      .meta(
        says(
          'What the names of the tables of a queue in PostgreSQL begin with, in cache.postgresql.schema.',
          'the beginning of a name, or nothing',
        ),
      )
      .default(''),
    listen: flag(
      'Whether new work is told of by LISTEN, or by subscribing; if not, it is asked for twice a second.',
    ).default(true),
    lease_ms: milliseconds(
      1_000,
      'A worker that is not heard of for so long has lost its work to another one.',
    ).default(30_000),
    max_attempts: count(1, 1_000, 'Attempts after which work is given up, with the reason.').default(5),
    max_length: count(
      10,
      10_000_000,
      'Pieces of work that wait, of each kind and database; more push out what is wanted least.',
    ).default(10_000),
  })
  .prefault({});
