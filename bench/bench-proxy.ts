import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../test/support/free-port';
import { GuardedProcess } from '../test/support/guarded-process';
import { isLearning } from '../test/support/learning';
import type { ConnectionOptions } from '../test/support/postgres-server';
import type { TemporaryDirectory } from '../test/support/temporary-directory';
import { until } from '../test/support/until';

/** The program as an operator would start it, in front of a database. */
export class BenchProxy implements AsyncDisposable {
  private constructor(
    /** How to connect through it. */
    readonly connection: ConnectionOptions,
    private readonly adminUrl: string,
    private readonly process: GuardedProcess,
    readonly pid: number,
  ) {}

  /**
   * @param name of its configuration file, once in the directory
   * @param sections of its configuration, besides where it listens and what it is in front of
   * @param database the section of the database, besides who connects to it
   */
  static async start(
    upstream: ConnectionOptions,
    directory: TemporaryDirectory,
    name: string,
    sections: object,
    database: object,
  ): Promise<BenchProxy> {
    const [port, adminPort] = [await freePort(), await freePort()];
    const configuration = {
      listen: { host: '127.0.0.1', port },
      upstream: { host: upstream.host, port: upstream.port },
      admin: { host: '127.0.0.1', port: adminPort },
      ...sections,
      databases: {
        [upstream.database]: {
          control: { user: upstream.user, password_env: 'BENCH_PASSWORD' },
          ...database,
        },
      },
    };
    const file = join(directory.path, `${name}.yaml`);
    await writeFile(file, stringify(configuration));
    const main = join(__dirname, '../dist/main.js');
    // The shell becomes the program, and keeps the number it has written.
    const command = [process.execPath, main, 'proxy', '--config', file];
    const process_ = new GuardedProcess('/bin/sh', ['-c', 'echo "pid $$"; exec "$@"', 'sh', ...command], {
      cwd: directory.path,
      env: { ...process.env, BENCH_PASSWORD: upstream.password },
      lastSignal: 'KILL',
    });
    await process_.untilWritten('accepting connections');
    const pid = Number(/^pid (\d+)$/m.exec(process_.log.text)?.[1]);
    return new BenchProxy({ ...upstream, port }, `http://127.0.0.1:${adminPort}`, process_, pid);
  }

  /** What /metrics says. */
  async metrics(): Promise<string> {
    const response = await fetch(`${this.adminUrl}/metrics`);
    if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
    return response.text();
  }

  /** Resolves when nothing is left to be learned. */
  async learned(deadlineMs: number): Promise<void> {
    await until('the proxy to have learned', async () => !(await isLearning(this.adminUrl)), { deadlineMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop('TERM');
  }
}
