import pg from 'pg';
import { ServerIdleness } from '../../../src/population/server-idleness';
import { type ControlPool, openPool } from '../../../src/postgres/control-pool';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { until } from '../../support/until';

const { signal } = new AbortController();
let server: PostgresServer;
let database: string;
let admin: pg.Client;

beforeAll(async () => {
  server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
  database = await server.createDatabase();
  admin = await connected('admin');
});

afterAll(async () => {
  await admin.end();
  await server.stop();
});

const told: string[] = [];

function idlenessOf(pool: ControlPool): ServerIdleness {
  return new ServerIdleness(pool, { info: (_, message) => void told.push(message) });
}

async function connected(applicationName: string): Promise<pg.Client> {
  const client = new pg.Client({ ...server.connectionOptions(database), application_name: applicationName });
  await client.connect();
  return client;
}

test('a server is idle while no client is running a statement, whoever is connected', async () => {
  await using pool = openPool(server.connectionOptions(database));
  const idleness = idlenessOf(pool);
  const client = await connected('client');
  try {
    await until('it is idle', () => idleness.isIdle(signal));
    const sleeping = client.query('select pg_sleep(60)');
    const ended = expect(sleeping).rejects.toThrow(/canceling statement/);
    await until('it is not', async () => !(await idleness.isIdle(signal)));
    await admin.query(
      "select pg_cancel_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'",
    );
    await ended;
    await until('it is again', () => idleness.isIdle(signal));
  } finally {
    await client.end();
  }
});

test('what pcache itself has running does not count', async () => {
  await using pool = openPool(server.connectionOptions(database));
  const idleness = idlenessOf(pool);
  const population = await connected('pcache');
  try {
    await until('it is idle', () => idleness.isIdle(signal));
    const sleeping = population.query('select pg_sleep(60)');
    const ended = expect(sleeping).rejects.toThrow(/canceling statement/);
    expect(await idleness.isIdle(signal)).toBe(true);
    await admin.query(
      "select pg_cancel_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'",
    );
    await ended;
  } finally {
    await population.end();
  }
});

test('a role that may not see what others do takes the server to be at work', async () => {
  await admin.query('create role looks_only login');
  await using pool = openPool({ ...server.connectionOptions(database), user: 'looks_only' });
  const idleness = idlenessOf(pool);
  const client = await connected('client');
  try {
    expect(await idleness.isIdle(signal)).toBe(false);
    await admin.query('grant pg_read_all_stats to looks_only');
    expect(told).toEqual([expect.stringMatching(/grant it pg_read_all_stats/)]);
    await until('it may see', () => idleness.isIdle(signal));
  } finally {
    await client.end();
  }
});
