import { Client } from 'pg';
import { readLowestKey } from '../../../src/postgres/catalog/read-lowest-key';
import { type ControlPool, openPool } from '../../../src/postgres/control-pool';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';

let server: PostgresServer;
let client: Client;
let pool: ControlPool;
beforeAll(async () => {
  server = await startPostgres();
  const connection = server.connectionOptions(await server.createDatabase());
  client = new Client(connection);
  await client.connect();
  pool = openPool(connection);
  await client.query(`
    create table analysed (k int);
    insert into analysed select generate_series(-3, 3000);
    analyze analysed;
    create table unknown (k int);
    insert into unknown values (-9);
    create table "In dexed" (id int, "a ""key""" bigint, unique ("a ""key""", id));
    insert into "In dexed" values (1, 5), (2, -9223372036854775808), (3, null);
    create table partial (k int);
    insert into partial values (-9);
    create index on partial (k) where k > 0;
    create table texts (k text primary key);
    insert into texts values ('-5');
    create table parent (k smallint primary key) partition by range (k);
    create table child partition of parent default;
    insert into parent values (-7), (7);
  `);
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await client.end();
  await server.stop();
});

test.each([
  ['what ANALYZE has seen', { 'public.analysed': 'k' }, -3n],
  ['an index', { 'public.In dexed': 'a "key"' }, -(2n ** 63n)],
  ['an index of a partitioned table', { 'public.parent': 'k' }, -7n],
  ['the lowest of several', { 'public.analysed': 'k', 'public.parent': 'k' }, -7n],
])('the lowest key is known by %s', async (_by, tables, lowest) => {
  expect(await readLowestKey(pool, { tables: new Map(Object.entries(tables)) })).toBe(lowest);
});

test.each([
  ['nobody has looked', { 'public.unknown': 'k' }],
  ['the index does not have all rows', { 'public.partial': 'k' }],
  ['the column is of another type', { 'public.texts': 'k' }],
  ['there is no such table, or column', { 'public.nowhere': 'k', 'public.analysed': 'j' }],
])('nothing is known where %s', async (_where, tables) => {
  expect(await readLowestKey(pool, { tables: new Map(Object.entries(tables)) })).toBeUndefined();
});
