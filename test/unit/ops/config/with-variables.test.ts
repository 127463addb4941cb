import { checkConfig } from '../../../../src/ops/config/check-config';
import { valueAt } from '../../../../src/ops/config/option-path';
import { readConfig } from '../../../../src/ops/config/read-config';
import { showConfig } from '../../../../src/ops/config/show-config';

const key = ['databases', 'places', 'partition_keys', 'city_id'];
const fragments = [...key, 'fragments'];
const queue = ['queue', 'postgresql'];

/** A file that has one partition key. */
const file = (sections: object = {}): string =>
  JSON.stringify({
    databases: {
      places: {
        control: { user: 'someone' },
        partition_keys: { city_id: { datatype: 'integer', tables: { 'public.shop': 'city_id' } } },
      },
    },
    ...sections,
  });

function check(text: string, environment: Readonly<Record<string, string>>) {
  return checkConfig(text, { source: 'test', workingDirectory: '/', environment });
}

const withoutFile = (environment: Readonly<Record<string, string>>) => ({
  ...{ source: 'the environment', workingDirectory: '/', environment },
  withoutFile: {
    partitionKeys: { city_id: { datatype: 'integer', tables: { 'public.shop': 'city_id' } } },
  },
});

/** Each variable by itself, what it is set to, and what comes of it where; `with` others that it takes. */
const one: readonly (readonly [Readonly<Record<string, string>>, readonly string[], unknown])[] = [
  [{ CACHE_BACKEND: 'rocksdict' }, ['cache', 'backend'], 'rocksdict'],
  [{ CACHE_BACKEND: 'redis' }, ['cache', 'backend'], 'redis_set'],
  [
    { PG_ARRAY_CACHE_TABLE_PREFIX: 'app_cache_array', CACHE_BACKEND: 'postgresql_array' },
    ['cache', 'postgresql', 'table_prefix'],
    'app_cache_array_',
  ],
  [
    { PG_BIT_CACHE_TABLE_PREFIX: 'bits_', CACHE_BACKEND: 'postgresql_bit' },
    ['cache', 'postgresql', 'table_prefix'],
    'bits_',
  ],
  [
    { PG_ROARINGBIT_CACHE_TABLE_PREFIX: 'roaring', CACHE_BACKEND: 'postgresql_roaringbit' },
    ['cache', 'postgresql', 'table_prefix'],
    'roaring_',
  ],
  // Another backend's.
  [
    { PG_BIT_CACHE_TABLE_PREFIX: 'bits_', CACHE_BACKEND: 'postgresql_array' },
    ['cache', 'postgresql', 'table_prefix'],
    'cache_',
  ],
  [{ PG_BIT_CACHE_BITSIZE: '5000', CACHE_BACKEND: 'postgresql_bit' }, ['cache', 'bits'], 5000],
  [{ QUERY_QUEUE_PROVIDER: 'redis' }, ['queue', 'provider'], 'redis'],
  [{ PG_QUEUE_HOST: 'there' }, [...queue, 'host'], 'there'],
  [{ PG_QUEUE_PORT: '5433' }, [...queue, 'port'], 5433],
  [{ PG_QUEUE_USER: 'worker' }, [...queue, 'user'], 'worker'],
  [{ PG_QUEUE_PASSWORD: 'sesame' }, [...queue, 'password_env'], 'PG_QUEUE_PASSWORD'],
  [{ PG_QUEUE_DB: 'jobs' }, [...queue, 'database'], 'jobs'],
  [{ PG_QUEUE_TABLE_PREFIX: 'app_queue_' }, ['queue', 'table_prefix'], 'app_queue_'],
  [
    { REDIS_HOST: 'cache.example', REDIS_PORT: '6380' },
    ['cache', 'redis', 'addresses'],
    'cache.example:6380',
  ],
  // What Kubernetes sets for a service called redis.
  [{ REDIS_PORT: 'tcp://10.0.0.1:6379' }, ['cache', 'redis', 'addresses'], '127.0.0.1:6379'],
  [{ REDIS_PASSWORD: 'sesame' }, ['cache', 'redis', 'password_env'], 'REDIS_PASSWORD'],
  [{ REDIS_CACHE_DB: '3', CACHE_BACKEND: 'redis_set' }, ['cache', 'redis', 'database'], 3],
  [{ REDIS_BIT_DB: '4', CACHE_BACKEND: 'redis_bit' }, ['cache', 'redis', 'database'], 4],
  [{ REDIS_BIT_BITSIZE: '1000', CACHE_BACKEND: 'redis_bit' }, ['cache', 'bits'], 1000],
  [{ ROCKSDB_PATH: '/data/1', CACHE_BACKEND: 'rocksdb' }, ['cache', 'path'], '/data/1'],
  [{ ROCKSDB_BIT_PATH: '/data/2', CACHE_BACKEND: 'rocksdb_bit' }, ['cache', 'path'], '/data/2'],
  [{ ROCKSDB_BIT_BITSIZE: '64', CACHE_BACKEND: 'rocksdb_bit' }, ['cache', 'bits'], 64],
  [{ ROCKSDB_DICT_PATH: '/data/3', CACHE_BACKEND: 'rocksdict' }, ['cache', 'path'], '/data/3'],
  [{ PARTITION_CACHE_MIN_COMPONENT_SIZE: '2' }, [...fragments, 'min_component_size'], 2],
  [{ PARTITION_CACHE_MAX_COMPONENT_SIZE: '4' }, [...fragments, 'max_component_size'], 4],
  [{ PARTITION_CACHE_FOLLOW_GRAPH: 'false' }, [...fragments, 'follow_graph'], false],
  [
    { PARTITION_CACHE_NO_AUTO_DETECT_PARTITION_JOIN: 'true' },
    [...fragments, 'auto_detect_partition_join'],
    false,
  ],
  [{ PARTITION_CACHE_NO_AUTO_DETECT_STAR_JOIN: 'true' }, [...fragments, 'auto_detect_partition_join'], false],
  [{ PARTITION_CACHE_PARTITION_JOIN_TABLE: 'rm' }, [...fragments, 'partition_join_table'], 'rm'],
  [{ PARTITION_CACHE_STAR_JOIN_TABLE: 'rm' }, [...fragments, 'partition_join_table'], 'rm'],
  [
    { PARTITION_CACHE_STAR_JOIN_TABLE: 'old', PARTITION_CACHE_PARTITION_JOIN_TABLE: 'new' },
    [...fragments, 'partition_join_table'],
    'new',
  ],
  [{ PARTITION_CACHE_NO_WARN_PARTITION_KEY: 'true' }, [...fragments, 'warn_no_partition_key'], false],
  [{ PARTITION_CACHE_BUCKET_STEPS: '0.5' }, [...fragments, 'bucket_steps'], 0.5],
  [
    { PARTITION_CACHE_ADD_CONSTRAINTS: '{"shop": "kind = 1", "elsewhere": "a = 2"}' },
    [...fragments, 'add_constraints'],
    { 'public.shop': 'kind = 1' },
  ],
  [
    { PARTITION_CACHE_REMOVE_CONSTRAINTS_ALL: '["colour"]' },
    [...fragments, 'remove_constraints_all'],
    ['colour'],
  ],
  [
    { PARTITION_CACHE_REMOVE_CONSTRAINTS_ADD: '["size"]' },
    [...fragments, 'remove_constraints_add'],
    ['size'],
  ],
];

