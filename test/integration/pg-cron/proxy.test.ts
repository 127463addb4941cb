import { queueGrants, queueMigrations } from '../../../src/population/queue/postgresql/queue-schema';
import { openPool } from '../../../src/postgres/control-pool';
import { migrate } from '../../../src/postgres/migrations';
import { setUpCache, sql } from '../../support/cache-in-database';
import { CliSession } from '../../support/cli-session';
import { cronSettings, hasPgCron } from '../../support/cron-server';
import type { ConnectionOptions } from '../../support/postgres-server';
import { ProxiedDatabase } from '../../support/proxied-database';
import { until } from '../../support/until';

const queueSchema = { schema: 'pcache', tablePrefix: '' };

async function setUp(connection: ConnectionOptions): Promise<void> {
  await setUpCache(connection);
  await using pool = openPool(connection);
  await migrate(pool, queueMigrations(queueSchema));
  await sql(connection, queueGrants(queueSchema, 'pcache'));
  await sql({ ...connection, database: 'postgres' }, 'create extension pg_cron');
}

const questions = [
  `select id, region_id from place where name = 'Rome' order by id`,
  `select count(*) from place p, visit v where p.region_id = v.region_id and p.id = v.place_id and p.name = 'Rome' and v.rating > 30000`,
];
const converse = async (connection: ConnectionOptions): Promise<unknown> => {
  const answers = [];
  for (const question of questions) answers.push(await sql(connection, question));
  return answers;
};

/** A minute goes by until pg_cron begins something. */
jest.setTimeout(240_000);

(hasPgCron ? describe : describe.skip)(
  'a proxy, and a database that runs fragments (needs Debian postgresql-15-cron)',
  () => {
    let database: ProxiedDatabase;
    let cli: CliSession;
    beforeAll(async () => {
      database = await ProxiedDatabase.start({
        binaries: 'debian15',
        settings: cronSettings,
        cache: { backend: 'postgresql_array', deadline_ms: 30_000 },
        population: { run_by: 'database' },
        consistency: 'exact',
        prepare: setUp,
      });
      cli = new CliSession({ PASSWORD: 'sesame', ADMIN: database.direct.password });
    });
    afterAll(async () => {
      await cli[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    });

    const pcache = async (...args: string[]): Promise<string> => {
      const asAdmin = ['--user', 'postgres', '--password-env', 'ADMIN', '-c', database.configFile];
      const { code, stdout, stderr } = await cli.run([...args, ...asAdmin]);
      expect([code, stderr]).toEqual([0, '']);
      return stdout;
    };

    test('pg_cron fills the cache, evicts, and statements are restricted: rows are the same', async () => {
      const expected = await converse(database.direct);
      expect(await converse(database.through)).toEqual(expected);
      await until('fragments are queued', async () => {
        const [row] = await sql(
          database.direct,
          'select count(*)::int as n from pcache.query_fragment_queue',
        );
        return Number(row?.['n']) >= 3;
      });
      expect(await sql(database.direct, 'select from pcache.cache_entry')).toEqual([]);

      await pcache('processor', 'setup', '--frequency', '1');
      await pcache('processor', 'enable');
      await pcache('eviction', 'setup', '--max-entries', '1000', '--schedule', '* * * * *');
      await pcache('eviction', 'enable');
      const jobs = await sql(
        { ...database.direct, database: 'postgres' },
        'select schedule, command, database, username, active from cron.job order by command',
      );
      const job = { schedule: '* * * * *', database: 'matrix', username: 'pcache', active: true };
      expect(jobs).toEqual([
        { ...job, command: 'call "pcache"."process"(1, 58)' },
        { ...job, command: 'call "pcache"."process"(2, 58)' },
        { ...job, command: 'call "pcache"."process_watch"(58)' },
        { ...job, command: `select "pcache"."cache_evict"('postgresql_array', true)` },
      ]);

      const stored = await until(
        'pg_cron has run all fragments',
        async () => {
          const rows = await sql(
            database.direct,
            `select distinct status, origin is not null as is_stamped from pcache.cache_entry
            where not exists (select from pcache.query_fragment_queue)`,
          );
          return rows.length > 0 && rows;
        },
        { deadlineMs: 150_000 },
      );
      expect(stored).toEqual([{ status: 'ok', is_stamped: true }]);
      await database.expectSame(converse, { hits: questions.length });
      // None passed through the proxy, nor was any run by it.
      const metrics = await database.metrics();
      expect(
        [...metrics].filter(([name, runs]) => /^pcache_population_runs_total/.test(name) && runs > 0),
      ).toEqual([]);
      expect(await pcache('processor', 'status')).toMatch(
        /^enabled.*\n.*\n[23] workers, .*\nregion ok: \d+\n/,
      );
      expect(await pcache('processor', 'status-detailed')).toMatch(
        /job pcache processor .* watch: \* \* \* \* \*/,
      );
      expect(await pcache('processor', 'test')).toMatch(/ok: 3 jobs/);
      await until('eviction has run', async () => (await pcache('eviction', 'logs')).includes(' 0 of '), {
        deadlineMs: 100_000,
        everyMs: 1_000,
      });
      expect(await pcache('eviction', 'status')).toMatch(/last run/);

      // What changes is seen, and what is learned from then on is run within seconds: the jobs are at it.
      await sql(
        database.direct,
        `update place set name = 'Rome' where id in (select min(id) from place where name <> 'Rome');
       update place set region_id = 999 where id in (select max(id) from place where name = 'Rome')`,
      );
      await database.expectSame(converse, { hits: questions.length });

      // Entries go and come while statements make use of them.
      await pcache('eviction', 'config', '--max-entries', '1');
      const after = await converse(database.direct);
      for (let turn = 0; turn < 5; turn++) {
        const [answers] = await Promise.all([converse(database.through), pcache('eviction', 'run', '--yes')]);
        expect(answers).toEqual(after);
      }
      expect(await sql(database.direct, 'select from pcache.cache_entry')).toHaveLength(1);
      expect(await database.trouble()).toEqual([]);
    });
  },
);
