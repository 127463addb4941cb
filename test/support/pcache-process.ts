import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { until } from './until';

const handoverOutcomes = [
  'the successor accepts clients; this process ends when its own are done',
  'no successor could be started; this process goes on',
];
const project = join(__dirname, '..', '..');

export interface PcacheOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
  readonly workingDirectory?: string;
  /** Shell commands run before the program in the same process: `ulimit`, variables. */
  readonly prelude?: string;
  /** A descriptor of ours that the program has as number 3. */
  readonly inheritedDescriptor?: number;
}

export interface PcacheResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program as a child process, run from its sources. Disposing of it kills it if it still runs. */
export class PcacheProcess implements AsyncDisposable {
  readonly ended: Promise<PcacheResult>;
  private readonly child: ChildProcess;
  private successor: number | undefined;
  private out = '';
  private err = '';

  constructor(
    args: readonly string[],
    { environment, input = '', workingDirectory, prelude, inheritedDescriptor }: PcacheOptions = {},
  ) {
    const tsx = require.resolve('tsx', { paths: [project] });
    const command = [process.execPath, '--import', tsx, join(project, 'src', 'main.ts'), ...args];
    const shell = prelude === undefined ? [] : ['/bin/sh', '-c', `${prelude}\nexec "$@"`, 'sh'];
    const [program = '', ...rest] = [...shell, ...command];
    this.child = spawn(program, rest, {
      cwd: workingDirectory ?? project,
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['pipe', 'pipe', 'pipe', ...(inheritedDescriptor === undefined ? [] : [inheritedDescriptor])],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this.child.stdin?.end(input);
    this.ended = once(this.child, 'close').then(([code, signal]: unknown[]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.out,
      stderr: this.err,
    }));
  }

  /** Of the program, or of the one that has taken its place. */
  get pid(): number {
    return this.successor ?? this.child.pid ?? NaN;
  }

  /** What it has written to standard error so far. */
  get stderr(): string {
    return this.err;
  }

  /** Log entries of level warn and above, so far. */
  get complaints(): readonly Record<string, unknown>[] {
    return this.entries().filter(({ level }) => level === 'warn' || level === 'error' || level === 'fatal');
  }

  /** JSON log entries with this message, so far. */
  loggedSoFar(message: string): readonly Record<string, unknown>[] {
    return this.entries().filter(({ msg }) => msg === message);
  }

  /** To the program, or to the one that has taken its place. */
  send(signal: NodeJS.Signals): void {
    if (this.successor === undefined) this.child.kill(signal);
    else process.kill(this.successor, signal);
  }

  /**
   * Has the program start a successor; resolves when that serves, or could not be started, to what the log says. What the successor logs is
   * here as well, and it is told and killed in the program's place.
   */
  async handOver(): Promise<Record<string, unknown>> {
    const outcomes = (): Record<string, unknown>[] =>
      this.entries().filter(({ msg }) => handoverOutcomes.includes(String(msg)));
    const before = outcomes().length;
    this.send('SIGUSR2');
    const outcome = await until('what comes of the successor', () => outcomes()[before], {
      deadlineMs: 60_000,
    });
    if (typeof outcome['successor'] === 'number') this.successor = outcome['successor'];
    return outcome;
  }

  /** Waits for a JSON log entry with this message and resolves to the entry. Fails if the process ends without it. */
  async logged(message: string): Promise<Record<string, unknown>> {
    const entry = (): Record<string, unknown> | undefined => {
      const logged = this.entries().find(({ msg }) => msg === message);
      if (logged === undefined && this.child.exitCode !== null) throw new Error(`pcache ended: ${this.err}`);
      return logged;
    };
    // A program that starts beside several others takes its time.
    return until(`log entry "${message}"`, entry, { deadlineMs: 60_000 });
  }

  private entries(): Record<string, unknown>[] {
    const lines = this.err.split('\n').slice(0, -1);
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.successor !== undefined) {
      try {
        process.kill(this.successor, 'SIGKILL');
      } catch (error) {
        // It has ended.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await this.ended;
  }
}

/** Runs a command to its end. */
export async function runPcache(args: readonly string[], options?: PcacheOptions): Promise<PcacheResult> {
  await using program = new PcacheProcess(args, options);
  return await program.ended;
}
