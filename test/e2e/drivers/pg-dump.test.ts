import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { Client } from 'pg';
import { findPostgresProgram, type ConnectionOptions } from '../../support/postgres-server';
import { describeVersions, describeWith } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';

const run = promisify(execFile);

/** What makes a dump more than tables: every kind of object that pg_dump treats in a way of its own. */
const more = `
  create schema other;
  create type other.mood as enum ('sad', 'Ü€😀');
  create domain other.positive as integer check (value > 0);
  create table other.part (id integer, at date not null, mood other.mood, n other.positive, half float8 generated always as (id / 2.0) stored) partition by range (at);
  create table other.part_1 partition of other.part for values from ('2020-01-01') to ('2021-01-01');
  create table other.part_2 partition of other.part default;
  insert into other.part select i, date '2019-12-01' + i, 'Ü€😀', i from generate_series(1, 500) i;
  create function other.twice(integer) returns integer language sql immutable as 'select 2 * $1';
  create view other.romans as select id, other.twice(id) from place where name = 'Rome';
  create materialized view other.seen as select max(seen) from place;
  create index on other.part using hash (mood);
  alter table note add constraint to_place foreign key (amount) references place (id);
  insert into note (text, amount) values ('a\ttab, a \\ and a
line', 10007), (null, null);
  comment on table note is 'it''s noted';
  create publication everything for all tables;
  select lo_from_bytea(424242, 'large'::bytea);
  grant select on note to pcache;
`;

const pgDump = findPostgresProgram('pg_dump');

describeWith('pg_dump and pg_restore', pgDump, (program) =>
  // pg_dump refuses a server that is newer than itself.
  describeVersions(
    'pg_dump and pg_restore',
    (binaries) => {
      let database: ProxiedDatabase;
      let directory: TemporaryDirectory;

      beforeAll(async () => {
        database = await ProxiedDatabase.start({ binaries });
        directory = await temporaryDirectory('dump');
        const client = new Client(database.direct);
        await client.connect();
        await client.query(more);
        await client.end();
      });

      afterAll(async () => {
        await database?.[Symbol.asyncDispose]();
        await directory?.[Symbol.asyncDispose]();
      });

      const call = async (
        name: string,
        connection: ConnectionOptions,
        ...args: string[]
      ): Promise<string> => {
        const { stdout } = await run(join(program, '..', name), args, {
          env: { ...process.env, ...database.environment(connection) },
          maxBuffer: 256 * 1024 * 1024,
        });
        return stdout;
      };

      /** The token of \\restrict is drawn anew for each dump. */
      const text = async (connection: ConnectionOptions, ...args: string[]): Promise<string> =>
        (await call('pg_dump', connection, ...args)).replaceAll(/^\\(un)?restrict .*$/gm, '');

      /** A dump, taken directly, of the database that a restore makes. */
      const created = async (restore: (name: string) => Promise<unknown>): Promise<string> => {
        const name = await database.server.createDatabase();
        await restore(name);
        return text(database.direct, name);
      };

      test('plain: byte for byte, as COPY, as INSERT, of one table, of the schema', async () => {
        const whole = await database.expectSame((connection) => text(connection), { hits: 0 });
        expect(whole.length).toBeGreaterThan(10_000_000);
        for (const args of [
          ['--schema-only', '--create', '--clean'],
          ['--inserts', '--rows-per-insert=100', '-t', 'note', '-t', 'other.*'],
          ['-t', 'place', '--column-inserts', '--data-only'],
        ])
          await database.expectSame((connection) => text(connection, ...args), { hits: 0 });
      });

      test('custom: restored through the proxy, in one transaction, it is the same database', async () => {
        const original = await text(database.direct);
        const file = join(directory.path, 'custom');
        await call('pg_dump', database.through, '-Fc', '-f', file);
        const restored = await created((name) =>
          call('pg_restore', database.through, '-1', '-d', name, file),
        );
        expect(restored).toEqual(original);
      });

      test('directory, two jobs: the same files, and restored by two jobs the same database', async () => {
        const original = await text(database.direct);
        const contents = async (
          connection: ConnectionOptions,
          name: string,
        ): Promise<Record<string, string>> => {
          const path = join(directory.path, name);
          await call('pg_dump', connection, '-Fd', '-j', '2', '-f', path);
          const files = (await readdir(path)).filter((file) => file !== 'toc.dat').sort();
          return Object.fromEntries(
            await Promise.all(
              files.map(async (file): Promise<[string, string]> => {
                const bytes = await readFile(join(path, file));
                return [file, (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('base64')];
              }),
            ),
          );
        };
        expect(await contents(database.through, 'through')).toEqual(
          await contents(database.direct, 'direct'),
        );
        const restored = await created((name) =>
          call('pg_restore', database.through, '-j', '2', '-d', name, join(directory.path, 'through')),
        );
        expect(restored).toEqual(original);
      });

      test('plain, restored by psql through the proxy', async () => {
        const original = await text(database.direct);
        const file = join(directory.path, 'plain.sql');
        await call('pg_dump', database.through, '-f', file);
        const restored = await created((name) =>
          call('psql', database.through, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', name, '-f', file),
        );
        expect(restored).toEqual(original);
      });

      test('pg_dumpall, vacuumdb, reindexdb, clusterdb and pg_amcheck', async () => {
        await database.expectSame(
          async (connection) =>
            (await call('pg_dumpall', connection, '--no-role-passwords', '-l', 'matrix')).replaceAll(
              /^\\(un)?restrict .*$/gm,
              '',
            ),
          { hits: 0 },
        );
        await call('vacuumdb', database.through, '-z', '-j', '2', '-d', 'matrix');
        await call('reindexdb', database.through, '-j', '2', '-t', 'place', '-d', 'matrix');
        await call('clusterdb', database.through, '-d', 'matrix');
        await call('pg_amcheck', database.through, '--install-missing', '-d', 'matrix', '-t', 'place');
      });

      test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
    },
    ['debian15'],
  ),
);
