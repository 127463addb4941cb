import { z } from 'zod';
import { choice, count, flag, milliseconds, remotePort, says, serverHost, text } from './option-kinds';

export const queueProviders = ['auto', 'postgresql', 'redis', 'in_process'] as const;
export type QueueProvider = (typeof queueProviders)[number];

const postgresql = z
  .strictObject({
    database: text(
      'Database a queue in PostgreSQL is in, if not that of cache.postgresql; so the following.',
      'the name of a database',
    ).optional(),
    host: serverHost('Its host.').optional(),
    port: remotePort('Its port.').optional(),
    user: text('Role to use.', 'a role name').optional(),
    password_env: text(
      'Environment variable that holds the password of that role.',
      'the name of an environment variable',
    ).optional(),
    password_file: text('File that holds it.', 'the name of a file').optional(),
  })
  .prefault({});

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
    postgresql,
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
