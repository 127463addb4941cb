import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../../test/support/free-port';
import { findPostgresProgram, type PostgresServer, startPostgres } from '../../test/support/postgres-server';
import { temporaryDirectory, type TemporaryDirectory } from '../../test/support/temporary-directory';
import { BenchProxy } from '../bench-proxy';
import { describeMachine } from '../machine';
import { Pgbench, type Protocol } from '../overhead/pgbench';
import { PgBouncer } from '../overhead/pgbouncer';
import { processTreeCpuUs } from '../overhead/process-cpu';
import { say } from '../say';
import { median } from '../statistics';

const usage = `npm run bench:workers -- [options]

pgbench -S on a PostgreSQL of its own: direct, through PgBouncer (if it is installed; session pooling) with 1 and 2 processes,
and through pcache with 1 and 2 workers, in turns. pcache tracks the table, and has nothing cached.

  --seconds N    length of each run (default: 3)
  --rounds N     runs of each kind, medians are shown (default: 6)
  --clients L    numbers of clients (default: 16,32)
  --protocols L  of simple,extended,prepared (default: simple,prepared)
  --threads N    of pgbench (default: 1)
  --scale N      pgbench's scale factor (default: 10)
  --json         print the measurements as JSON, alone on stdout
  --help         print this
`;

const database = 'pgbench';

/** A way from pgbench to the server. */
interface Way {
  readonly name: string;
  readonly port: number;
  /** The processes in between; those they have started are counted with them. */
  readonly pids: readonly number[];
}

interface Sample {
  readonly transactionsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the processes in between, in microseconds per transaction. */
  readonly cpuUs: number;
  /** How many processors they kept busy. */
  readonly processors: number;
}

interface Row extends Sample {
  readonly protocol: Protocol;
  readonly clients: number;
  readonly way: string;
  /** Transactions per second as a multiple, in the same round, of: direct, one process of the same kind, as many of PgBouncer. NaN without. */
  readonly ofDirect: number;
  readonly ofOne: number;
  readonly ofPgBouncer: number;
}

