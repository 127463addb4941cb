import { existsSync } from 'node:fs';
import { Client } from 'pg';
import { hasPostgresBinaries, startPostgres, type PostgresBinaries } from '../../support/postgres-server';

const kinds: readonly PostgresBinaries[] = ['embedded', 'debian15'];

describe.each(kinds.filter(hasPostgresBinaries))('PostgreSQL for tests: %s', (binaries) => {
  test('starts, takes settings, and leaves nothing behind', async () => {
    const server = await startPostgres({ binaries, settings: { work_mem: '7MB', application_name: "it's" } });
    const database = await server.createDatabase();
    const client = new Client(server.connectionOptions(database));
    await client.connect();
    const { rows } = await client.query(
      "select current_setting('work_mem') w, current_setting('server_version_num')::int / 10000 v, current_setting('application_name') a",
    );
    expect(rows).toEqual([{ w: '7MB', v: binaries === 'embedded' ? 18 : 15, a: "it's" }]);
    await client.end();
    await server.stop();
    expect(existsSync(server.dataDirectory)).toBe(false);
    await expect(new Client(server.connectionOptions(database)).connect()).rejects.toThrow('ECONNREFUSED');
  });

  test('comes back after a crash with its data, on the same port', async () => {
    await using server = await startPostgres({ binaries });
    const database = await server.createDatabase('kept');
    const client = new Client(server.connectionOptions(database));
    const lost = new Promise<Error>((resolve) => client.on('error', resolve));
    await client.connect();
    await client.query('create table t as select 1 as a');
    const { port } = server;
    await server.crash();
    expect(await lost).toBeInstanceOf(Error);
    await server.restart();
    expect(server.port).toBe(port);
    const again = new Client(server.connectionOptions(database));
    await again.connect();
    expect((await again.query('select a from t')).rows).toEqual([{ a: 1 }]);
    await again.end();
  });
});

test('the embedded server has the extensions the demo needs', async () => {
  await using server = await startPostgres();
  const client = new Client(server.connectionOptions(await server.createDatabase()));
  await client.connect();
  await client.query('create extension cube; create extension earthdistance');
  const { rows } = await client.query(
    'select round(earth_distance(ll_to_earth(52.5, 13.4), ll_to_earth(48.9, 2.35))) d',
  );
  expect(rows).toEqual([{ d: 874_871 }]);
  await client.end();
});
