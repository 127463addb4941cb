import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../../test/support/free-port';
import { GuardedProcess } from '../../test/support/guarded-process';
import { isLearning } from '../../test/support/learning';
import { type ConnectionOptions } from '../../test/support/postgres-server';
import { type TemporaryDirectory } from '../../test/support/temporary-directory';
import { until } from '../../test/support/until';

/** The longest a fragment may take here; what the default allows. */
const fragmentMs = 60_000;

/** The program as an operator would start it, in front of the points of interest. */
export class PoiProxy implements AsyncDisposable {
  private constructor(
    readonly connection: ConnectionOptions,
    private readonly adminUrl: string,
    private readonly process: GuardedProcess,
  ) {}

  /** @param minQueryMs statements faster than this are not learned from */
  static async start(
    upstream: ConnectionOptions,
    directory: TemporaryDirectory,
    cache: string,
    minQueryMs: number,
  ): Promise<PoiProxy> {
    const [port, adminPort] = [await freePort(), await freePort()];
    const key = { datatype: 'integer', consistency: 'static' };
    const configuration = {
      listen: { host: '127.0.0.1', port },
      upstream: { host: upstream.host, port: upstream.port },
      admin: { host: '127.0.0.1', port: adminPort },
      cache: { backend: 'rocksdb_set', path: join(directory.path, cache) },
      population: { min_query_ms: minQueryMs, timeout_ms: fragmentMs, duty: 1 },
      databases: {
        [upstream.database]: {
          control: { user: upstream.user, password_env: 'POI_PASSWORD' },
          partition_keys: {
            zip: { ...key, tables: { 'public.poi': 'zip' } },
            district: { ...key, tables: { 'public.poi': 'district' } },
          },
        },
      },
    };
    const file = join(directory.path, `${cache}-${port}.yaml`);
    await writeFile(file, stringify(configuration));
    const main = join(__dirname, '../../dist/main.js');
    const process_ = new GuardedProcess(process.execPath, [main, 'proxy', '--config', file], {
      cwd: directory.path,
      env: { ...process.env, POI_PASSWORD: upstream.password },
      lastSignal: 'KILL',
    });
    await process_.untilWritten('accepting connections');
    return new PoiProxy({ ...upstream, port }, `http://127.0.0.1:${adminPort}`, process_);
  }

  async learned(): Promise<void> {
    await until('the proxy to have learned', async () => !(await isLearning(this.adminUrl)), {
      deadlineMs: 20 * fragmentMs,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop('TERM');
  }
}