test.each(one)('%j', (environment, path, expected) => {
  expect(valueAt(check(file(), environment).file, path)).toEqual(expected);
});

describe('what wins', () => {
  const environment = { CACHE_BACKEND: 'rocksdict' };
  const written = file({ cache: { backend: 'memory' } });
  const backend = (text: string, variables: Readonly<Record<string, string>>, flag?: string): unknown =>
    checkConfig(text, {
      ...{ source: 'test', workingDirectory: '/', environment: variables },
      flags: flag === undefined ? [] : [{ name: 'cache.backend', value: flag, origin: '--cache-backend' }],
    }).file.cache.backend;

  test('a flag over PCACHE_ over the variable over the file', () => {
    expect(backend(written, {})).toBe('memory');
    expect(backend(written, environment)).toBe('rocksdict');
    const both = { ...environment, PCACHE_CACHE_BACKEND: 'rocksdb_bit' };
    expect(backend(written, both)).toBe('rocksdb_bit');
    expect(backend(written, both, 'rocksdb_set')).toBe('rocksdb_set');
  });

  test('the variables of the backend that is in force count, wherever it was said', () => {
    const path = { ROCKSDB_BIT_PATH: '/bits', ROCKSDB_DICT_PATH: '/dict', ...environment };
    expect(check(file(), path).file.cache.path).toBe('/dict');
    expect(check(file(), { ...path, PCACHE_CACHE_BACKEND: 'rocksdb_bit' }).file.cache.path).toBe('/bits');
  });

  test('DB_* say nothing where there is a file: others set them too', () => {
    const database = { DB_HOST: 'elsewhere', DB_PORT: '1', DB_USER: 'u', DB_PASSWORD: 'p', DB_NAME: 'other' };
    expect(check(file(), database).file).toEqual(check(file(), {}).file);
  });
});

