import type { CacheType } from '../cache/cache-types';
import type { PcacheConfig } from '../ops/config/pcache-config';
import { readConfig } from '../ops/config/read-config';
import type { PartitionKeyType } from '../query/partition-key';
import type { ConnectionParameters } from './connection';
import { underFileNames } from './fragment-settings';
import type { CacheHelperOptions } from './helper-options';

/** Where the password is for whoever reads the configuration: nowhere but here. */
const passwordName = 'password of the connection';

/**
 * The configuration that a helper's options come to: it passes the very checks of a file. Throws ConfigError with every problem there
 * is, each by the name it has in a file.
 *
 * @param tables instead of the options'
 */
export function helperConfig(
  cacheType: CacheType,
  partitionKey: string,
  datatype: PartitionKeyType,
  {
    connection,
    ...options
  }: Omit<CacheHelperOptions, 'connection'> & {
    readonly connection: ConnectionParameters | undefined;
  },
  tables: Readonly<Record<string, string>>,
): PcacheConfig {
  const { consistency, maxKeyShare, fragments, cache, queue, changeSchema } = options;
  const key = {
    datatype,
    tables,
    ...(consistency === undefined ? {} : { consistency }),
    ...(maxKeyShare === undefined ? {} : { max_key_share: maxKeyShare }),
    ...(fragments === undefined ? {} : { fragments: underFileNames(fragments) }),
  };
  const data = {
    // Nothing listens; any port is free of being the server's own.
    listen: { port: 0 },
    admin: { port: 0 },
    cache: { ...cache, backend: cacheType },
    ...(queue === undefined ? {} : { queue }),
    ...(changeSchema === undefined ? {} : { freshness: { schema: changeSchema } }),
    ...(connection === undefined ? {} : databaseOf(connection, { [partitionKey]: key })),
  };
  return readConfig(JSON.stringify(data), {
    source: 'createCacheHelper',
    environment: { [passwordName]: connection?.password },
    workingDirectory: options.workingDirectory ?? process.cwd(),
  });
}

function databaseOf(
  { host, port, database, user, password, tls }: ConnectionParameters,
  keys: Readonly<Record<string, object>>,
): object {
  const control = { user, ...(password === undefined ? {} : { password_env: passwordName }) };
  return {
    upstream: { host, port, ...(tls === undefined ? {} : { tls }) },
    databases: { [database]: { control, partition_keys: keys } },
  };
}
