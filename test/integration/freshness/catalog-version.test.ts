import { trackingQuery } from '../../../src/freshness/tracking-schema';
import { startPostgres, type PostgresServer } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { TrackedDatabase, trackingSchemaName } from '../../support/tracked-database';

/** What a load that is to be the same each time looks like. */
const seeded = `select setseed(0.5); truncate place; insert into place select n, n from generate_series(1, 9) as n`;

describeVersions('the version of the catalog', (binaries) => {
  let server: PostgresServer;
  let database: TrackedDatabase;

  beforeAll(async () => {
    server = await startPostgres({ binaries });
    database = await TrackedDatabase.open(server, 'create table place (id int primary key, region_id int)');
    await database.track({ 'public.place': 'region_id' });
  });
  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await server.stop();
  });

  test('is another one after each change, however random numbers are seeded', async () => {
    await database.client.query(seeded);
    const read = await database.stamp({ 'public.place': 'region_id' });
    const older = await database.connect();
    await older.query('begin isolation level repeatable read; select 1');
    await database.client.query(seeded);
    const { text } = trackingQuery('catalog-changed', trackingSchemaName);
    const { rows } = await older.query(text, [read.seen, read.server, read.version]);
    await older.end();
    expect(rows).toEqual([{ has_changed: true }]);
  });

  test('is another one after what may be read of a table, or found in a schema, has changed, and not after other GRANTs', async () => {
    const version = async (act: string): Promise<string> => {
      await database.client.query(act);
      return (await database.stamp({ 'public.place': 'region_id' })).version;
    };
    const before = await version('select 1');
    expect(await version('grant usage on language sql to public')).toBe(before);
    const granted = await version('grant select (id) on place to public');
    expect(granted).not.toBe(before);
    expect(await version('grant usage on schema public to public')).not.toBe(granted);
  });

  test('is drawn from other random numbers than the session’s', async () => {
    const drawn = async (act: string): Promise<unknown> => {
      await database.client.query(`select setseed(0.25); ${act}`);
      return (await database.client.query('select random() as drawn')).rows;
    };
    const undisturbed = await drawn('select 1');
    expect(await drawn('truncate place')).toEqual(undisturbed);
    expect(await drawn('create table other (n int); drop table other')).toEqual(undisturbed);
  });
});
