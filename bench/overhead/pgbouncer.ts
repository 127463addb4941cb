import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port';
import { GuardedProcess } from '../../test/support/guarded-process';
import { postgresOwner } from '../../test/support/postgres-binaries';
import { type PostgresServer } from '../../test/support/postgres-server';

/** Where Debian puts it. */
const program = '/usr/sbin/pgbouncer';

/** PgBouncer in front of a server: one server session for each client session, and no authentication on either side. */
export class PgBouncer {
  private constructor(
    readonly process: GuardedProcess,
    readonly port: number,
    readonly pid: number,
  ) {}

  /** Whether it is installed. */
  static get isThere(): boolean {
    return existsSync(program);
  }

  /**
   * Resolves when it takes connections. It runs as the server's user, for it refuses to run as root.
   *
   * @param shared port that several of them listen on
   */
  static async start(postgres: PostgresServer, shared?: number): Promise<PgBouncer> {
    const { host, port: upstreamPort, user } = postgres;
    const port = shared ?? (await freePort());
    const settings = [
      '[databases]',
      `* = host=${host} port=${String(upstreamPort)} user=${user}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${String(port)}`,
      'unix_socket_dir =',
      ...(shared === undefined ? [] : ['so_reuseport = 1']),
      'auth_type = any',
      'pool_mode = session',
      'max_client_conn = 200',
      'default_pool_size = 200',
      // pgbench and psql set it at start-up; anything else PgBouncer does not know of is refused.
      'ignore_startup_parameters = extra_float_digits',
    ];
    const file = join(postgres.dataDirectory, `pgbouncer-${randomUUID()}.ini`);
    await writeFile(file, `${settings.join('\n')}\n`);
    const owner = postgresOwner();
    if (owner.uid !== undefined && owner.gid !== undefined) await chown(file, owner.uid, owner.gid);
    const bouncer = new GuardedProcess('/bin/sh', ['-c', 'echo "pid $$"; exec "$@"', 'sh', program, file], {
      owner,
      env: { PATH: process.env['PATH'] },
      lastSignal: 'KILL',
    });
    await bouncer.untilWritten('process up');
    return new PgBouncer(bouncer, port, Number(/^pid (\d+)$/m.exec(bouncer.log.text)?.[1]));
  }
}
