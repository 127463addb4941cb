import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ProcessOwner } from './postgres-binaries';

/** Enough of a log to read what led to a failure. */
const maxLogLength = 8 * 1024 * 1024;

/**
 * The parent of every server we start. It passes signals on (their names come in on stdin), and when stdin ends because
 * our process was killed, it ends the server and removes the directory given: nothing is left behind however we end.
 * It also keeps the terminal's Ctrl-C from the server, which has to outlive whatever is being cleaned up.
 */
const guardian = `
directory=$1; last=$2; shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
( while read -r signal <&3; do kill -s "$signal" "$server"; done
  [ -z "$directory" ] || : >"$directory/orphaned"
  kill -s "$last" "$server" ) >/dev/null 2>&1 &
watcher=$!
wait "$server"; status=$?
kill "$watcher" 2>/dev/null
if [ -n "$directory" ] && [ -e "$directory/orphaned" ]; then rm -rf "$directory"; fi
exit "$status"`;

export interface GuardedProcessOptions {
  readonly owner?: ProcessOwner;
  readonly cwd?: string;
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Sent to the program when our process is gone. */
  readonly lastSignal: 'QUIT' | 'TERM' | 'KILL';
  /** Removed after that, by the program's owner. */
  readonly directory?: string;
  /** Where its output is collected, if it outlives the process; the last megabytes of it. */
  readonly log?: { text: string };
}

/** A program that ends with us, whatever happens to us. */
export class GuardedProcess {
  /** What the program has written, stdout and stderr, oldest first. */
  readonly log: { text: string };
  private readonly child: ChildProcess;
  private readonly exited: Promise<number>;

  constructor(program: string, args: readonly string[], options: GuardedProcessOptions) {
    this.log = options.log ?? { text: '' };
    const child = spawn(
      '/bin/sh',
      ['-c', guardian, 'guardian', options.directory ?? '', options.lastSignal, program, ...args],
      {
        ...options.owner,
        cwd: options.cwd ?? '/',
        detached: true,
        env: options.env,
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    this.child = child;
    this.exited = once(child, 'close').then(([status]) => Number(status));
    // A guardian that is gone cannot be written to; that it is gone is told by `exited`.
    child.stdin.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.log.text = (this.log.text + text).slice(-maxLogLength);
        this.child.emit('output');
      });
    }
  }

  /** Resolves when the program has written the text; rejects with what it wrote instead if it ends before. */
  async untilWritten(text: string): Promise<void> {
    const from = this.log.text.length;
    await new Promise<void>((resolve, reject) => {
      this.child.once('error', reject);
      this.child.on('output', () => {
        if (this.log.text.slice(from).includes(text)) resolve();
      });
      void this.exited.then((status) =>
        reject(new Error(`it ended (${status}) and had written:\n${this.log.text.slice(from)}`)),
      );
    });
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Sends a signal to the program, without waiting for what it does. */
  signal(name: 'INT' | 'TERM' | 'HUP' | 'QUIT' | 'KILL'): void {
    if (this.isRunning) this.child.stdin?.write(`${name}\n`);
  }

  /** Resolves to the program's exit status (128 and more: ended by a signal) when it has ended. */
  untilExit(): Promise<number> {
    return this.exited;
  }

  /** Sends a signal and waits for the end; resolves to the exit status. */
  async stop(name: 'INT' | 'TERM' | 'QUIT' | 'KILL'): Promise<number> {
    this.signal(name);
    const status = await this.exited;
    this.child.stdin?.destroy();
    return status;
  }
}
