import { openPostgresqlArray } from '../../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { Directory } from '../../../src/cache/directory';
import { Refresher } from '../../../src/population/refresher';
import { PostgresqlSource } from '../../../src/population/sources/postgresql';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import type { Fragment } from '../../../src/query/fragment/fragment';
import { makeFragment } from '../../support/make-fragment';
import { startPostgres } from '../../support/postgres-server';
import { RecordedPopulation } from '../../support/recorded-population';
import { TrackedDatabase, trackingSchemaName } from '../../support/tracked-database';
import { until } from '../../support/until';

const schema = { schema: 'pcache', tablePrefix: 'cache_' };
const fragment: Fragment = {
  ...makeFragment('select distinct t1.region_id from public.place t1 where t1.population > 90', {
    datatype: 'integer',
  }),
  tables: [{ schema: 'public', name: 'place', only: false, keyColumn: 'region_id' }],
  conjuncts: [],
};

test('an entry in use is brought up to date: that a use is noted meanwhile is no reason to give up', async () => {
  await using server = await startPostgres();
  await using database = await TrackedDatabase.open(
    server,
    'create table place (id int primary key, region_id int, population int); insert into place values (1, 1, 91)',
  );
  await database.track({ 'public.place': 'region_id' });
  await migrate(database.pool, cacheMigrations(schema));
  await using backend = await openPostgresqlArray({
    ...{ pool: openPool(database.connection), schema, warn: () => undefined },
  });
  await backend.registerPartitionKey(fragment.partitionKey, 'integer');
  const directory = new Directory();
  backend.subscribe((change) => directory.apply(change));
  const events = new RecordedPopulation();
  const refused: string[] = [];
  const source = new PostgresqlSource({
    ...{ pool: database.pool, timeoutMs: 20_000, maxKeys: 1_000, changeLogOf: () => trackingSchemaName },
    inPlace: { store: () => backend.inPlace, refused: (reason) => void refused.push(reason) },
  });
  expect(await source.run(fragment, new AbortController().signal)).toMatchObject({ status: 'stored' });
  await until('the entry is known', () => directory.size === 1);
  await database.client.query('insert into place values (2, 2, 92)');

  await using refresher = new Refresher({
    ...{ pool: database.pool, source, backend, events, schema: trackingSchemaName, maxChanged: 0 },
    ...{ entries: () => directory.entries(), checkMs: 60_000 },
  });
  // What runs for long meets with a note of use for sure: they are written every few seconds.
  const { client } = database;
  await client.query('begin; lock table place');
  const refreshing = refresher.refresh();
  await until('it is being run', async () => {
    const { rows } = await client.query('select from pg_locks where not granted');
    return rows.length > 0;
  });
  await client.query('update pcache.cache_entry set uses = uses + 1; commit');
  expect(await refreshing).toBe(1);
  const entry = await backend.get(fragment.partitionKey, fragment.hash);
  expect([...(entry?.keys?.values() ?? [])]).toEqual([1n, 2n]);
  expect(entry?.benefit?.uses).toBe(1);
  expect(refused).toEqual([expect.stringMatching(/could not serialize access due to concurrent update/)]);
  expect(events.troubles).toEqual([]);
});
