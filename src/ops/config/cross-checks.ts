import { cacheTypeNames, cacheTypes, holdsDatatype } from '../../cache/cache-types';
import { serverTlsModes } from '../../postgres/server-tls';
import { partitionKeyTypes } from '../../query/partition-key';
import { clientTlsModes } from './config-schema';
import { parseIdentifier, parseTableName } from './identifier';
import { isOwnAddress, isOwnDirectory } from './own-address';
import { parseRedisAddresses } from './redis-addresses';
import { checkSource } from './source-checks';
import { entriesOf, isMapping, valueAt, type OptionPath, type OptionProblem } from './option-path';

/**
 * What the schema cannot say of one value alone. Works on data that may be wrong in other places, so that these
 * problems are reported together with the schema's; a value of the wrong kind is the schema's to report, not ours.
 * `data` has the defaults filled in, but for those of databases, by the caller.
 *
 * @param unkeyed a database that may have no partition keys yet, as nobody could say which
 */
export function crossCheck(data: unknown, unkeyed?: string): OptionProblem[] {
  if (!isMapping(data)) return [];
  return [
    ...checkEndpoints(data),
    ...checkTls(data),
    ...checkAuth(data),
    ...checkAdmin(data),
    ...checkCache(data),
    ...checkQueue(data),
    ...checkEviction(data),
    ...checkRedis(data),
    ...checkDatabases(data, unkeyed),
    ...checkSharedKeys(data),
  ];
}

function* checkEndpoints(data: unknown): Generator<OptionProblem> {
  const listen = endpointOf(data, 'listen');
  const upstream = endpointOf(data, 'upstream');
  const admin = endpointOf(data, 'admin');
  if (listen.port === upstream.port && isOwnAddress(listen.host, upstream.host)) {
    yield {
      path: ['upstream'],
      message: `is the proxy's own address ${listen.host}:${listen.port}: it would connect to itself for ever`,
    };
  }
  const directory = valueAt(data, ['listen', 'socket_directory']);
  if (
    typeof directory === 'string' &&
    isOwnDirectory(directory, upstream.host) &&
    listen.port === upstream.port
  ) {
    yield {
      path: ['upstream'],
      message: `is the proxy's own socket in ${upstream.host}: it would connect to itself for ever`,
    };
  }
  const isShared = isOwnAddress(listen.host, admin.host) || isOwnAddress(admin.host, listen.host);
  if (isShared && listen.port === admin.port && listen.port !== '0') {
    yield {
      path: ['admin'],
      message: `cannot listen on ${listen.host}:${listen.port} as well; choose another port`,
    };
  }
}

function endpointOf(data: unknown, section: string): { readonly host: string; readonly port: string } {
  const text = (option: string): string => String(valueAt(data, [section, option]));
  return { host: text('host'), port: text('port') };
}

function* checkTls(data: unknown): Generator<OptionProblem> {
  for (const section of ['listen', 'upstream']) {
    const path = [section, 'tls'];
    const has = (key: string): boolean => valueAt(data, [...path, key]) !== undefined;
    const mode = valueAt(data, [...path, 'mode']);
    const isKnown = [...clientTlsModes, ...serverTlsModes].some((known) => known === mode);
    for (const [key, other] of [
      ['certificate', 'key'],
      ['key', 'certificate'],
    ] as const) {
      const isNeeded = has(other) || (section === 'listen' && isKnown && mode !== 'disable');
      if (isNeeded && !has(key))
        yield { path: [...path, key], message: 'is required: expected the name of a file' };
    }
    if (section === 'upstream' && (mode === 'verify-ca' || mode === 'verify-full') && !has('ca')) {
      yield { path: [...path, 'ca'], message: `is required: ${mode} takes the authorities to verify by` };
    }
  }
}

