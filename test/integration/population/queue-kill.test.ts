import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { queueMigrations } from '../../../src/population/queue/postgresql/queue-schema';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import {
  type KilledQueue,
  type KillOptions,
  killSchema,
  openKilledQueue,
} from '../../support/claim-until-killed';
import { makeFragment } from '../../support/make-fragment';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server';
import { temporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

/** 100,000 for the long version, by 50 workers in two processes. */
const items = Number(process.env['PCACHE_TEST_QUEUE_ITEMS'] ?? 1_500);
const isLong = items > 10_000;
const workersEach = isLong ? 25 : 4;
const deadlineMs = isLong ? 1_500_000 : 120_000;
const project = join(__dirname, '..', '..', '..');

class Worker implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(options: KillOptions) {
    const tsx = require.resolve('tsx', { paths: [project] });
    const file = join(project, 'test', 'support', 'claim-until-killed.ts');
    this.#child = spawn(process.execPath, ['--import', tsx, file, JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

let postgres: PostgresServer;
let redis: RedisServer | undefined;
beforeAll(async () => {
  postgres = await startPostgres();
  // What it has answered is on disk: what a Redis forgets in a crash can be done twice, or at the same time.
  const settings = [
    ['appendonly', 'yes'],
    ['appendfsync', 'always'],
  ] as const;
  redis = hasRedis ? await startRedis(settings) : undefined;
});
afterAll(async () => {
  await redis?.[Symbol.asyncDispose]();
  await postgres.stop();
});

const providers = hasRedis ? (['postgresql', 'redis'] as const) : (['postgresql'] as const);

test(
  `kill -9 of workers and of the server: of ${items} pieces none is lost, and none runs twice at once, in ${providers.join(' and in ')}${hasRedis ? '' : ' (there is no redis-server here)'}`,
  async () => {
    if (isLong) for (const provider of providers) await survives(provider);
    // Leases run out meanwhile.
    const outcomes = isLong ? [] : await Promise.allSettled(providers.map(survives));
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  },
  deadlineMs * 3,
);

async function survives(provider: KilledQueue['provider']): Promise<void> {
  await using directory = await temporaryDirectory('kill');
  const doneFile = join(directory.path, 'done');
  const locks = postgres.connectionOptions(await postgres.createDatabase());
  const where: KilledQueue =
    redis === undefined || provider === 'postgresql'
      ? { provider: 'postgresql', connection: locks }
      : { provider: 'redis', host: redis.host, port: redis.port };
  if (where.provider === 'postgresql') {
    await using pool = openPool(locks);
    await migrate(pool, queueMigrations(killSchema));
  }
  const startedAt = performance.now();
  const workers: Worker[] = [];
  try {
    await using opened = await openKilledQueue(where);
    const { queue } = opened;
    const names = Array.from({ length: items }, (_, n) => `select ${n}`);
    for (let from = 0; from < items; from += 1_000) {
      const works = names.slice(from, from + 1_000).map((sql) => makeFragment(sql));
      await queue.push(works.map((work) => ({ work, priority: 1 })));
    }
    const bytes = names.reduce((sum, name) => sum + `done ${name}\n`.length, 0);
    const isDone = (share: number): boolean =>
      existsSync(doneFile) && statSync(doneFile).size > share * bytes;
    const start = (): Worker => {
      const worker = new Worker({ queue: where, locks, workers: workersEach, doneFile });
      workers.push(worker);
      return worker;
    };
    const limits = { deadlineMs, everyMs: 10 };

    const victims = [start(), start()];
    await until('a quarter is done', () => isDone(0.25), limits);
    for (const victim of victims) await victim[Symbol.asyncDispose]();
    const next = [start(), start()];
    await until('half is done', () => isDone(0.5), limits);
    if (redis !== undefined && where.provider === 'redis') await redis.restart();
    else {
      await postgres.crash();
      await postgres.restart();
    }
    await until('more is done', () => isDone(0.6), limits);
    await next[0]?.[Symbol.asyncDispose]();
    start();
    await until(
      'nothing is left',
      async () => {
        const { waiting, delayed, running } = await queue.lengths().catch(() => ({
          ...{ waiting: 1, delayed: 0, running: 0 },
        }));
        return waiting + delayed + running === 0;
      },
      { deadlineMs, everyMs: 200 },
    );

    const all = readFileSync(doneFile, 'utf8').split('\n').slice(0, -1);
    expect(all.filter((line) => !line.startsWith('done '))).toEqual([]);
    expect(new Set(all)).toEqual(new Set(names.map((name) => `done ${name}`)));
    expect(await queue.lengths()).toMatchObject({ dead: 0 });
    // A kill costs no more than what was under way is done again.
    const again = all.length - items;
    expect(again).toBeLessThanOrEqual(10 * workersEach);
    if (isLong) {
      const seconds = Math.round((performance.now() - startedAt) / 1_000);
      console.log(`${provider}: ${items} pieces in ${seconds} s, ${again} of them done again`);
    }
  } finally {
    for (const worker of workers) await worker[Symbol.asyncDispose]();
  }
}
