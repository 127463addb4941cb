import { openPostgresqlBit } from '../../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import type { CacheBackend } from '../../../src/cache/cache-backend';
import { Directory } from '../../../src/cache/directory';
import type { FragmentOutcome, FragmentSource } from '../../../src/population/fragment-source';
import { Refresher } from '../../../src/population/refresher';
import { entryOfRun } from '../../../src/population/run-entry';
import { PostgresqlSource } from '../../../src/population/sources/postgresql';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { makeFragment } from '../../support/make-fragment';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { RecordedPopulation } from '../../support/recorded-population';
import { TrackedDatabase, trackingSchemaName } from '../../support/tracked-database';

const schema = { schema: 'pcache', tablePrefix: 'cache_' };
const never = new AbortController().signal;
const [bits, maxKeys] = [100, 10];

/** Which regions have a place of more people than that. */
function placesAbove(population: number): Fragment {
  const text = `select distinct t1.region_id from public.place t1 where t1.population > ${population}`;
  return {
    ...makeFragment(text, { datatype: 'integer' }),
    tables: [{ schema: 'public', name: 'place', only: false, keyColumn: 'region_id' }],
    conjuncts: [],
  };
}

/** Counts what it is asked to run. */
class CountingSource extends PostgresqlSource {
  runs = 0;

  override run(...asked: Parameters<FragmentSource['run']>): Promise<FragmentOutcome> {
    this.runs++;
    return super.run(...asked);
  }
}

describe('an entry that cannot be brought up to date', () => {
  let server: PostgresServer;
  let database: TrackedDatabase;
  let backend: CacheBackend;
  let directory: Directory;
  let source: CountingSource;
  let population: RecordedPopulation;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    database = await TrackedDatabase.open(
      server,
      `create table place (id int primary key, region_id int, population int);
       insert into place select i, i % 50, i % 100 from generate_series(1, 1000) as i;`,
    );
    await database.track({ 'public.place': 'region_id' });
    await migrate(database.pool, cacheMigrations(schema));
    const warn = (message: string): void => {
      throw new Error(message);
    };
    backend = await openPostgresqlBit({ pool: openPool(database.connection), schema, warn, bits });
    directory = new Directory();
    backend.subscribe((change) => directory.apply(change));
    const changeLogOf = (): string => trackingSchemaName;
    source = new CountingSource({ pool: database.pool, timeoutMs: 20_000, maxKeys, changeLogOf });
    population = new RecordedPopulation();
    for (const fragment of [placesAbove(95), placesAbove(96), placesAbove(97)]) {
      await backend.registerPartitionKey(fragment.partitionKey, 'integer');
      const outcome = await source.run(fragment, never);
      if (outcome.status !== 'ok') throw new Error(JSON.stringify(outcome));
      await backend.put(entryOfRun(fragment, outcome, { failuresBefore: 0, computeMs: 7, now: 0 }));
    }
    source.runs = 0;
  });
  afterEach(async () => {
    await backend[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  function openRefresher(firstMs: number): Refresher {
    return new Refresher({
      ...{ pool: database.pool, source, backend, schema: trackingSchemaName, maxChanged: 0 },
      ...{ entries: () => directory.entries(), events: population, checkMs: 60_000 },
      backoff: { firstMs, maxMs: firstMs },
    });
  }

  async function keysOf(fragment: Fragment): Promise<readonly unknown[]> {
    const entry = await backend.get(fragment.partitionKey, fragment.hash);
    return [...(entry?.keys?.values() ?? [])];
  }

  test('keeps no other one from it', async () => {
    // A key that the store has no room for comes into two of three; where they are among them is not known.
    await database.client.query('insert into place values (2001, 500, 97), (2002, 7, 98)');
    await using refresher = openRefresher(60_000);
    expect(await refresher.refresh()).toBe(1);
    expect(await keysOf(placesAbove(97))).toContain(7n);
    expect(await keysOf(placesAbove(96))).not.toContain(7n);
    expect(refresher.lastLook).toEqual({ entries: 3, stale: 3 });
    expect(population.troubles).toEqual([]);
  });

  test('is not tried again at each look', async () => {
    await database.client.query('update place set population = 96 where region_id < 20');
    await using refresher = openRefresher(60_000);
    for (let looks = 0; looks < 3; looks++) await refresher.refresh();
    // One has too many keys now, each time; the others are brought up to date once.
    expect(source.runs).toBe(3);
    expect(await keysOf(placesAbove(95))).toEqual([46n, 47n, 48n, 49n]);
  });

  test('is tried again after a while', async () => {
    await database.client.query('update place set population = 96 where region_id < 20');
    await using refresher = openRefresher(0);
    for (let looks = 0; looks < 3; looks++) await refresher.refresh();
    await database.client.query('update place set population = 1 where region_id between 3 and 19');
    await refresher.refresh();
    expect(await keysOf(placesAbove(95))).toEqual([0n, 1n, 2n, 46n, 47n, 48n, 49n]);
  });
});
