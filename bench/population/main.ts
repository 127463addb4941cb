import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openCacheStore } from '../../src/cache/backends/rocksdb/open-cache-store';
import { RedisConnections } from '../../src/cache/backends/redis/redis-connections';
import { openRecord, sealRecord } from '../../src/cache/codecs/record';
import { Owned } from '../../src/cli/owned';
import { InProcessQueue } from '../../src/population/queue/in-process-queue';
import { PostgresqlQueue } from '../../src/population/queue/postgresql/postgresql-queue';
import { queueMigrations } from '../../src/population/queue/postgresql/queue-schema';
import { RedisQueue } from '../../src/population/queue/redis/redis-queue';
import { RocksdbJournal } from '../../src/population/queue/rocksdb-journal';
import { fragments } from '../../src/population/queue/work-kind';
import type { WorkQueue } from '../../src/population/queue/work-queue';
import { openPool } from '../../src/postgres/control-pool';
import { migrate } from '../../src/postgres/migrations';
import type { Fragment } from '../../src/query/fragment/fragment';
import { makeFragment } from '../../test/support/make-fragment';
import { startPostgres } from '../../test/support/postgres-server';
import { hasRedis, startRedis } from '../../test/support/redis-server';
import { temporaryDirectory } from '../../test/support/temporary-directory';
import { describeMachine } from '../machine';
import { median } from '../statistics';
import { measureForeground } from './foreground';
import { measureUseOfCache } from './use-cache';

const items = 5_000;
const workers = 50;
const rounds = 5;
const pushedAtOnce = 100;
const schema = { schema: 'pcache', tablePrefix: '' };
const limits = { kind: fragments, maxLength: 10 * items };
const warn = (message: string): void => console.error(message);

interface Provider {
  readonly name: string;
  open(source: string): Promise<WorkQueue<Fragment>>;
}

/**
 * How many fragments a second the queue's providers take and hand out, what population costs clients, and what is gained if fragments are restricted
 * by what is known. Resolves to the exit code.
 */
export async function runBenchmark(args: readonly string[]): Promise<number> {
  const { cpu, cores, node } = describeMachine();
  console.log(
    `${cores} x ${cpu}, Node ${node}; ${items} fragments, ${workers} workers, medians of ${rounds} rounds in turns\n`,
  );
  const isAsked = (part: 'queues' | 'foreground' | 'use-cache'): boolean =>
    args.length === 0 || args.includes(`--${part}`);
  if (isAsked('queues')) {
    await using owned = new Owned();
    const providers = await startProviders(owned);
    const times = new Map(
      providers.map(({ name }) => [name, { push: [] as number[], work: [] as number[] }]),
    );
    for (let round = 0; round < rounds; round++) {
      for (const provider of providers) {
        await using queue = await provider.open(`7000/${round}`);
        const { push = [], work = [] } = times.get(provider.name) ?? {};
        push.push(await pushed(queue));
        work.push(await worked(queue));
      }
    }
    console.log(row(['provider', 'pushed/s', 'claimed and completed/s']));
    for (const [name, { push, work }] of times)
      console.log(row([name, Math.round(median(push)), Math.round(median(work))]));
    console.log('\ntarget with PostgreSQL: 2,000 a second, claimed and completed\n');
  }
  if (isAsked('foreground')) await measureForeground();
  if (isAsked('use-cache')) await measureUseOfCache();
  return 0;
}

async function startProviders(owned: Owned): Promise<readonly Provider[]> {
  const server = await startPostgres();
  owned.add({ [Symbol.asyncDispose]: () => server.stop() });
  const pool = owned.add(
    openPool({ ...server.connectionOptions(await server.createDatabase()), maxConnections: 5 }),
  );
  await migrate(pool, queueMigrations(schema));
  const directory = owned.add(await temporaryDirectory('bench-queue'));
  const providers: Provider[] = [
    {
      name: 'postgresql',
      open: async (source) => new PostgresqlQueue({ ...limits, pool, schema, source, warn }),
    },
    {
      name: 'in_process, written down',
      open: (source) => openJournaled(join(directory.path, source), source),
    },
    { name: 'in_process', open: async () => new InProcessQueue(limits) },
  ];
  if (!hasRedis) return providers;
  const redis = owned.add(await startRedis());
  const connections = owned.add(
    new RedisConnections(
      {
        ...{ kind: 'single', addresses: [redis], database: 0, commandTimeoutMs: 10_000 },
        ...{ sentinelName: undefined, username: undefined, password: undefined, tls: undefined },
      },
      warn,
    ),
  );
  await connections.connect();
  const open = async (source: string): Promise<WorkQueue<Fragment>> =>
    new RedisQueue({ ...limits, connections, keyPrefix: 'bench:', source, warn });
  return [...providers, { name: 'redis', open }];
}

async function openJournaled(path: string, source: string): Promise<WorkQueue<Fragment>> {
  const { store } = await openCacheStore('queue', path, warn);
  const seal = {
    seal: (payload: Uint8Array) => sealRecord('queue', payload),
    open: (record: Buffer) => openRecord('queue', record),
  };
  const journal = await RocksdbJournal.open(store, seal, fragments, source, warn);
  const queue = new InProcessQueue({ ...limits, journal });
  const dispose = queue[Symbol.asyncDispose].bind(queue);
  queue[Symbol.asyncDispose] = async () => {
    await dispose();
    await store.close();
    await rm(path, { recursive: true });
  };
  return queue;
}

/** Per second. */
async function pushed(queue: WorkQueue<Fragment>): Promise<number> {
  const works = Array.from({ length: items }, (_, n) =>
    makeFragment(`select region_id from place where id = ${n}`),
  );
  const startedAt = performance.now();
  for (let from = 0; from < items; from += pushedAtOnce)
    await queue.push(works.slice(from, from + pushedAtOnce).map((work) => ({ work, priority: 1 })));
  return (items / (performance.now() - startedAt)) * 1_000;
}

/** Per second. */
async function worked(queue: WorkQueue<Fragment>): Promise<number> {
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  let done = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (;;) {
        const lease = await queue.claim(end.signal);
        if (lease === undefined) return;
        await queue.complete(lease);
        done += 1;
        if (done === items) end.abort();
      }
    }),
  );
  return (items / (performance.now() - startedAt)) * 1_000;
}

function row(cells: readonly (string | number)[]): string {
  return cells.map((cell, i) => (i === 0 ? String(cell).padEnd(26) : String(cell).padStart(24))).join('');
}
