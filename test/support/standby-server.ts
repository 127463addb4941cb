import { execFile } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port';
import { postgresOwner } from './postgres-binaries';
import { PostgresProcess } from './postgres-process';
import type { PostgresServer } from './postgres-server';
import { temporaryDirectory } from './temporary-directory';

const run = promisify(execFile);

/** A streaming standby of a server, which takes read-only statements. */
export interface StandbyServer extends AsyncDisposable {
  readonly port: number;
}

/** @param program pg_basebackup, which refuses a server that is newer than itself */
export async function startStandby(server: PostgresServer, program: string): Promise<StandbyServer> {
  const directory = await temporaryDirectory('standby', { openToOthers: true });
  await run('chmod', ['777', directory.path]);
  const data = join(directory.path, 'data');
  await run(program, ['-D', data, '-R', '-X', 'stream', '-c', 'fast'], {
    ...postgresOwner(),
    cwd: directory.path,
    env: { PATH: process.env['PATH'], ...server.environment('postgres') },
  });
  await appendFile(
    join(data, 'postgresql.auto.conf'),
    'hot_standby = on\nmax_standby_streaming_delay = -1\n',
  );
  const process_ = await PostgresProcess.start(server.binaries, data, await freePort(), { text: '' });
  return {
    port: process_.port,
    [Symbol.asyncDispose]: async () => {
      await process_.stop();
      await directory[Symbol.asyncDispose]();
    },
  };
}
