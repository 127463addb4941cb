import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PcacheResult } from './pcache-process';

/** Runs many commands in one process, where starting one for each would take most of the time. One at a time. */
export class CliSession implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(environment: Readonly<Record<string, string>> = {}, workingDirectory?: string) {
    this.#child = fork(join(__dirname, 'cli-session-process.ts'), [], {
      execArgv: ['--import', require.resolve('tsx')],
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      ...(workingDirectory === undefined ? {} : { cwd: workingDirectory }),
    });
  }

  async run(args: readonly string[]): Promise<Pick<PcacheResult, 'code' | 'stdout' | 'stderr'>> {
    const answer = once(this.#child, 'message', { signal: AbortSignal.timeout(50_000) });
    this.#child.send([...args]);
    const [result] = (await answer) as [Pick<PcacheResult, 'code' | 'stdout' | 'stderr'>];
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
