import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { PostgresqlQueue } from '../../../src/population/queue/postgresql/postgresql-queue';
import { queueMigrations } from '../../../src/population/queue/postgresql/queue-schema';
import { fragments } from '../../../src/population/queue/work-kind';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import { killLimits, killSchema, killSource, type KillOptions } from '../../support/claim-until-killed';
import { makeFragment } from '../../support/make-fragment';
import { type PostgresServer, startPostgres } from '../../support/postgres-server';
import { temporaryDirectory } from '../../support/temporary-directory';
import { until } from '../../support/until';

/** 100,000 for the long version. */
const items = Number(process.env['PCACHE_TEST_QUEUE_ITEMS'] ?? 1_500);
const deadlineMs = items > 10_000 ? 3_000_000 : 120_000;
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

test(
  `kill -9 of workers and a crash of the server: of ${items} pieces none is lost, and none runs twice at once`,
  async () => {
    const server: PostgresServer = await startPostgres();
    await using directory = await temporaryDirectory('kill');
    const doneFile = join(directory.path, 'done');
    const connection = server.connectionOptions(await server.createDatabase());
    const workers: Worker[] = [];
    try {
      await using pool = openPool(connection);
      await migrate(pool, queueMigrations(killSchema));
      await using queue = new PostgresqlQueue({
        ...killLimits,
        ...{ pool, schema: killSchema, kind: fragments, source: killSource, warn: () => undefined },
      });
      const names = Array.from({ length: items }, (_, n) => `select ${n}`);
      for (let from = 0; from < items; from += 1_000) {
        const works = names.slice(from, from + 1_000).map((sql) => makeFragment(sql));
        await queue.push(works.map((work) => ({ work, priority: 1 })));
      }
      const lines = (): readonly string[] =>
        existsSync(doneFile) ? readFileSync(doneFile, 'utf8').split('\n').slice(0, -1) : [];
      const start = (): Worker => {
        const worker = new Worker({ connection, workers: 4, doneFile });
        workers.push(worker);
        return worker;
      };

      const victims = [start(), start()];
      await until('a quarter is done', () => lines().length > items / 4, { deadlineMs, everyMs: 10 });
      for (const victim of victims) await victim[Symbol.asyncDispose]();
      const next = [start(), start()];
      await until('half is done', () => lines().length > items / 2, { deadlineMs, everyMs: 10 });
      await server.crash();
      await server.restart();
      await until('more is done', () => lines().length > items * 0.6, { deadlineMs, everyMs: 10 });
      await next[0]?.[Symbol.asyncDispose]();
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

      const all = lines();
      expect(all.filter((line) => !line.startsWith('done '))).toEqual([]);
      expect(new Set(all)).toEqual(new Set(names.map((name) => `done ${name}`)));
      expect((await queue.lengths()).dead).toBe(0);
      // A kill costs no more than what was under way is done again.
      expect(all.length - items).toBeLessThanOrEqual(5 * 8);
      const admin = new Client(connection);
      await admin.connect();
      const { rows } = await admin.query('select count(*)::int as n from pcache.query_fragment_queue');
      await admin.end();
      expect(rows).toEqual([{ n: 0 }]);
    } finally {
      for (const worker of workers) await worker[Symbol.asyncDispose]();
      await server.stop();
    }
  },
  deadlineMs * 3,
);
