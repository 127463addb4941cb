import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { stringify } from 'yaml';
import { openPostgresqlArray } from '../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../src/cache/backends/postgresql/cache-schema';
import { openRedisSet } from '../../src/cache/backends/redis';
import { openRocksdbSet } from '../../src/cache/backends/rocksdb-set';
import type { CacheBackend } from '../../src/cache/cache-backend';
import { createKeySet } from '../../src/cache/key-sets/create-key-set';
import { Owned } from '../../src/cli/owned';
import { openPool } from '../../src/postgres/control-pool';
import { migrate } from '../../src/postgres/migrations';
import { sampleEntry } from '../../test/support/cache-entries';
import { freePort } from '../../test/support/free-port';
import {
  type ConnectionOptions,
  type PostgresServer,
  startPostgres,
} from '../../test/support/postgres-server';
import { redisOptions } from '../../test/support/redis-options';
import { hasRedis, startRedis } from '../../test/support/redis-server';
import { temporaryDirectory } from '../../test/support/temporary-directory';
import { until } from '../../test/support/until';
import { median } from '../statistics';

const entries = 100_000;
const misses = 300;
const rounds = 3;
const program = join(__dirname, '..', '..', 'dist', 'main.js');
const warn = (message: string): void => console.error(message);
const schema = { schema: 'pcache', tablePrefix: 'cache_' };
const keys = createKeySet('integer', [1n, 2n, 3n]);

/** A store with many entries, and how a proxy is told of it. */
interface FullStore {
  readonly name: string;
  readonly cache: object;
  /** From here on it answers nothing; undefined: it is in the proxy itself. */
  readonly suspend?: () => void;
  readonly resume?: () => void;
}

/** How soon a proxy serves whose store has 100,000 entries, when it knows them, and what a miss costs with the store stopped. */
export async function measureStart(): Promise<void> {
  await using owned = new Owned();
  const server = owned.add(await startPostgres());
  const connection = server.connectionOptions(await server.createDatabase());
  const client = new Client(connection);
  await client.connect();
  await client.query('create table place (region_id int not null, name text)');
  await client.end();
  console.log(
    `\na proxy with ${entries} entries, medians of ${rounds} starts (ms from the start of the process)`,
  );
  console.log('store                first answer    all known    a miss    a miss, store stopped');
  for (const fill of [fullPostgresql, ...(hasRedis ? [fullRedis] : []), fullRocksdb]) {
    await using started = new Owned();
    const store = await fill(started);
    const times: StartTimes[] = [];
    for (let round = 0; round < rounds; round++) times.push(await startOnce(store, server, connection));
    const of = (name: keyof StartTimes): string => {
      const values = times.flatMap((each) => each[name] ?? []);
      return values.length === 0 ? '-' : median(values).toFixed(name.startsWith('miss') ? 3 : 0);
    };
    console.log(
      store.name.padEnd(18) +
        of('firstAnswer').padStart(15) +
        of('known').padStart(13) +
        of('miss').padStart(10) +
        of('missStopped').padStart(25),
    );
  }
  console.log('target: first answer 2000; a miss with the store stopped as without');
}

interface StartTimes {
  readonly firstAnswer: number;
  readonly known: number;
  readonly miss: number;
  readonly missStopped: number | undefined;
}

async function startOnce(
  store: FullStore,
  server: PostgresServer,
  connection: ConnectionOptions,
): Promise<StartTimes> {
  await using directory = await temporaryDirectory('bench-start');
  const [listen, admin] = [await freePort(), await freePort()];
  const file = join(directory.path, 'pcache.yaml');
  writeFileSync(
    file,
    stringify({
      listen: { port: listen },
      admin: { port: admin },
      upstream: { port: server.port },
      cache: store.cache,
      databases: {
        [connection.database]: {
          control: { user: connection.user, password_env: 'PASSWORD' },
          partition_keys: {
            region: { datatype: 'integer', consistency: 'static', tables: { 'public.place': 'region_id' } },
          },
        },
      },
    }),
  );
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, 'proxy', '--config', file], {
    // Its queue is written down where it stands.
    cwd: dirname(file),
    env: { PATH: process.env['PATH'], PASSWORD: connection.password },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let known: number | undefined;
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!line.includes('"what is cached is known"')) return;
    // And what an earlier start has learned.
    if (Number(/"entries":(\d+)/.exec(line)?.[1]) >= entries) known ??= performance.now() - startedAt;
    else console.error(line);
  });
  const client = await connected({ ...connection, port: listen });
  try {
    await client.query(missing(0));
    const firstAnswer = performance.now() - startedAt;
    await until('all entries are known', () => known !== undefined, { deadlineMs: 120_000 });
    const miss = await timeOfMisses(client);
    store.suspend?.();
    const missStopped = store.suspend === undefined ? undefined : await timeOfMisses(client);
    store.resume?.();
    return { firstAnswer, known: known ?? NaN, miss, missStopped };
  } finally {
    await client.end();
    child.kill('SIGKILL');
    await ended;
  }
}

