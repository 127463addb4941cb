import { z } from 'zod';
import { cacheTypeNames } from '../../cache/cache-types';
import type { ServerTlsMode } from '../../postgres/server-tls';
import { choice, count, milliseconds, remotePort, serverHost, text } from './option-kinds';

export const inPlaceModes = ['auto', 'off'] as const;

export const redisKinds = ['single', 'sentinel', 'cluster'] as const;
/** Redis' port speaks TLS or not: there is nothing to negotiate. */
export const redisTlsModes = [
  'disable',
  'require',
  'verify-ca',
  'verify-full',
] as const satisfies readonly ServerTlsMode[];

const cachePostgresql = z
  .strictObject({
    database: text(
      'Database the postgresql backends keep key sets in; if left out, the one under databases, if it is the only one.',
      'the name of a database',
    ).optional(),
    host: serverHost("Its host, where it is not that of the database's control connections.").optional(),
    port: remotePort("Its port, where it is not that of the database's control connections.").optional(),
    user: text("Role to use, where it is not the database's control role.", 'a role name').optional(),
    password_env: text(
      'Environment variable that holds the password of that role.',
      'the name of an environment variable',
    ).optional(),
    password_file: text('File that holds it.', 'the name of a file').optional(),
    schema: text('Schema of the tables; pcache manage setup makes it.', 'the name of a schema').default(
      'pcache',
    ),
    table_prefix: text('What the names of the tables begin with.', 'the beginning of a name').default(
      'cache_',
    ),
    in_place: choice(
      inPlaceModes,
      'auto: key sets of the very database they are kept in are computed and stored there, and pass through no proxy, if the control role may. off: they pass through the proxy.',
    ).default('auto'),
  })
  .prefault({});

const cacheRedis = z
  .strictObject({
    kind: choice(
      redisKinds,
      'single: one server. sentinel: the server that Sentinels name. cluster: a Redis Cluster.',
    ).default('single'),
    addresses: text(
      'The server; or Sentinels, or nodes of the cluster, of which any tells of the others.',
      'host:port, several separated by commas',
    ).default('127.0.0.1:6379'),
    sentinel_name: text('What Sentinels call the server.', 'a name').optional(),
    user: text('User of Redis, where it has users.', 'the name of a user').optional(),
    password_env: text(
      'Environment variable that holds the password of Redis.',
      'the name of an environment variable',
    ).optional(),
    password_file: text('File that holds it.', 'the name of a file').optional(),
    database: count(0, 1_000_000, 'Database number; a cluster has 0 only.').default(0),
    tls: z
      .strictObject({
        mode: choice(redisTlsModes, 'TLS to Redis, with the meanings of sslmode of libpq.').default(
          'disable',
        ),
        ca: text(
          "PEM file with the authorities of the server's certificate.",
          'the name of a file',
        ).optional(),
        certificate: text("PEM file with pcache's own certificate.", 'the name of a file').optional(),
        key: text('PEM file with the key of that certificate.', 'the name of a file').optional(),
      })
      .prefault({}),
    key_prefix: text('What all keys in Redis begin with.', 'text without braces').default('pcache:'),
    ttl_s: count(0, 2 ** 31, 'How long an entry stays, in seconds; 0: until the server evicts it.').default(
      0,
    ),
    command_timeout_ms: milliseconds(1, 'Time Redis has for an answer.').default(1_000),
  })
  .prefault({});

/** The section `cache` of the configuration file. */
export const cacheSchema = z
  .strictObject({
    backend: choice(
      cacheTypeNames,
      'Where key sets are kept, and how; the table of backends says which datatypes each holds. memory: gone when the process ends.',
    ).default('rocksdb_set'),
    path: text(
      'Directory of the rocksdb and rocksdict backends, from the working directory if it is not absolute; one process at a time.',
      'the name of a directory',
    ).default('./pcache-data'),
    bits: count(
      1,
      2 ** 32,
      'Most bits of a set, for backends whose names end in _bit: they hold keys from 0 to one less. A set takes what its highest key needs.',
    ).default(2 ** 27),
    deadline_ms: milliseconds(
      1,
      'Time a statement waits for key sets that are not in memory, and then goes as it came. A store that takes five times as long is not asked until it answers.',
    ).default(20),
    postgresql: cachePostgresql,
    redis: cacheRedis,
  })
  .prefault({});