function* checkAuth(data: unknown): Generator<OptionProblem> {
  const has = (key: string): boolean => valueAt(data, ['auth', key]) !== undefined;
  const databases = entriesOf(valueAt(data, ['databases'])).map(([name]) => name);
  const query = valueAt(data, ['auth', 'query']);
  if (typeof query === 'string' && query !== '' && !/\$1(?![0-9])/.test(query)) {
    yield { path: ['auth', 'query'], message: 'has no $1, for which the name of the role is put' };
  }
  const database = valueAt(data, ['auth', 'database']);
  if (typeof database === 'string' && !databases.includes(database)) {
    yield { path: ['auth', 'database'], message: 'is not listed under databases' };
  }
  if (valueAt(data, ['auth', 'mode']) !== 'verify' || databases.length > 0) return;
  if (has('query')) {
    yield {
      path: ['auth', 'query'],
      message: 'needs a database under databases, whose control role runs it',
    };
  } else if (!has('user_file')) {
    yield {
      path: ['auth', 'mode'],
      message:
        'verify takes a user_file, or a database under databases whose control role reads the verifiers',
    };
  }
}

function* checkAdmin(data: unknown): Generator<OptionProblem> {
  const hasToken = ['token_env', 'token_file'].some((key) => valueAt(data, ['admin', key]) !== undefined);
  if (valueAt(data, ['admin', 'access']) === 'token' && !hasToken)
    yield { path: ['admin', 'access'], message: 'token takes a token: give token_env or token_file' };
  const users = valueAt(data, ['admin', 'users']);
  const console = valueAt(data, ['admin', 'console_database']);
  const names = entriesOf(valueAt(data, ['databases'])).map(([name]) => name);
  if (
    typeof users === 'string' &&
    users.trim() !== '' &&
    typeof console === 'string' &&
    names.includes(console)
  )
    yield {
      path: ['admin', 'console_database'],
      message: `is one of the databases, which clients could not reach: give the console another name than ${console}`,
    };
}

/** Where a cache or a queue in PostgreSQL is has to be known, from itself or from the database it is in. */
function* checkCache(data: unknown): Generator<OptionProblem> {
  const backend = valueAt(data, ['cache', 'backend']);
  const isThere = typeof backend === 'string' && backend.startsWith('postgresql_');
  const isQueueElsewhere = ['database', 'user'].every(
    (option) => valueAt(data, ['queue', 'postgresql', option]) !== undefined,
  );
  if (!isThere && (isQueueElsewhere || valueAt(data, ['queue', 'provider']) !== 'postgresql')) return;
  const path = ['cache', 'postgresql'];
  const databases = entriesOf(valueAt(data, ['databases'])).map(([name]) => name);
  const database =
    valueAt(data, [...path, 'database']) ?? (databases.length === 1 ? databases[0] : undefined);
  if (database === undefined) {
    const why = databases.length === 0 ? 'there is none' : 'there are several';
    yield { path: [...path, 'database'], message: `is required: ${why} under databases` };
  } else if (valueAt(data, [...path, 'user']) === undefined && !databases.some((name) => name === database)) {
    yield { path: [...path, 'user'], message: 'is required: the database is not under databases' };
  }
}

/** Nobody but the proxy itself sees a queue that is in its process. */
function* checkQueue(data: unknown): Generator<OptionProblem> {
  const runner = valueAt(data, ['population', 'run_by']);
  if (runner === 'database') yield* checkDatabaseRuns(data);
  if (runner !== 'observer') return;
  const path = ['population', 'run_by'];
  const backend = valueAt(data, ['cache', 'backend']);
  const isShared = typeof backend !== 'string' || /^(postgresql|redis)_/.test(backend);
  if (!isShared)
    yield { path, message: `observer takes a cache that several processes can use, which ${backend} is not` };
  if (valueAt(data, ['queue', 'provider']) === 'in_process')
    yield { path, message: 'observer takes a queue.provider that observers see, which in_process is not' };
}