/** Through the proxy, from when it accepts connections. */
async function connected(options: ConnectionOptions): Promise<Client> {
  return until('the proxy accepts connections', async () => {
    const client = new Client(options);
    // Refused until it does.
    return client.connect().then(
      () => client,
      () => undefined,
    );
  });
}

/** A statement that is looked up, of which nothing is known. */
function missing(i: number): string {
  return `select count(*) from place where name = 'nobody ${i}' and region_id > 0`;
}

async function timeOfMisses(client: Client): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < misses; i++) {
    const startedAt = performance.now();
    await client.query(missing(i));
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

async function fill(backend: CacheBackend, count = entries): Promise<void> {
  await backend.registerPartitionKey('region', 'integer');
  for (let i = 0; i < count; i += 500) {
    const some = Array.from({ length: Math.min(500, count) }, (_, j) =>
      sampleEntry(keys, { text: `fragment ${i + j}` }),
    );
    await Promise.all(some.map((entry) => backend.put(entry)));
  }
}

async function fullPostgresql(owned: Owned): Promise<FullStore> {
  const server = owned.add(await startPostgres());
  const connection = server.connectionOptions(await server.createDatabase());
  await using pool = openPool(connection);
  await migrate(pool, cacheMigrations(schema));
  {
    await using backend = await openPostgresqlArray({ pool: openPool(connection), schema, warn });
    await fill(backend, 1);
  }
  // The others are made of the first one where they are: it is their reading that is measured.
  await pool.execute(
    'filling',
    `insert into pcache.cache_entry (backend, partition_key, hash, fragment, status, key_count, has_null_key, snapshot, origin,
                                     created_at, last_used_at, compute_ms, bytes, integers)
     select e.backend, e.partition_key, pg_catalog.sha256(i::text::bytea),
            replace(jsonb_set(e.fragment, '{hash}', to_jsonb(encode(pg_catalog.sha256(i::text::bytea), 'hex')))::text,
                    'fragment 0', 'fragment ' || i)::jsonb,
            e.status, e.key_count, e.has_null_key, e.snapshot, e.origin, e.created_at, e.last_used_at, e.compute_ms, e.bytes,
            e.integers
       from pcache.cache_entry as e, generate_series(1, $1::int) as i`,
    [entries - 1],
    { timeoutMs: 120_000 },
  );
  const { host, port, user, database } = connection;
  return {
    name: 'postgresql_array',
    cache: {
      backend: 'postgresql_array',
      postgresql: {
        host,
        port,
        user,
        database,
        password_file: await passwordFile(owned, connection.password),
      },
    },
    suspend: () => server.suspend(),
    resume: () => server.resume(),
  };
}

async function passwordFile(owned: Owned, password: string): Promise<string> {
  const directory = owned.add(await temporaryDirectory('bench-password'));
  const file = join(directory.path, 'password');
  writeFileSync(file, password, { mode: 0o600 });
  return file;
}

async function fullRedis(owned: Owned): Promise<FullStore> {
  const server = owned.add(await startRedis());
  await using backend = await openRedisSet(redisOptions({ addresses: [server] }));
  await fill(backend);
  return {
    name: 'redis_set',
    cache: { backend: 'redis_set', redis: { addresses: `${server.host}:${server.port}` } },
    suspend: () => void server.process.kill('SIGSTOP'),
    resume: () => void server.process.kill('SIGCONT'),
  };
}

async function fullRocksdb(owned: Owned): Promise<FullStore> {
  const directory = owned.add(await temporaryDirectory('bench-rocksdb'));
  const path = join(directory.path, 'cache');
  await using backend = await openRocksdbSet({ path, warn });
  await fill(backend);
  return { name: 'rocksdb_set', cache: { backend: 'rocksdb_set', path } };
}
