import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { freePort } from './free-port';
import { GuardedProcess } from './guarded-process';
import { temporaryDirectory } from './temporary-directory';

const server = '/usr/sbin/mariadbd';
const install = '/usr/bin/mariadb-install-db';
/** Tests that need one say so in their titles where there is none. */
export const hasMariadb = existsSync(server) && existsSync(install);

/** A MariaDB server of the test's own, with one database; its default character set and collation are the server's own. */
export interface MariadbServer extends AsyncDisposable {
  readonly options: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  connect(): Promise<Connection>;
}

export async function startMariadb(): Promise<MariadbServer> {
  const directory = await temporaryDirectory('mariadb');
  const data = join(directory.path, 'data');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const { status, stderr } = spawnSync(
    install,
    [
      '--no-defaults',
      `--datadir=${data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      ...user,
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${install} failed: ${stderr}`);
  const port = await freePort();
  const options = { host: '127.0.0.1', port, user: 'root', password: 'secret', database: 'copy' };
  const mariadb = new GuardedProcess(
    server,
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(directory.path, 'socket')}`,
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-buffer-pool-size=32M',
      ...user,
    ],
    { env: { PATH: process.env['PATH'] }, lastSignal: 'KILL', directory: directory.path },
  );
  await mariadb.untilWritten('ready for connections');
  const root = await createConnection({ ...options, password: '', database: 'mysql' });
  await root.query(`set password for root@localhost = password('secret')`);
  await root.query('create database copy');
  await root.end();
  return {
    options,
    connect: () => createConnection({ ...options, charset: 'utf8mb4', multipleStatements: true }),
    [Symbol.asyncDispose]: async () => {
      await mariadb.stop('TERM');
      await directory[Symbol.asyncDispose]();
    },
  };
}
