import { MemoryBackend } from '../../src/cache/backends/memory';
import { Owned } from '../../src/cli/owned';
import { Observer } from '../../src/population/observer';
import { PostgresqlQueue } from '../../src/population/queue/postgresql/postgresql-queue';
import { queueMigrations } from '../../src/population/queue/postgresql/queue-schema';
import { fragments } from '../../src/population/queue/work-kind';
import { ServerIdleness } from '../../src/population/server-idleness';
import { PostgresqlSource } from '../../src/population/sources/postgresql';
import { type ControlPool, openPool } from '../../src/postgres/control-pool';
import { migrate } from '../../src/postgres/migrations';
import { makeFragment } from '../../test/support/make-fragment';
import {
  type ConnectionOptions,
  findPostgresProgram,
  startPostgres,
} from '../../test/support/postgres-server';
import { temporaryDirectory } from '../../test/support/temporary-directory';
import { Pgbench } from '../overhead/pgbench';
import { median } from '../statistics';

const database = 'bench';
const rounds = 5;
const seconds = 5;
const clients = 4;
const scale = 10;
const concurrency = 2;
/** Of the time, as population.duty: without a rest, and others to compare with the default. */
const duties = [1, 0.1, 0.05, 0.02] as const;
const schema = { schema: 'pcache', tablePrefix: '' };
const warn = (message: string): void => console.error(message);
const run = { protocol: 'prepared', clients, seconds } as const;
/** Of the transactions there can be, the share that is begun: 1 leaves no processor to anybody else. */
const loads = [1, 0.5] as const;

/** What pgbench's select-only transactions take with population at work on the same server, and without, in turns. */
export async function measureForeground(): Promise<void> {
  const program = findPostgresProgram('pgbench');
  if (program === undefined) {
    console.log('there is no pgbench: what population costs clients was not measured');
    return;
  }
  await using server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
  await server.createDatabase(database);
  const connection = server.connectionOptions(database);
  await using directory = await temporaryDirectory('bench-population');
  const pgbench = new Pgbench(program, server.environment(database), directory.path);
  await pgbench.initialise(scale);
  await using setup = openPool(connection);
  await migrate(setup, queueMigrations(schema));
  await pgbench.warmUp(server.port, 'prepared');

  const { transactionsPerSecond } = await pgbench.selectOnly(server.port, run);
  for (const load of loads) {
    const perSecond = load === 1 ? undefined : load * transactionsPerSecond;
    const p99Ms = async (): Promise<number> =>
      (await pgbench.selectOnly(server.port, { ...run, perSecond })).p99Ms;
    const what =
      perSecond === undefined ? 'as many as there can be' : `${Math.round(perSecond)} transactions a second`;
    await compare(what, p99Ms, (name, duty) => populating(connection, `${load} ${name}`, duty));
  }
}

type Populate = (name: string, duty: number) => Promise<AsyncDisposable & { done(): number }>;

async function compare(what: string, p99Ms: () => Promise<number>, populate: Populate): Promise<void> {
  const measured = duties.map((duty) => ({
    duty,
    with: [] as number[],
    ratios: [] as number[],
    populated: 0,
  }));
  const without: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const each of measured) {
      const before = await p99Ms();
      without.push(before);
      await using population = await populate(`${round} ${each.duty}`, each.duty);
      const beside = await p99Ms();
      each.with.push(beside);
      each.ratios.push(beside / before);
      each.populated += population.done();
    }
  }
  console.log(
    `pgbench -S, ${clients} clients, ${what}, p99: ${median(without).toFixed(3)} ms without population`,
  );
  for (const { duty, with: beside, ratios, populated } of measured) {
    const sorted = [...ratios].sort((a, b) => a - b).map((ratio) => ratio.toFixed(2));
    console.log(
      `  beside ${concurrency} workers with duty ${duty}: ${median(beside).toFixed(3)} ms, ` +
        `ratios ${sorted.join(' ')}, median ${median(ratios).toFixed(2)} (target 1.10); ${populated} fragments in ${rounds * seconds} s`,
    );
  }
}

/** Fragments of some milliseconds each, one after the other. */
async function populating(
  connection: ConnectionOptions,
  source: string,
  duty: number,
): Promise<AsyncDisposable & { done(): number }> {
  const owned = new Owned();
  const settings = {
    ...{ client_connection_check_interval: '1s', lock_timeout: '10s' },
    ...{ max_parallel_workers_per_gather: '0', jit: 'off' },
  };
  const pool: ControlPool = owned.add(openPool({ ...connection, maxConnections: concurrency, settings }));
  const queuePool = owned.add(openPool({ ...connection, maxConnections: 4 }));
  const idleness = new ServerIdleness(queuePool, { info: (_, message) => warn(message) });
  const queue = owned.add(
    new PostgresqlQueue({
      ...{ pool: queuePool, schema, kind: fragments, source, warn, maxLength: 100_000 },
    }),
  );
  const works = Array.from({ length: 10_000 }, (_, n) =>
    makeFragment(
      `select distinct bid from pgbench_accounts where aid % 997 = ${n % 997} and aid < ${20_000 + n}`,
    ),
  );
  for (let from = 0; from < works.length; from += 1_000)
    await queue.push(works.slice(from, from + 1_000).map((work) => ({ work, priority: 1 })));
  const backend = owned.add(new MemoryBackend({ warn }));
  await backend.registerPartitionKey('region', 'integer');
  let done = 0;
  const observer = owned.add(
    new Observer({
      source: new PostgresqlSource({ pool, timeoutMs: 60_000, maxKeys: 100_000 }),
      ...{ queue, backend, concurrency },
      pace: { duty, isIdle: (signal) => idleness.isIdle(signal) },
      events: {
        started: () => undefined,
        finished: () => (done += 1),
        skipped: () => undefined,
        trouble: warn,
      },
    }),
  );
  observer.start();
  return { done: () => done, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}
