import { Client } from 'pg';
import { cacheGrants, cacheMigrations } from '../../src/cache/backends/postgresql/cache-schema';
import { openPool } from '../../src/postgres/control-pool';
import { migrate } from '../../src/postgres/migrations';
import { setUpCache, sql } from '../support/cache-in-database';
import type { ConnectionOptions } from '../support/postgres-server';
import { ProxiedDatabase } from '../support/proxied-database';
import { until } from '../support/until';

const schema = { schema: 'pcache', tablePrefix: 'cache_' };

const questions = [
  `select id, region_id from place where name = 'Rome' order by id`,
  `select count(*) from place p, visit v where p.region_id = v.region_id and p.id = v.place_id and p.name = 'Rome' and v.rating > 30000`,
];
const converse = async (connection: ConnectionOptions): Promise<unknown> => {
  const answers = [];
  for (const question of questions) answers.push(await sql(connection, question));
  return answers;
};

/** Each begins with a server and a hundred thousand rows, and learns; both cores may be busy. */
jest.setTimeout(240_000);

describe('key sets in the database that is asked', () => {
  let database: ProxiedDatabase;
  beforeAll(async () => {
    database = await ProxiedDatabase.start({
      // Longer than it takes to look at what the proxy says while it reads what is cached.
      cache: { backend: 'postgresql_array', deadline_ms: 30_000 },
      consistency: 'exact',
      prepare: setUpCache,
    });
  });
  afterAll(() => database[Symbol.asyncDispose]());

  test('the proxy puts none, and answers are exact while data change', async () => {
    await database.expectSame(converse, { hits: questions.length });
    const stored = await sql(
      database.direct,
      `select distinct status, origin is not null as is_stamped from pcache.cache_entry`,
    );
    expect(stored).toEqual([{ status: 'ok', is_stamped: true }]);
    const put = (await database.metrics()).get('pcache_cache_operations_total{operation="put",outcome="ok"}');
    expect(put ?? 0).toBe(0);
    await sql(
      database.direct,
      `update place set name = 'Rome' where id in (select min(id) from place where name <> 'Rome');
       delete from place where id in (select min(id) from place where name = 'Rome');
       update place set region_id = 999 where id in (select max(id) from place where name = 'Rome')`,
    );
    await database.expectSame(converse, { hits: questions.length });
    expect(await database.trouble()).toEqual([]);
  });

  test('/readyz says that they are still being read, and clients are served meanwhile', async () => {
    const expected = await converse(database.direct);
    const locking = new Client(database.direct);
    await locking.connect();
    await locking.query('begin; lock table pcache.cache_entry');
    await database.restartProgram();
    const { status, report } = await database.readiness();
    expect([status, report.ready, report.degraded]).toEqual([200, true, true]);
    expect(JSON.stringify(report.reasons)).toContain('what is cached is still being read (0 entries so far)');
    expect(await converse(database.through)).toEqual(expected);
    expect(await database.hits()).toBe(0);
    await locking.query('rollback');
    await locking.end();
    await until('all is read', async () => !(await database.readiness()).report.degraded);
    await database.expectSame(converse, { hits: questions.length });
  });
});

test('without the grants keys pass through the proxy, which says so once', async () => {
  await using database = await ProxiedDatabase.start({
    cache: {
      backend: 'postgresql_array',
      postgresql: { user: 'the_cache', password_env: 'PASSWORD' },
    },
    prepare: async (connection) => {
      await using pool = openPool(connection);
      await migrate(pool, cacheMigrations(schema));
      await sql(connection, `create role the_cache login password 'sesame'`);
      await sql(connection, cacheGrants(schema, { control: 'the_cache', population: 'the_cache' }));
    },
  });
  await database.expectSame(converse, { hits: questions.length });
  expect(database.logged('a key set was not stored in place, but passed through the proxy')).toEqual([
    expect.objectContaining({ reason: expect.stringContaining('run what pcache manage grants prints') }),
  ]);
});

describe('a negative key, where key sets are bits', () => {
  let database: ProxiedDatabase;
  beforeAll(async () => {
    database = await ProxiedDatabase.start({ cache: { backend: 'postgresql_bit' }, prepare: setUpCache });
  });
  afterAll(() => database[Symbol.asyncDispose]());

  const question = `select id, region_id from place where name = 'below zero' order by id`;

  test('that comes after the start: right answers, a failed fragment, and the log says why, EXPLAIN that', async () => {
    await database.expectSame(converse, { hits: questions.length });
    await sql(database.direct, `update place set region_id = -7, name = 'below zero' where id in (5, 6)`);
    const expected = await sql(database.direct, question);
    expect(expected).toHaveLength(2);
    const failure = await until('the fragment has failed', async () => {
      expect(await sql(database.through, question)).toEqual(expected);
      return database.logged('fragment run').find(({ status }) => status === 'failed');
    });
    expect(failure['reason']).toMatch(
      /postgresql_bit holds keys from 0 to \d+, not -7; another backend holds negative keys/,
    );
    const plan = await sql(database.through, `explain (pcache) ${question}`);
    const explanation = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(explanation).toMatch(/^pcache: left as it is: miss[^]* miss, failed, tried again/);
    expect(await sql(database.through, question)).toEqual(expected);
  });

  test('that is there at the start: the key is left alone, /readyz and the log say why', async () => {
    await sql(database.direct, 'analyze place');
    await database.restartProgram();
    const { status, report } = await database.readiness();
    expect([status, report.ready, report.degraded]).toEqual([200, true, true]);
    expect(JSON.stringify(report.reasons)).toContain('holds keys from 0');
    expect(database.logged('a partition key cannot be kept; its statements go as they came')).toHaveLength(1);
    for (const text of [question, ...questions])
      expect(await sql(database.through, text)).toEqual(await sql(database.direct, text));
    expect(await database.hits()).toBe(0);
  });
});
