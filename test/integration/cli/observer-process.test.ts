import { setTimeout as timer } from 'node:timers/promises';
import { Client } from 'pg';
import { PcacheProcess, runPcache } from '../../support/pcache-process';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { parseMetrics } from '../../support/prometheus-text';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

/** A proxy and an observer as programs of their own, with the cache and the queue in another server than the data. */
let [data, store]: [PostgresServer, PostgresServer] = [] as never;
let [dataName, storeName] = ['', ''];
let directory: TemporaryDirectory;

beforeAll(async () => {
  [data, store] = await Promise.all([startPostgres(), startPostgres()]);
  [dataName, storeName] = [await data.createDatabase(), await store.createDatabase()];
  directory = await temporaryDirectory('observer-process');
  const admin = new Client(data.connectionOptions(dataName));
  await admin.connect();
  await admin.query(`
    create table place (id int primary key, region_id int not null, name text not null);
    insert into place select i, i / 10, md5(i::text) from generate_series(1, 20000) as i;
    create index on place (region_id);
    analyze place;`);
  await admin.end();
  expect(await runPcache(['manage', 'setup', '-c', '-'], program())).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await Promise.all([data.stop(), store.stop()]);
  await directory[Symbol.asyncDispose]();
});

function program(sections: object = {}): {
  readonly input: string;
  readonly environment: Record<string, string>;
} {
  const [control, cache] = [data.connectionOptions(dataName), store.connectionOptions(storeName)];
  const partitionKeys = {
    region: {
      datatype: 'integer',
      consistency: 'static',
      method: 'inline',
      tables: { 'public.place': 'region_id' },
    },
  };
  const configuration = {
    listen: { port: 0 },
    admin: { port: 0 },
    upstream: { port: control.port },
    cache: {
      backend: 'postgresql_array',
      path: `${directory.path}/unused`,
      postgresql: {
        port: cache.port,
        user: cache.user,
        password_env: 'STORE_PASSWORD',
        database: storeName,
      },
    },
    population: { min_query_ms: 0, duty: 1, run_by: 'observer' },
    log: { level: 'info' },
    databases: {
      [dataName]: {
        control: { user: control.user, password_env: 'PASSWORD' },
        partition_keys: partitionKeys,
      },
    },
    ...sections,
  };
  const environment = { PASSWORD: control.password, STORE_PASSWORD: cache.password };
  return { input: JSON.stringify(configuration), environment };
}

const start = (...args: string[]): PcacheProcess => new PcacheProcess([...args, '-c', '-'], program());
const placeNamed = (i: number): string => `select id from place where name = md5('${i}')`;

test('pcache observer computes what a proxy has learned; both outlast a store that does not answer, and end when told to', async () => {
  await using proxy = start('proxy');
  const { listen, admin } = (await proxy.logged('accepting connections')) as Record<
    'listen' | 'admin',
    { readonly port: number }
  >;
  const client = new Client({ ...data.connectionOptions(dataName), port: listen.port });
  await client.connect();
  const metrics = async (): Promise<ReadonlyMap<string, number>> => {
    const page = await fetch(`http://127.0.0.1:${admin.port}/metrics`, {
      signal: AbortSignal.timeout(5_000),
    });
    return parseMetrics(await page.text());
  };
  const ask = async (i: number): Promise<void> => {
    expect((await client.query(placeNamed(i))).rows).toEqual([{ id: i }]);
  };
  try {
    await until('the fragment is queued', async () => {
      await ask(77);
      return (await metrics()).get('pcache_queue_length{state="waiting"}') === 1;
    });
    await using observer = start('observer', '--status-log-interval', '1');
    await observer.logged('observing');
    await until('the statement is restricted', async () => {
      await ask(77);
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${placeNamed(77)}`);
      return rows.some((row) => row['QUERY PLAN'].includes('region_id'));
    });
    await ask(77);

    store.suspend();
    try {
      for (let i = 100; i < 200; i++) await ask(i);
      await metrics();
      await client.end();
      for (const each of [observer, proxy]) each.send('SIGTERM');
      // As a supervisor waits, before it kills.
      const ends = await Promise.race([
        Promise.all([observer.ended, proxy.ended]),
        timer(15_000, [], { ref: false }),
      ]);
      expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    } finally {
      store.resume();
    }
  } finally {
    await client.end().catch(() => undefined);
  }
});

test('a proxy evicts at its intervals', async () => {
  const sections = {
    ...{ cache: { backend: 'memory' }, population: { min_query_ms: 0, duty: 1 } },
    eviction: { run_by: 'proxy', max_entries: 1, interval_s: 1 },
  };
  await using proxy = new PcacheProcess(['proxy', '-c', '-'], program(sections));
  const { listen } = (await proxy.logged('accepting connections')) as {
    readonly listen: { readonly port: number };
  };
  const client = new Client({ ...data.connectionOptions(dataName), port: listen.port });
  await client.connect();
  await until('more is known than may be kept', async () => {
    for (let i = 300; i < 303; i++) await client.query(placeNamed(i));
    return proxy.loggedSoFar('entries evicted').length > 0;
  });
  await client.end();
  expect(proxy.loggedSoFar('entries evicted')[0]).toMatchObject({ part: 'eviction' });
});
