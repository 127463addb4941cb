import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { postgresBinaryDirectory, postgresOwner, type PostgresBinaries } from './postgres-binaries';

/** Enough of the server's log to read what led to a failure. */
const maxLogLength = 8 * 1024 * 1024;

/**
 * PostgreSQL's parent process. It passes signals on (their names come in on stdin), and when stdin ends because our
 * process was killed, it stops the server and removes its data: a test run leaves nothing behind however it ends.
 * It also keeps the terminal's Ctrl-C from the server, which has to outlive the test that is being cleaned up.
 */
const guardian = `
data=$1; shift
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
( while read -r signal <&3; do kill -s "$signal" "$server"; done
  : >"$data/orphaned"; kill -s QUIT "$server" ) >/dev/null 2>&1 &
watcher=$!
wait "$server"; status=$?
kill "$watcher"
if [ -e "$data/orphaned" ]; then rm -rf "$data"; fi
exit "$status"`;

/** A running PostgreSQL server on an existing data directory. */
export class PostgresProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly exited: Promise<unknown>,
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
    const child = spawn(
      '/bin/sh',
      ['-c', guardian, 'guardian', dataDirectory, postgres, '-D', dataDirectory, '-p', String(port)],
      {
        ...postgresOwner(),
        cwd: '/',
        detached: true,
        env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
        stdio: ['pipe', 'ignore', 'pipe'],
      },
    );
    const exited = once(child, 'exit');
    const from = log.text.length;
    child.stderr.setEncoding('utf8');
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => reject(new Error(`PostgreSQL did not start:\n${log.text.slice(from)}`)));
      child.stderr.on('data', (text: string) => {
        log.text = (log.text + text).slice(-maxLogLength);
        if (log.text.slice(from).includes('database system is ready to accept connections')) resolve();
      });
    });
    return new PostgresProcess(child, exited, port);
  }

  /** Stops the server: `fast` ends sessions properly, `immediate` is what a crash looks like. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.stdin?.write(mode === 'fast' ? 'INT\n' : 'QUIT\n');
      await this.exited;
    }
    this.child.stdin?.destroy();
  }
}
