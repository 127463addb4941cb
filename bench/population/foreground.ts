import { MemoryBackend } from '../../src/cache/backends/memory';
import { Owned } from '../../src/cli/owned';
import { Observer } from '../../src/population/observer';
import { PostgresqlQueue } from '../../src/population/queue/postgresql/postgresql-queue';
import { queueMigrations } from '../../src/population/queue/postgresql/queue-schema';
import { fragments } from '../../src/population/queue/work-kind';
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
const schema = { schema: 'pcache', tablePrefix: '' };
const warn = (message: string): void => console.error(message);
const run = { protocol: 'prepared', clients, seconds } as const;

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

  const p99 = { without: [] as number[], with: [] as number[] };
  let populated = 0;
  for (let round = 0; round < rounds; round++) {
    p99.without.push((await pgbench.selectOnly(server.port, run)).p99Ms);
    await using population = await populating(connection, round);
    p99.with.push((await pgbench.selectOnly(server.port, run)).p99Ms);
    populated += population.done();
  }
  const ratio = median(p99.with.map((ms, i) => ms / (p99.without[i] ?? NaN)));
  console.log(
    `pgbench -S, ${clients} clients, p99: ${median(p99.without).toFixed(3)} ms without population, ` +
      `${median(p99.with).toFixed(3)} ms with ${concurrency} fragments at a time (${populated} in ${rounds * seconds} s); ` +
      `median of the ratios ${ratio.toFixed(2)} (target 1.10)`,
  );
}

/** Fragments of some milliseconds each, one after the other. */
async function populating(
  connection: ConnectionOptions,
  round: number,
): Promise<AsyncDisposable & { done(): number }> {
  const owned = new Owned();
  const settings = { client_connection_check_interval: '1s', lock_timeout: '10s' };
  const pool: ControlPool = owned.add(openPool({ ...connection, maxConnections: concurrency, settings }));
  const queuePool = owned.add(openPool({ ...connection, maxConnections: 4 }));
  const queue = owned.add(
    new PostgresqlQueue({
      ...{ pool: queuePool, schema, kind: fragments, source: `7000/${round}`, warn, maxLength: 100_000 },
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
