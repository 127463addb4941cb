import { execFile } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { Tracking } from '../../../src/freshness/tracking';
import { openPool } from '../../../src/postgres/control-pool';
import { freePort } from '../../support/free-port';
import { postgresOwner } from '../../support/postgres-binaries';
import { PostgresProcess } from '../../support/postgres-process';
import { findPostgresProgram, type PostgresServer, startPostgres } from '../../support/postgres-server';
import { describeVersions, describeWith } from '../../support/postgres-versions';
import { temporaryDirectory } from '../../support/temporary-directory';
import { type Stamp, TrackedDatabase } from '../../support/tracked-database';
import { until } from '../../support/until';

const run = promisify(execFile);
const setUp = `
  create table place (id int primary key, region_id int not null, population int);
  create table sharded (id int, region_id int not null, primary key (id, region_id)) partition by list (region_id);
  create table sharded_1 partition of sharded for values in (1);
  create table sharded_rest partition of sharded default;
`;
const place = { 'public.place': 'region_id' };
const sharded = { 'public.sharded': 'region_id' };

describeVersions('logical replication', (binaries) => {
  let server: PostgresServer;
  let publisher: TrackedDatabase;
  let subscriber: TrackedDatabase;
  beforeAll(async () => {
    server = await startPostgres({ binaries, settings: { wal_level: 'logical' } });
    publisher = await TrackedDatabase.open(server, `${setUp} create publication all_tables for all tables;`);
    subscriber = await TrackedDatabase.open(server, setUp);
    await subscriber.track({ ...place, ...sharded });
    await publisher.client.query(`select pg_create_logical_replication_slot('changes', 'pgoutput')`);
    const { host, port, user, password, database } = publisher.connection;
    await subscriber.client.query(`create subscription all_tables
      connection 'host=${host} port=${port} user=${user} password=${password} dbname=${database}'
      publication all_tables with (create_slot = false, slot_name = 'changes', copy_data = false)`);
  });
  afterAll(async () => {
    await subscriber?.client.query('alter subscription all_tables disable');
    await subscriber?.client.query('alter subscription all_tables set (slot_name = none)');
    await subscriber?.client.query('drop subscription all_tables');
    await publisher?.[Symbol.asyncDispose]();
    await subscriber?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  test.each([
    ['inserts', `insert into place values (1, 7, 0), (2, 8, 0)`, place, ['7', '8']],
    ['updates', `update place set region_id = 9 where id = 1`, place, ['7', '9']],
    [
      'updates of other columns',
      `alter table place replica identity full; update place set population = 1 where id = 2`,
      place,
      ['8'],
    ],
    ['deletes', `delete from place where id = 1`, place, ['9']],
    ['rows of partitions', `insert into sharded values (1, 1), (2, 5)`, sharded, ['1', '5']],
    [
      'rows that move to another partition',
      `update sharded set region_id = 6 where id = 1`,
      sharded,
      ['1', '6'],
    ],
    ['truncate', `truncate place`, place, ['whole']],
  ])('what is applied is logged: %s', async (_, statement, table, expected) => {
    const stamp = await subscriber.stamp(table);
    await publisher.client.query(statement);
    await until(`${expected.join()} are logged`, async () => {
      const changes = await subscriber.changesSince(stamp);
      return JSON.stringify(changes) === JSON.stringify(expected);
    });
  });
});

describeWith('a hot standby', findPostgresProgram('pg_basebackup'), (program) =>
  // The program refuses a server that is newer than itself.
  describeVersions(
    'a hot standby',
    (binaries) => {
      let server: PostgresServer;
      let primary: TrackedDatabase;
      let standbyProcess: PostgresProcess;
      let standby: Client;
      let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

      beforeAll(async () => {
        server = await startPostgres({ binaries, settings: { max_prepared_transactions: 5 } });
        primary = await TrackedDatabase.open(
          server,
          `${setUp} insert into place select i, i % 20, i from generate_series(1, 200) i;`,
        );
        await primary.track(place);
        directory = await temporaryDirectory('standby', { openToOthers: true });
        await run('chmod', ['777', directory.path]);
        const data = join(directory.path, 'data');
        await run(program, ['-D', data, '-R', '-X', 'stream', '-c', 'fast'], {
          ...postgresOwner(),
          cwd: directory.path,
          env: { PATH: process.env['PATH'], ...server.environment(primary.connection.database) },
        });
        await appendFile(
          join(data, 'postgresql.auto.conf'),
          'hot_standby = on\nmax_standby_streaming_delay = -1\n',
        );
        standbyProcess = await PostgresProcess.start(binaries, data, await freePort(), { text: '' });
        standby = new Client({ ...primary.connection, port: standbyProcess.port });
        await standby.connect();
      });
      afterAll(async () => {
        await standby?.end();
        await standbyProcess?.stop();
        await primary?.[Symbol.asyncDispose]();
        await server?.stop();
        await directory?.[Symbol.asyncDispose]();
      });

      const caughtUp = async (): Promise<void> => {
        const { rows } = await primary.client.query('select pg_current_wal_insert_lsn()::text as lsn');
        // An asynchronous commit is written some time later; this one takes the others along.
        await primary.client.query(`select pg_logical_emit_message(true, 'pcache', 'now')`);
        await until('the standby has replayed', async () => {
          const answer = await standby.query(`select pg_last_wal_replay_lsn() >= $1::pg_lsn as is_done`, [
            rows[0].lsn,
          ]);
          return answer.rows[0].is_done as boolean;
        });
      };
      const learn = async (client: Client): Promise<{ keys: string; stamp: Stamp }> => {
        await client.query('begin isolation level repeatable read read only');
        const stamp = await primary.stamp(place, client);
        const { rows } = await client.query(
          `select coalesce(array_agg(distinct region_id), '{}')::text as keys from place where population > 195`,
        );
        await client.query('commit');
        return { keys: `'${rows[0].keys}'::pg_catalog.int4[]`, stamp };
      };
      const look = async (
        client: Client,
        { keys, stamp }: { keys: string; stamp: Stamp },
      ): Promise<unknown> => {
        const array = primary.freshKeys(keys, 'int4', stamp, { table: 'public.place', column: 'region_id' });
        const { rows } = await client.query(
          `select (select array_agg(id order by id) from place where population > 195)
                = (select array_agg(id order by id) from place where population > 195 and region_id = any (${array})) as same,
                  (select count(distinct region_id)::int from place where region_id = any (${array})) as passing`,
        );
        return rows[0];
      };

      test('an entry made on it is of use on it, and is not for the primary', async () => {
        await caughtUp();
        const entry = await learn(standby);
        expect(await look(standby, entry)).toEqual({ same: true, passing: 5 });
        expect(await look(primary.client, entry)).toEqual({ same: true, passing: 20 });
        await primary.client.query('update place set population = 500 where id = 10');
        await caughtUp();
        expect(await look(standby, entry)).toEqual({ same: true, passing: 6 });
      });

      test('an entry of the primary lets every key through there', async () => {
        const entry = await learn(primary.client);
        expect(await look(primary.client, entry)).toMatchObject({ same: true, passing: 6 });
        expect(await look(standby, entry)).toMatchObject({ same: true, passing: 20 });
      });

      test('a transaction under way when the entry was made is seen, though the snapshot of a standby does not list it', async () => {
        const writer = await primary.connect();
        await writer.query('begin; update place set population = 500 where id = 11');
        // Later ones come to their end first.
        await primary.client.query('update place set population = 100 where id = 100');
        await caughtUp();
        const entry = await learn(standby);
        const { rows } = await standby.query('select pg_current_snapshot()::text as snapshot');
        // If this fails, PostgreSQL has learned to tell; safe_snapshot() is still right.
        expect(rows[0].snapshot).toMatch(/^(\d+):(?!\1:)\d+:$/);
        await writer.query('commit');
        await writer.end();
        await caughtUp();
        expect(await look(standby, entry)).toMatchObject({ same: true, passing: 7 });
      });

      test('REPEATABLE READ on it, older than the entry', async () => {
        const old = new Client({ ...primary.connection, port: standbyProcess.port });
        await old.connect();
        await old.query('begin isolation level repeatable read; select count(*) from place');
        await primary.client.query('update place set population = 0 where id = 200');
        await caughtUp();
        const entry = await learn(standby);
        expect(await look(old, entry)).toMatchObject({ same: true, passing: 20 });
        await old.end();
      });

      test('once it is promoted, entries from before are not usable, neither its own nor the primary’s', async () => {
        const own = await learn(standby);
        const others = await learn(primary.client);
        await primary.client.query('checkpoint');
        await standby.query('select pg_promote()');
        await until('it is promoted', async () => {
          const { rows } = await standby.query('select not pg_is_in_recovery() as is_done');
          return rows[0].is_done as boolean;
        });
        expect(await look(standby, own)).toMatchObject({ same: true, passing: 20 });
        // Numbers are given out again: the two histories have the same ones for different changes.
        await standby.query('update place set population = 500 where id = 12');
        expect(await look(standby, others)).toMatchObject({ same: true, passing: 20 });
        const fresh = await learn(standby);
        expect(await look(standby, fresh)).not.toMatchObject({ passing: 20 });
        await standby.query('update place set population = 500 where id = 13');
        expect(await look(standby, fresh)).toMatchObject({ same: true });
      });
    },
    ['debian15'],
  ),
);

describeVersions('a copy of the database', (binaries) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ binaries });
  });
  afterAll(async () => {
    await server?.stop();
  });

  test('relies on nothing, and installing again says what to do', async () => {
    const database = await TrackedDatabase.open(server, setUp);
    await database.track(place);
    await database.client.query('insert into place values (1, 7, 7)');
    const entry = await database.stamp(place);
    await database[Symbol.asyncDispose]();
    const name = await server.createDatabase('copy', database.connection.database);
    const client = new Client(server.connectionOptions(name));
    await client.connect();
    const all = { table: 'place', column: 'region_id' };
    const array = database.freshKeys(`'{}'::pg_catalog.int4[]`, 'int4', entry, all);
    expect((await client.query(`select ${array} as keys`)).rows).toEqual([{ keys: [7] }]);
    await client.end();
    await using pool = openPool(server.connectionOptions(name));
    const tracking = new Tracking({ pool, schema: 'pcache', lockTimeoutMs: 500, attempts: 3 });
    expect((await tracking.status())?.isOwn).toBe(false);
    await expect(tracking.install([])).rejects.toThrow(
      'came here with a dump or a template database; drop that schema',
    );
  });
});