/** It runs what is for itself, and keeps it. */
function* checkDatabaseRuns(data: unknown): Generator<OptionProblem> {
  const path = ['population', 'run_by'];
  const backend = valueAt(data, ['cache', 'backend']);
  if (typeof backend === 'string' && !backend.startsWith('postgresql_'))
    yield { path, message: `database takes a cache in PostgreSQL, which ${backend} is not` };
  const provider = valueAt(data, ['queue', 'provider']);
  if (provider === 'redis' || provider === 'in_process')
    yield { path, message: `database takes a queue.provider in PostgreSQL, which ${provider} is not` };
  const home = valueAt(data, ['cache', 'postgresql', 'database']);
  const elsewhere = valueAt(data, ['queue', 'postgresql', 'database']);
  const databases = entriesOf(valueAt(data, ['databases'])).map(([name]) => name);
  if (
    typeof elsewhere === 'string' &&
    elsewhere !== (home ?? (databases.length === 1 ? databases[0] : elsewhere))
  )
    yield { path, message: `database takes a queue beside the cache, not in ${elsewhere}` };
  const others = databases.filter((name) => home !== undefined && name !== home);
  if (others.length > 0)
    yield {
      path,
      message: `database runs the fragments of ${String(home)} only, not of ${others.join(', ')}`,
    };
}

function* checkEviction(data: unknown): Generator<OptionProblem> {
  if (valueAt(data, ['eviction', 'run_by']) !== 'observer') return;
  const backend = valueAt(data, ['cache', 'backend']);
  if (typeof backend !== 'string' || /^(postgresql|redis)_/.test(backend)) return;
  yield {
    path: ['eviction', 'run_by'],
    message: `observer takes a cache that several processes can use, which ${backend} is not`,
  };
}

function* checkRedis(data: unknown): Generator<OptionProblem> {
  const path = ['cache', 'redis'];
  const redis = valueAt(data, path);
  const addresses = valueAt(redis, ['addresses']);
  try {
    if (typeof addresses === 'string') parseRedisAddresses(addresses);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    yield { path: [...path, 'addresses'], message: error.message };
  }
  const kind = valueAt(redis, ['kind']);
  if (kind === 'sentinel' && valueAt(redis, ['sentinel_name']) === undefined)
    yield { path: [...path, 'sentinel_name'], message: 'is required: what the Sentinels call the server' };
  const database = valueAt(redis, ['database']);
  if (kind === 'cluster' && typeof database === 'number' && database !== 0)
    yield { path: [...path, 'database'], message: 'a cluster has database 0 only' };
  const keyPrefix = valueAt(redis, ['key_prefix']);
  if (typeof keyPrefix === 'string' && /[{}]/.test(keyPrefix))
    yield {
      path: [...path, 'key_prefix'],
      message: 'cannot hold braces: they would part keys that belong together',
    };
}

/** zod leaves this key of a free mapping out without a word, so nothing under it would be checked or used. */
const droppedName = '__proto__';

function* checkDatabases(data: unknown, unkeyed: string | undefined): Generator<OptionProblem> {
  for (const [name, database] of entriesOf(valueAt(data, ['databases']))) {
    const path = ['databases', name];
    if (name === '') yield { path, message: 'the name of a database cannot be empty' };
    if (name === droppedName) yield { path, message: `a database called ${droppedName} is not supported` };
    const keys = valueAt(database, ['partition_keys']);
    if (isMapping(keys) && entriesOf(keys).length === 0 && name !== unkeyed) {
      yield {
        path: [...path, 'partition_keys'],
        message: 'expected at least one; leave the database out to have it relayed untouched',
      };
    }
    yield* checkSource(data, path, database);
    for (const [key, partitionKey] of entriesOf(keys)) {
      yield* checkPartitionKey(data, [...path, 'partition_keys', key], key, partitionKey);
    }
  }
}