/** Runs the benchmark; resolves to the exit code. */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '6' },
      clients: { type: 'string', default: '16,32' },
      protocols: { type: 'string', default: 'simple,prepared' },
      threads: { type: 'string', default: '1' },
      scale: { type: 'string', default: '10' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const program = findPostgresProgram('pgbench');
  if (program === undefined) {
    say('there is no pgbench: install PostgreSQL (Debian: postgresql-15) and try again');
    return 1;
  }
  // PgBouncer logs in without a password.
  await using postgres = await startPostgres({
    hba: ['host all all 127.0.0.1/32 trust'],
    // PgBouncer keeps those it has opened.
    settings: { max_connections: '400' },
  });
  await postgres.createDatabase(database);
  await using directory = await temporaryDirectory('workers');
  const pgbench = new Pgbench(program, postgres.environment(database), directory.path);
  await pgbench.initialise(Number(values.scale));
  await using ways = new Ways(postgres, directory);
  await ways.start();
  const machine = describeMachine();
  say(
    `${machine.cores} x ${machine.cpu} (${availableParallelism()} to be used), Node ${machine.node}; pgbench`,
  );
  say(
    `-S, ${values.threads} threads, scale ${values.scale}, medians of ${values.rounds} runs of ${values.seconds} s`,
  );
  say(
    line([
      'protocol',
      'clients',
      'way',
      'tps',
      'p50 ms',
      'p99 ms',
      'CPU us/tx',
      'busy',
      'x direct',
      'x one',
      'x pgb.',
    ]),
  );
  const rows: Row[] = [];
  for (const protocol of values.protocols.split(',') as Protocol[]) {
    // Twice: where there are two processes, each has its code compiled.
    for (const { port } of [...ways.all, ...ways.all]) await pgbench.warmUp(port, protocol);
    for (const clients of values.clients.split(',').map(Number)) {
      const options = { protocol, clients, seconds: Number(values.seconds), threads: Number(values.threads) };
      const samples = ways.all.map((): Sample[] => []);
      for (let round = 0; round < Number(values.rounds); round++) {
        for (let i = 0; i < ways.all.length; i++) {
          const turn = (i + round) % ways.all.length;
          const way = ways.all[turn];
          if (way !== undefined) samples[turn]?.push(await sample(pgbench, way, options));
        }
      }
      const measured = ways.all.map(({ name }, i) => ({
        ...{ protocol, clients, way: name },
        ...summarise(samples[i] ?? []),
        ...compare(ways.all, samples, i),
      }));
      for (const row of measured) say(shown(row));
      rows.push(...measured);
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
  return 0;
}

/** What is measured; stopped when it is disposed of. */
class Ways implements AsyncDisposable {
  readonly all: Way[] = [];
  private readonly bouncers: PgBouncer[] = [];
  private readonly proxies: BenchProxy[] = [];

  constructor(
    private readonly postgres: PostgresServer,
    private readonly directory: TemporaryDirectory,
  ) {}

  async start(): Promise<void> {
    this.all.push({ name: 'direct', port: this.postgres.port, pids: [] });
    if (PgBouncer.isThere) {
      for (const count of [1, 2]) {
        const port = await freePort();
        const pids: number[] = [];
        for (let i = 0; i < count; i++) {
          const bouncer = await PgBouncer.start(this.postgres, port);
          this.bouncers.push(bouncer);
          pids.push(bouncer.pid);
        }
        this.all.push({ name: `pgbouncer ${count}`, port, pids });
      }
    }
    for (const workers of [1, 2]) {
      const upstream = this.postgres.connectionOptions(database);
      const tables = { 'public.pgbench_accounts': 'bid' };
      // Nothing that pgbench -S does is slow enough to be learned from.
      const cache = { backend: 'rocksdb_set', path: join(this.directory.path, `cache-${workers}`) };
      const sections = { workers, cache, population: { min_query_ms: 600_000 } };
      const proxy = await BenchProxy.start(upstream, this.directory, `workers-${workers}`, sections, {
        partition_keys: { key: { datatype: 'integer', consistency: 'static', tables } },
      });
      this.proxies.push(proxy);
      this.all.push({ name: `pcache ${workers}`, port: proxy.connection.port, pids: [proxy.pid] });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of this.proxies) await proxy[Symbol.asyncDispose]();
    for (const { process } of this.bouncers) await process.stop('TERM');
  }
}

async function sample(
  pgbench: Pgbench,
  { port, pids }: Way,
  options: Parameters<Pgbench['selectOnly']>[1],
): Promise<Sample> {
  const taken = (): number => pids.reduce((sum, pid) => sum + processTreeCpuUs(pid), 0);
  const before = taken();
  const since = performance.now();
  const { transactions, ...run } = await pgbench.selectOnly(port, options);
  const us = taken() - before;
  return { ...run, cpuUs: us / transactions, processors: us / 1000 / (performance.now() - since) };
}

function summarise(samples: readonly Sample[]): Sample {
  const medianOf = (field: keyof Sample): number => median(samples.map((each) => each[field]));
  return {
    transactionsPerSecond: medianOf('transactionsPerSecond'),
    p50Ms: medianOf('p50Ms'),
    p99Ms: medianOf('p99Ms'),
    cpuUs: medianOf('cpuUs'),
    processors: medianOf('processors'),
  };
}

/** Medians of what is compared in each round. */
function compare(
  ways: readonly Way[],
  samples: readonly (readonly Sample[])[],
  own: number,
): Pick<Row, 'ofDirect' | 'ofOne' | 'ofPgBouncer'> {
  const [kind, count] = ways[own]?.name.split(' ') ?? [];
  const of = (name: string): number => {
    const other = samples[ways.findIndex((way) => way.name === name)] ?? [];
    return median(
      (samples[own] ?? []).map(
        ({ transactionsPerSecond }, round) =>
          transactionsPerSecond / (other[round]?.transactionsPerSecond ?? NaN),
      ),
    );
  };
  return {
    ofDirect: of('direct'),
    ofOne: of(count === undefined ? 'direct' : `${kind ?? ''} 1`),
    ofPgBouncer: of(`pgbouncer ${count ?? ''}`),
  };
}

function shown(row: Row): string {
  const figure = (value: number, digits: number): string =>
    Number.isNaN(value) ? '-' : value.toFixed(digits);
  return line([
    row.protocol,
    String(row.clients),
    row.way,
    figure(row.transactionsPerSecond, 0),
    figure(row.p50Ms, 3),
    figure(row.p99Ms, 3),
    figure(row.cpuUs, 1),
    figure(row.processors, 2),
    ...[row.ofDirect, row.ofOne, row.ofPgBouncer].map((ratio) => figure(ratio, 2)),
  ]);
}

const widths = [8, 7, 11, 7, 7, 7, 9, 5, 8, 6, 6];

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    .join('  ');
}
