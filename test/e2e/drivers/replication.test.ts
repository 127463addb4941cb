import { execFile } from 'node:child_process';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort } from '../../support/free-port';
import { postgresOwner } from '../../support/postgres-binaries';
import { PostgresProcess } from '../../support/postgres-process';
import { findPostgresProgram, type ConnectionOptions } from '../../support/postgres-server';
import { describeVersions, describeWith } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';
import { temporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

const run = promisify(execFile);

async function query(connection: ConnectionOptions, text: string): Promise<unknown[][]> {
  const client = new Client(connection);
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

describeWith('replication', findPostgresProgram('pg_basebackup'), (program) =>
  // The programs refuse a server that is newer than themselves.
  describeVersions(
    'physical and logical replication',
    (binaries) => {
      let database: ProxiedDatabase;
      let directory: TemporaryDirectory;

      beforeAll(async () => {
        database = await ProxiedDatabase.start({ binaries, settings: { wal_level: 'logical' } });
        directory = await temporaryDirectory('replication', { openToOthers: true });
        // PostgreSQL's user writes there, as it is to read it.
        await run('chmod', ['777', directory.path]);
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
        const { stdout, stderr } = await run(join(program, '..', name), args, {
          ...postgresOwner(),
          cwd: directory.path,
          env: { PATH: process.env['PATH'], ...database.environment(connection) },
        });
        return stdout + stderr;
      };

      /** Runs a server on a data directory for as long as it is used. */
      async function withServer(
        data: string,
        use: (connection: ConnectionOptions) => Promise<void>,
      ): Promise<void> {
        const server = await PostgresProcess.start(binaries, data, await freePort(), { text: '' });
        try {
          await use({ ...database.direct, port: server.port });
        } finally {
          await server.stop();
        }
      }

      const contents = (connection: ConnectionOptions): Promise<unknown[][]> =>
        query(
          connection,
          `select (select md5(string_agg(p::text, ',' order by id)) from place p),
                  (select md5(string_agg(v::text, ',' order by id)) from visit v)`,
        );

      test('pg_basebackup -X stream: the backup is verified, starts, and has the data', async () => {
        const data = join(directory.path, 'backup');
        await call('pg_basebackup', database.through, '-D', data, '-X', 'stream', '-c', 'fast');
        expect(await call('pg_verifybackup', database.direct, data)).toContain(
          'backup successfully verified',
        );
        await withServer(data, async (connection) =>
          expect(await contents(connection)).toEqual(await contents(database.direct)),
        );
      });

      test('pg_basebackup -Ft -z -X fetch', async () => {
        const data = join(directory.path, 'tar');
        await call('pg_basebackup', database.through, '-D', data, '-Ft', '-z', '-X', 'fetch', '-c', 'fast');
        await mkdir(join(data, 'unpacked'));
        await run('tar', ['-xzf', join(data, 'base.tar.gz'), '-C', join(data, 'unpacked')]);
        await run('cp', [join(data, 'backup_manifest'), join(data, 'unpacked')]);
        const verified = await run(join(program, '..', 'pg_verifybackup'), [join(data, 'unpacked')]);
        expect(verified.stdout).toContain('backup successfully verified');
      });

      test('a standby that streams through the proxy, and is promoted', async () => {
        const data = join(directory.path, 'standby');
        await call('pg_basebackup', database.through, '-D', data, '-R', '-C', '-S', 'standby', '-c', 'fast');
        await appendFile(join(data, 'postgresql.auto.conf'), `hot_standby = on\n`);
        await withServer(data, async (standby) => {
          await query(
            database.direct,
            `insert into note (text) select 'row ' || i from generate_series(1, 5000) i`,
          );
          const count = 'select count(*) from note';
          const [written] = await query(database.direct, count);
          await until('the standby has the rows', async () => {
            const [seen] = await query(standby, count);
            return JSON.stringify(seen) === JSON.stringify(written);
          });
          expect(await query(standby, 'select status, sender_port from pg_stat_wal_receiver')).toEqual([
            ['streaming', database.port],
          ]);
          expect(await query(standby, 'select pg_promote()')).toEqual([[true]]);
          await query(standby, `insert into note (text) values ('promoted')`);
        });
        await query(database.direct, `select pg_drop_replication_slot('standby')`);
      });

      test('pg_receivewal: the segment is the server’s own', async () => {
        const wal = join(directory.path, 'wal');
        await run('mkdir', ['-m', '777', wal]);
        await call('pg_receivewal', database.through, '--slot', 'made', '--create-slot');
        await call('pg_receivewal', database.through, '--slot', 'made', '--drop-slot');
        await query(database.direct, `select pg_create_physical_replication_slot('wal', true)`);
        const [[segment, end]] = (await query(
          database.direct,
          `select pg_walfile_name(restart_lsn), pg_switch_wal()::text from pg_replication_slots where slot_name = 'wal'`,
        )) as [[string, string]];
        await query(database.direct, `insert into note (text) values ('after the switch')`);
        await call(
          'pg_receivewal',
          database.through,
          '-D',
          wal,
          '--slot',
          'wal',
          '--endpos',
          end,
          '--no-loop',
        );
        const received = await readFile(join(wal, segment)).catch(() =>
          readFile(join(wal, `${segment}.partial`)),
        );
        const own = await readFile(join(database.server.dataDirectory, 'pg_wal', segment));
        expect(received.equals(own)).toBe(true);
        await query(database.direct, `select pg_drop_replication_slot('wal')`);
      });

      test('pg_recvlogical: the changes are those the server decodes', async () => {
        await call(
          'pg_recvlogical',
          database.through,
          '-d',
          'matrix',
          '--slot',
          'logical',
          '--create-slot',
          '-P',
          'test_decoding',
        );
        await query(
          database.through,
          `begin; insert into note (text, amount) select 'Ü€😀 ' || i, i from generate_series(1, 2000) i; delete from note where amount = 7; commit`,
        );
        const changes = await query(
          database.direct,
          `select data from pg_logical_slot_peek_changes('logical', null, null)`,
        );
        const [[end]] = (await query(database.direct, 'select pg_current_wal_flush_lsn()::text')) as [
          [string],
        ];
        const received = await call(
          'pg_recvlogical',
          database.through,
          ...['-d', 'matrix', '--slot', 'logical', '--start', '--endpos', end, '--no-loop', '-f', '-'],
        );
        expect(changes.length).toBeGreaterThan(2000);
        expect(received.trimEnd().split('\n')).toEqual(changes.map(([data]) => data));
        await call('pg_recvlogical', database.through, '-d', 'matrix', '--slot', 'logical', '--drop-slot');
      });

      test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
    },
    ['debian15'],
  ),
);
