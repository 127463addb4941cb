import { join } from 'node:path';
import { GuardedProcess } from './guarded-process';
import { postgresBinaryDirectory, postgresOwner, type PostgresBinaries } from './postgres-binaries';

/** A running PostgreSQL server on an existing data directory. */
export class PostgresProcess {
  private constructor(
    private readonly process: GuardedProcess,
    readonly port: number,
  ) {}

  /** Resolves when the server accepts connections; rejects with its log if it does not. */
  static async start(
    binaries: PostgresBinaries,
    dataDirectory: string,
    port: number,
    log: { text: string },
  ): Promise<PostgresProcess> {
    const postgres = join(postgresBinaryDirectory(binaries), 'postgres');
    const server = new GuardedProcess(postgres, ['-D', dataDirectory, '-p', String(port)], {
      owner: postgresOwner(),
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      lastSignal: 'QUIT',
      directory: dataDirectory,
      log,
    });
    // A standby accepts read-only ones.
    await server.untilWritten('database system is ready to accept');
    return new PostgresProcess(server, port);
  }

  /** Resolves when it has ended, whoever ended it. */
  async untilExit(): Promise<void> {
    await this.process.untilExit();
  }

  /** Stops the server: `fast` ends sessions properly, `immediate` is what a crash looks like. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.process.stop(mode === 'fast' ? 'INT' : 'QUIT');
  }
}
