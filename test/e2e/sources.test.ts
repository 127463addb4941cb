import { join } from 'node:path';
import { Client } from 'pg';
import { findPostgresProgram, type ConnectionOptions } from '../support/postgres-server';
import { describeWith } from '../support/postgres-versions';
import { ProxiedDatabase } from '../support/proxied-database';
import { openSqlite, sqliteEnvironment, sqliteProblem } from '../support/sqlite-file';
import { startStandby, type StandbyServer } from '../support/standby-server';
import { temporaryDirectory } from '../support/temporary-directory';
import { until } from '../support/until';

const romans = `select p.id, v.rating from place p join visit v on v.region_id = p.region_id and v.place_id = p.id
  where p.name = 'Rome' order by p.id`;
const asking =
  (sql: string) =>
  async (connection: ConnectionOptions): Promise<unknown> => {
    const client = new Client(connection);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };

describeWith('a proxy that runs fragments on a standby', findPostgresProgram('pg_basebackup'), (program) => {
  let standby: StandbyServer;
  let database: ProxiedDatabase;

  beforeAll(async () => {
    database = await ProxiedDatabase.start({
      binaries: 'debian15',
      consistency: 'exact',
      prepare: async (connection) => {
        await asking('grant pg_read_all_stats to pcache')(connection);
      },
      source: async (server) => {
        standby = await startStandby(server, program);
        return { kind: 'standby', host: '127.0.0.1', port: standby.port };
      },
    });
  });
  afterAll(async () => {
    await standby?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  test('restricts statements on the primary, and sees what is written there', async () => {
    const before = (await database.expectSame(asking(romans), { hits: 1 })) as readonly unknown[];
    await asking(`update place set name = 'Rome' where id = 77777`)(database.direct);
    const after = (await database.expectSame(asking(romans), { hits: 1 })) as readonly unknown[];
    expect(after).toHaveLength(before.length + 1);
    expect(await database.trouble()).toEqual([]);
  });

  test('they were run there', async () => {
    const scans = `select sum(seq_scan + coalesce(idx_scan, 0))::int as n from pg_stat_user_tables where relname = 'place'`;
    await until('the standby has counted them', async () => {
      const [row] = (await asking(scans)({ ...database.direct, port: standby.port })) as { n: number }[];
      return (row?.n ?? 0) > 0;
    });
  });
});

describeWith(
  'a proxy that runs fragments on a copy in SQLite',
  sqliteProblem === undefined ? 'it' : undefined,
  () => {
    test('restricts statements although it may not read the tables themselves', async () => {
      await using directory = await temporaryDirectory('copy');
      const path = join(directory.path, 'copy.db');
      await using database = await ProxiedDatabase.start({
        environment: { NODE_PATH: sqliteEnvironment.NODE_PATH },
        prepare: async (connection) => {
          await copyTo(path, connection);
          await asking('revoke select on place, visit from pcache')(connection);
        },
        source: () => Promise.resolve({ kind: 'sqlite', path }),
      });
      const rows = (await database.expectSame(asking(romans), { hits: 1 })) as readonly unknown[];
      expect(rows.length).toBeGreaterThan(3);
      expect(await database.trouble()).toEqual([]);
    });
  },
);

/** The columns that are asked for. */
async function copyTo(path: string, connection: ConnectionOptions): Promise<void> {
  const client = new Client(connection);
  await client.connect();
  const copy = openSqlite(path);
  copy.exec('create table place (id integer, region_id integer, name text)');
  copy.exec('create table visit (id integer, place_id integer, region_id integer)');
  copy.exec('begin');
  for (const [table, columns] of [
    ['place', ['id', 'region_id', 'name']],
    ['visit', ['id', 'place_id', 'region_id']],
  ] as const) {
    const { rows } = await client.query<unknown[]>({
      text: `select ${columns.join()} from ${table}`,
      rowMode: 'array',
    });
    const insert = copy.prepare(`insert into ${table} values (${columns.map(() => '?').join()})`);
    for (const row of rows) insert.run(...row);
  }
  copy.exec('commit');
  copy.close();
  await client.end();
}
