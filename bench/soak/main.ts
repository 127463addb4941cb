import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { Tracking } from '../../src/freshness/tracking';
import { openPool } from '../../src/postgres/control-pool';
import { Random } from '../../test/oracle/random';
import { startPostgres, type ConnectionOptions } from '../../test/support/postgres-server';
import { temporaryDirectory } from '../../test/support/temporary-directory';
import { BenchProxy } from '../bench-proxy';
import { say } from '../say';
import { type Footprint, footprintOf, worstOf } from './footprint';

const usage = `npm run bench:soak -- [options]

Does the proxy grow? First sessions that are opened, ask something and are closed, until all that is ever asked is known; then clients at a moderate load for a long time, who ask
frequent and rare questions, leave and come back, beside somebody who changes the data. What the process takes is looked at all the time.

  --sessions N  sessions to open and close (default: 10000)
  --minutes N   how long the load lasts (default: 30)
  --rate N      statements a second (default: 100)
  --help        print this
`;

const [regions, names, rowsPerRegion] = [2_000, 5_000, 100];
const clients = 8;
const atOnce = 20;
const parts = 10;
/** RocksDB opens some more as it grows. */
const cacheFiles = 10;
/** Of so many statements of a client, one is the last of its session. */
const statementsPerSession = 50;
const writesPerSecond = 5;

/** Runs the benchmark; resolves to the exit code: 1 if an answer was wrong, or descriptors were left open. */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sessions: { type: 'string', default: '10000' },
      minutes: { type: 'string', default: '30' },
      rate: { type: 'string', default: '100' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  await using postgres = await startPostgres({ settings: { shared_buffers: '256MB' } });
  await using directory = await temporaryDirectory('soak');
  const connection = postgres.connectionOptions(await postgres.createDatabase());
  await prepare(connection);
  const cache = { backend: 'rocksdb_set', path: `${directory.path}/cache` };
  const keys = {
    place: { datatype: 'integer', consistency: 'exact', tables: { 'public.place': 'region_id' } },
  };
  await using proxy = await BenchProxy.start(
    connection,
    directory,
    'soak',
    { cache, population: { min_query_ms: 0, duty: 1 } },
    { partition_keys: keys },
  );
  const isTight = await openAndClose(proxy, Number(values.sessions));
  await load(connection, proxy, Number(values.minutes) * 60_000, Number(values.rate));
  return isTight ? 0 : 1;
}

async function prepare(connection: ConnectionOptions): Promise<void> {
  const admin = new Client(connection);
  await admin.connect();
  await admin.query(`create table place (id int primary key, region_id int not null, name text not null, x int not null);
    insert into place select i, i % ${regions}, 'name ' || (i * 7919::bigint) % ${names}, 0 from generate_series(1, ${regions * rowsPerRegion}) i;
    create index on place (region_id); analyze place`);
  await admin.end();
  await using pool = openPool(connection);
  const tracking = new Tracking({ pool, schema: 'pcache', lockTimeoutMs: 1_000, attempts: 10 });
  const [outcome] = await tracking.install([{ schema: 'public', table: 'place', keyColumn: 'region_id' }]);
  if (outcome?.reason !== undefined) throw new Error(outcome.reason);
}

/** Whether as many descriptors are open after all as after the first tenth, but for files of the cache. */
async function openAndClose(proxy: BenchProxy, count: number): Promise<boolean> {
  const [footprints, seen]: [Footprint[], Footprint[]] = [[], []];
  let opened = 0;
  for (let part = 0; part < parts; part++) {
    for (let done = 0; done < count / parts; done += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, () => session(proxy, opened++ % names)));
      seen.push(await footprintOf(proxy));
    }
    await proxy.learned(600_000);
    // The last sockets close a moment after their clients.
    await delay(500);
    const { openFiles } = await footprintOf(proxy);
    footprints.push({ ...worstOf(seen.splice(0)), openFiles });
  }
  report(`${count} sessions opened and closed, of each tenth the most, and descriptors after it`, footprints);
  const [first = NaN, last = NaN] = [footprints[0]?.openFiles, footprints.at(-1)?.openFiles];
  return last <= first + cacheFiles;
}

/** Of ten names nine are of those that are often asked for. */
function anyName(random: Random): number {
  return random.int(0, (random.chance(0.9) ? names / 10 : names) - 1);
}

async function session(proxy: BenchProxy, name: number): Promise<void> {
  const client = new Client(proxy.connection);
  await client.connect();
  await ask(client, name);
  await client.end();
}

async function ask(client: Client, name: number): Promise<void> {
  const { rows } = await client.query(
    `select count(*)::int as n from place where name = 'name ${name}' and x >= 0`,
  );
  const expected = (regions * rowsPerRegion) / names;
  if (rows[0].n !== expected) throw new Error(`name ${name}: ${rows[0].n} rows of ${expected}`);
}

async function load(
  direct: ConnectionOptions,
  proxy: BenchProxy,
  forMs: number,
  rate: number,
): Promise<void> {
  const end = performance.now() + forMs;
  const [footprints, seen]: [Footprint[], Footprint[]] = [[], []];
  let statements = 0;
  const pauseMs = (1_000 * clients) / rate;
  const asking = Array.from({ length: clients }, async (_, i) => {
    const random = new Random(100 + i);
    while (performance.now() < end) {
      const client = new Client(proxy.connection);
      await client.connect();
      for (let n = 0; n < statementsPerSession && performance.now() < end; n++) {
        await ask(client, anyName(random));
        statements++;
        await delay(pauseMs);
      }
      await client.end();
    }
  });
  const writing = (async () => {
    const random = new Random(99);
    const client = new Client(direct);
    await client.connect();
    while (performance.now() < end) {
      // To another region, so that what was learned is not all: as many of each name as before.
      await client.query(
        `update place set region_id = (region_id + 1) % ${regions}, x = x + 1 where id = $1`,
        [random.int(1, regions * rowsPerRegion)],
      );
      await delay(1_000 / writesPerSecond);
    }
    await client.end();
  })();
  const watching = (async () => {
    for (let part = 1; part <= parts; part++) {
      const partEnd = end - (forMs * (parts - part)) / parts;
      while (performance.now() < partEnd) {
        seen.push(await footprintOf(proxy));
        await delay(2_000);
      }
      footprints.push(worstOf(seen.splice(0)));
    }
  })();
  await Promise.all([...asking, writing, watching]);
  report(
    `${statements} statements of ${clients} clients in ${forMs / 60_000} minutes, the most in each tenth`,
    footprints,
  );
}

function report(what: string, footprints: readonly Footprint[]): void {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  say(`\n${what}`);
  say(`  resident MB   ${footprints.map(({ resident }) => megabytes(resident)).join(', ')}`);
  say(`  heap used MB  ${footprints.map(({ heapUsed }) => megabytes(heapUsed)).join(', ')}`);
  say(`  at least MB   ${footprints.map(({ leastHeapUsed }) => megabytes(leastHeapUsed)).join(', ')}`);
  say(`  descriptors   ${footprints.map(({ openFiles }) => openFiles).join(', ')}`);
}
