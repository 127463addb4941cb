import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { quantile } from '../statistics';

export const protocols = ['simple', 'extended', 'prepared'] as const;
/** How pgbench sends its queries: as text with values in it, as Parse and Bind, or as Bind of what was parsed once. */
export type Protocol = (typeof protocols)[number];

export interface PgbenchRun {
  readonly transactions: number;
  readonly transactionsPerSecond: number;
  /** Latency of single transactions, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const run = promisify(execFile);

/** pgbench, as a program and the environment libpq connects by. */
export class Pgbench {
  constructor(
    private readonly program: string,
    private readonly environment: Readonly<Record<string, string>>,
    /** Where logs of transactions are written and removed again. */
    private readonly directory: string,
  ) {}

  /** Makes and fills pgbench's tables. */
  async initialise(scale: number): Promise<void> {
    await this.start(['-i', '-I', 'dtGvp', '-q', '-s', String(scale)], {});
  }

  /** Runs the same script for a number of transactions, however long they take. */
  async warmUp(port: number, protocol: Protocol): Promise<void> {
    const [clients, each] = [8, 4_000];
    await this.start(['-S', '-n', '-M', protocol, '-c', String(clients), '-t', String(each)], {
      PGPORT: String(port),
    });
  }

  /**
   * Runs the built-in select-only script through a port. Rejects if a transaction failed.
   *
   * @param perSecond transactions that are begun each second, in all; their latency is then counted from when they are due. Otherwise one client's
   *   begins when its last has ended.
   */
  async selectOnly(
    port: number,
    {
      protocol,
      clients,
      seconds,
      perSecond,
      threads = 1,
    }: {
      readonly protocol: Protocol;
      readonly clients: number;
      readonly seconds: number;
      readonly perSecond?: number | undefined;
      readonly threads?: number;
    },
  ): Promise<PgbenchRun> {
    const output = await this.start(
      [
        ...['-S', '-n', '-M', protocol, '-c', String(clients), '-j', String(threads), '-T', String(seconds)],
        ...(perSecond === undefined ? [] : ['-R', String(Math.round(perSecond))]),
        ...['--log', '--log-prefix', 'transactions'],
      ],
      { PGPORT: String(port) },
    );
    const latencies = (await this.takeLatenciesMs()).sort();
    return {
      transactions: latencies.length,
      transactionsPerSecond: Number(/^tps = ([\d.]+)/m.exec(output)?.[1]),
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
    };
  }

  private async start(args: readonly string[], environment: Record<string, string>): Promise<string> {
    const { stdout, stderr } = await run(this.program, [...args], {
      cwd: this.directory,
      env: { ...this.environment, LC_ALL: 'C', ...environment },
      maxBuffer: 16 * 1024 * 1024,
    });
    // Its exit status is 0 even if some clients were given up.
    if (/aborted|FATAL|ERROR/.test(stderr)) throw new Error(`pgbench: ${stderr}`);
    return stdout;
  }

  /** A line of the log: client, transaction, latency in microseconds, … */
  private async takeLatenciesMs(): Promise<Float64Array> {
    const logs = (await readdir(this.directory)).filter((name) => name.startsWith('transactions.'));
    const latencies: number[] = [];
    for (const log of logs) {
      const path = join(this.directory, log);
      for (const line of (await readFile(path, 'latin1')).split('\n')) {
        if (line !== '') latencies.push(Number(line.split(' ', 3)[2]) / 1000);
      }
      await rm(path);
    }
    return Float64Array.from(latencies);
  }
}
