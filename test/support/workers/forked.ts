import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A process at the other end of a channel, as a worker is: one of the programs in this folder. */
export class Forked implements AsyncDisposable {
  readonly child: ChildProcess;

  constructor(program: string, args: readonly string[] = []) {
    this.child = fork(join(__dirname, `${program}.ts`), [...args], {
      execArgv: ['--import', require.resolve('tsx')],
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