describe('without a file', () => {
  const environment = {
    ...{ DB_HOST: 'server', DB_PORT: '5433', DB_USER: 'app', DB_PASSWORD: 'sesame', DB_NAME: 'places' },
    ...{ CACHE_BACKEND: 'postgresql_array', PG_QUEUE_DB: 'jobs', PG_QUEUE_USER: 'worker' },
    ...{
      PG_QUEUE_PASSWORD: 'abracadabra',
      QUERY_QUEUE_PROVIDER: 'postgresql',
      PARTITION_CACHE_FOLLOW_GRAPH: 'no',
    },
  };

  test('the variables are the whole configuration', () => {
    const { databases, cache, queue: jobs, upstream } = readConfig('', withoutFile(environment));
    expect(upstream).toMatchObject({ host: 'server', port: 5433 });
    expect(databases.get('places')?.control).toMatchObject({ host: 'server', port: 5433, user: 'app' });
    expect(databases.get('places')?.control.password?.reveal()).toBe('sesame');
    expect(databases.get('places')?.partitionKeys.get('city_id')?.fragments.followGraph).toBe(false);
    expect(cache.postgresql).toMatchObject({ host: 'server', database: 'places', user: 'app' });
    expect(jobs.postgresql).toMatchObject({ host: 'server', port: 5433, database: 'jobs', user: 'worker' });
    expect(jobs.postgresql.password?.reveal()).toBe('abracadabra');
  });

  test('what is shown says where each value is from, and no password', () => {
    const shown = showConfig(checkConfig('', withoutFile(environment)));
    expect(shown).toMatch(/^ {2}backend: postgresql_array # CACHE_BACKEND$/m);
    expect(shown).toMatch(/^ {2}host: server # DB_HOST$/m);
    expect(shown).toMatch(/^ {6}user: app # DB_USER$/m);
    expect(shown).toMatch(/^ {6}password_env: DB_PASSWORD # DB_PASSWORD$/m);
    expect(shown).toMatch(/^ {10}follow_graph: false # PARTITION_CACHE_FOLLOW_GRAPH$/m);
    expect(shown).toMatch(/datatype: integer # found in the database$/m);
    expect(shown).toMatch(/^ {10}max_fragments: 32 # default$/m);
    expect(shown).not.toMatch(/sesame|abracadabra/);
  });

  test('refuses: what a variable says wrong, by its name', () => {
    const wrong = { ...environment, DB_PORT: 'five', PARTITION_CACHE_MAX_COMPONENT_SIZE: 'many' };
    expect(() => readConfig('', withoutFile(wrong))).toThrow(
      /upstream\.port: expected a port from 1 to 65535, got "five" \(from DB_PORT\)[^]*max_component_size: .* \(from PARTITION_CACHE_MAX_COMPONENT_SIZE\)/,
    );
    const { DB_USER: _, ...nobody } = environment;
    expect(() => readConfig('', withoutFile(nobody))).toThrow(/places\.control\.user: is required/);
  });
});