/** All databases share one cache, which knows one datatype for each name of a partition key. */
function* checkSharedKeys(data: unknown): Generator<OptionProblem> {
  const seen = new Map<string, { readonly database: string; readonly datatype: string }>();
  for (const [database, content] of entriesOf(valueAt(data, ['databases']))) {
    for (const [key, partitionKey] of entriesOf(valueAt(content, ['partition_keys']))) {
      const datatype = valueAt(partitionKey, ['datatype']);
      if (typeof datatype !== 'string') continue;
      const before = seen.get(key);
      if (before === undefined) seen.set(key, { database, datatype });
      else if (before.datatype !== datatype) {
        yield {
          path: ['databases', database, 'partition_keys', key, 'datatype'],
          message:
            `the partition key ${key} of database ${before.database} is of datatype ${before.datatype}, and both are ` +
            'kept in one cache; give one of them another name',
        };
      }
    }
  }
}

function* checkPartitionKey(
  data: unknown,
  path: OptionPath,
  name: string,
  partitionKey: unknown,
): Generator<OptionProblem> {
  // It becomes part of the stores' own names, so it is kept to what all of them take.
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name) || name === droppedName) {
    yield {
      path,
      message:
        'the name of a partition key is made of up to 63 letters, digits and underscores, not starting with a digit',
    };
  }
  yield* checkDatatype(data, [...path, 'datatype'], valueAt(partitionKey, ['datatype']));
  yield* checkTables([...path, 'tables'], valueAt(partitionKey, ['tables']));
  yield* checkFragments([...path, 'fragments'], partitionKey);
}

function* checkFragments(path: OptionPath, partitionKey: unknown): Generator<OptionProblem> {
  const fragments = valueAt(partitionKey, ['fragments']);
  const [min, max] = [valueAt(fragments, ['min_component_size']), valueAt(fragments, ['max_component_size'])];
  if (typeof min === 'number' && typeof max === 'number' && min > max)
    yield {
      path: [...path, 'min_component_size'],
      message: `is more than max_component_size, which is ${max}`,
    };
  const known = new Set(
    entriesOf(valueAt(partitionKey, ['tables'])).flatMap(([written]) => qualified(written) ?? []),
  );
  for (const section of ['add_constraints', 'tables']) {
    for (const [written] of entriesOf(valueAt(fragments, [section]))) {
      const table = qualified(written);
      if (table === undefined || !known.has(table))
        yield {
          path: [...path, section, written],
          message: 'is none of the tables of the key, as schema.table',
        };
    }
  }
}

function qualified(written: string): string | undefined {
  const table = parseTableName(written);
  return table.ok ? `${table.schema}.${table.name}` : undefined;
}

function* checkDatatype(data: unknown, path: OptionPath, value: unknown): Generator<OptionProblem> {
  const backend = cacheTypeNames.find((name) => name === valueAt(data, ['cache', 'backend']));
  const datatype = partitionKeyTypes.find((type) => type === value);
  if (backend === undefined || datatype === undefined) return;
  if (holdsDatatype(backend, datatype)) return;
  const able = cacheTypeNames.filter((name) => holdsDatatype(name, datatype));
  yield {
    path,
    message:
      `the backend ${backend} holds ${cacheTypes[backend].join(' and ')} keys, not ${datatype}; ` +
      `cache.backend could be ${able.join(' or ')}`,
  };
}

function* checkTables(path: OptionPath, tables: unknown): Generator<OptionProblem> {
  if (isMapping(tables) && entriesOf(tables).length === 0) {
    yield { path, message: 'expected at least one table' };
  }
  const seen = new Map<string, string>();
  for (const [written, column] of entriesOf(tables)) {
    const table = parseTableName(written);
    if (table.ok) {
      const name = `${table.schema}.${table.name}`;
      const before = seen.get(name);
      if (before !== undefined) yield { path: [...path, written], message: `is the same table as ${before}` };
      seen.set(name, written);
    } else yield { path: [...path, written], message: table.message };

    if (typeof column !== 'string' || column === '') continue;
    const parsed = parseIdentifier(column);
    if (!parsed.ok) yield { path: [...path, written], message: parsed.message };
  }
}
