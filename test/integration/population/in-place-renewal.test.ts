import { openPostgresqlArray } from '../../../src/cache/backends/postgresql';
import { cacheMigrations } from '../../../src/cache/backends/postgresql/cache-schema';
import { PostgresqlSource } from '../../../src/population/sources/postgresql';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import type { PartitionKeyType } from '../../../src/query/partition-key';
import { makeFragment } from '../../support/make-fragment';
import { hasPostgresBinaries, type PostgresServer, startPostgres } from '../../support/postgres-server';
import { TrackedDatabase, trackingSchemaName } from '../../support/tracked-database';

const never = new AbortController().signal;
const cacheSchema = { schema: 'the cache', tablePrefix: 'cache_' };
const versions = (['embedded', 'debian15'] as const).filter((binaries) => hasPostgresBinaries(binaries));

/** Keys by number, in each datatype. */
const keys: readonly (readonly [PartitionKeyType, string, string])[] = [
  ['integer', 'smallint', 'n::smallint'],
  ['integer', 'bigint', 'n - 40'],
  ['float', 'float8', `case n when 45 then 'NaN' when 46 then '-0' else n / 4.0 end`],
  ['text', 'text', `case n when 45 then '' when 46 then 'it''s \\ "é"' else 'k' || n end`],
  ['text', 'varchar(9) collate "und-x-icu"', `chr(65 + n) || chr(160 + n)`],
  ['timestamp', 'timestamp', `timestamp '2024-01-01' + n * interval '1 hour'`],
  [
    'timestamp',
    'timestamptz',
    `case n when 45 then 'infinity' else timestamptz '2024-01-01' + n * interval '1 hour' end`,
  ],
];

describe.each(versions)(
  'an entry brought up to date in place is what it is computed anew (%s)',
  (binaries) => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startPostgres({ binaries });
    });
    afterAll(() => server.stop());

    test.each(keys)('%s, in a column of type %s', async (datatype, type, key) => {
      await using database = await TrackedDatabase.open(
        server,
        `create table place (id int primary key, region_id ${type}, population int);
       insert into place select i, ${key.replaceAll(/\bn\b/g, '(i % 50)')}, i % 100 from generate_series(1, 1000) as i`,
      );
      await database.track({ 'public.place': 'region_id' });
      await migrate(database.pool, cacheMigrations(cacheSchema));
      await using backend = await openPostgresqlArray({
        ...{ pool: openPool(database.connection), schema: cacheSchema, warn: () => undefined },
      });
      await backend.registerPartitionKey('region', datatype);
      const refusals: string[] = [];
      const options = {
        ...{ pool: database.pool, timeoutMs: 20_000, maxKeys: 1_000, changeLogOf: () => trackingSchemaName },
      };
      const inPlace = {
        store: () => backend.inPlace,
        refused: (reason: string) => void refusals.push(reason),
      };
      const source = new PostgresqlSource({ ...options, inPlace });
      const fragment = {
        ...makeFragment('select distinct t1.region_id from public.place t1 where t1.population > 90'),
        datatype,
      };
      expect(await source.run(fragment, never)).toMatchObject({ status: 'stored' });
      for (const change of [
        `update place set population = 99 where region_id = (select region_id from place where id = 3)`,
        `delete from place where region_id = (select region_id from place where id = 46)`,
        `update place set region_id = null where population = 97; update place set population = 100 where id = 45`,
      ]) {
        await database.client.query(change);
        const before = await backend.get('region', fragment.hash);
        const known = await backend.describe('region', fragment.hash);
        if (known === undefined) throw new Error('there is no entry');
        expect(await source.renewInPlace(known, never)).toMatchObject({ status: 'stored' });
        const renewed = await backend.get('region', fragment.hash);
        // The other way to bring it up to date, where there is one for the datatype.
        const entry = datatype === 'timestamp' ? undefined : before;
        const other = await new PostgresqlSource(options).run(fragment, never, entry);
        const anew = await new PostgresqlSource(options).run(fragment, never);
        if (anew.status !== 'ok' || other.status !== 'ok') throw new Error(JSON.stringify([anew, other]));
        expect(new Set(renewed?.keys?.values())).toEqual(new Set(anew.keys));
        expect(renewed).toMatchObject({
          ...{ keyCount: anew.keys.length, hasNullKey: other.hasNullKey, origin: anew.origin },
          ...{ computeMs: known.computeMs, lastUsedAt: known.lastUsedAt },
        });
        expect(renewed?.snapshot).not.toBe(known.snapshot);
      }
      expect(refusals).toEqual([]);
    });
  },
);

test('what an entry has seen is on disk when the entry is: a server killed then loses neither', async () => {
  // Nothing writes the log but commits.
  await using server = await startPostgres({
    settings: {
      wal_writer_delay: '10s',
      wal_writer_flush_after: '1GB',
      synchronous_commit: 'off',
      autovacuum: 'off',
    },
  });
  const database = await TrackedDatabase.open(
    server,
    'create table place (id int primary key, region_id int); insert into place values (1, 1)',
  );
  await database.track({ 'public.place': 'region_id' });
  await migrate(database.pool, cacheMigrations(cacheSchema));
  const open = () =>
    openPostgresqlArray({
      ...{ pool: openPool(database.connection), schema: cacheSchema, warn: () => undefined },
    });
  const backend = await open();
  await backend.registerPartitionKey('region', 'integer');
  const source = new PostgresqlSource({
    ...{ pool: database.pool, timeoutMs: 20_000, maxKeys: 1_000, changeLogOf: () => trackingSchemaName },
    inPlace: { store: () => backend.inPlace, refused: () => undefined },
  });
  const fragment = makeFragment('select distinct t1.region_id from public.place t1', {
    settings: { synchronous_commit: 'off' },
  });
  database.client.on('error', () => undefined);
  await database.client.query('insert into place values (2, 2)');
  expect(await source.run(fragment, never)).toEqual({ status: 'stored', keyCount: 2 });
  await server.kill();
  await backend[Symbol.asyncDispose]();
  await database.client.end().catch(() => undefined);
  await server.restart();
  const { rows } = await database.pool
    .execute('places', 'select region_id from public.place order by 1')
    .then((found) => ({ rows: found }));
  expect(rows).toEqual([{ region_id: 1 }, { region_id: 2 }]);
  await using again = await open();
  expect([...((await again.get('region', fragment.hash))?.keys?.values() ?? [])]).toEqual([1n, 2n]);
  await database.pool[Symbol.asyncDispose]();
});
