import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { cacheMigrations } from '../../src/cache/backends/postgresql/cache-schema';
import { migrate } from '../../src/postgres/migrations';
import { openPool } from '../../src/postgres/control-pool';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { ProxiedDatabase } from '../support/proxied-database';
import { hasRedis, startRedis } from '../support/redis-server';
import { until } from '../support/until';

/** A real store of key sets, and what can happen to it. */
interface Store extends AsyncDisposable {
  readonly cache: object;
  readonly environment: Record<string, string>;
  /** It answers no more, and nothing says so. */
  suspend(): void;
  resume(): void;
  crash(): Promise<void>;
  /** After a crash. */
  start(): Promise<void>;
}

async function redisStore(): Promise<Store> {
  const server = await startRedis();
  return {
    cache: { backend: 'redis_set', redis: { addresses: `${server.host}:${server.port}` } },
    environment: {},
    suspend: () => void server.process.kill('SIGSTOP'),
    resume: () => void server.process.kill('SIGCONT'),
    crash: () => server.kill(),
    start: () => server.restart(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function postgresqlStore(): Promise<Store> {
  const server: PostgresServer = await startPostgres();
  const { host, port, user, password, database } = server.connectionOptions(await server.createDatabase());
  await using pool = openPool({ host, port, user, password, database });
  await migrate(pool, cacheMigrations({ schema: 'pcache', tablePrefix: 'cache_' }));
  return {
    cache: {
      backend: 'postgresql_array',
      postgresql: { host, port, user, password_env: 'CACHE_PASSWORD', database },
    },
    environment: { CACHE_PASSWORD: password },
    suspend: () => server.suspend(),
    resume: () => server.resume(),
    crash: () => server.crash(),
    start: () => server.restart(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

describe.each([
  ['Redis', hasRedis, redisStore],
  ['PostgreSQL', true, postgresqlStore],
] as const)('the cache in %s (skipped where there is none)', (_name, isThere, startStore) => {
  const testThere = isThere ? test : test.skip;
  let store: Store;
  let database: ProxiedDatabase;
  beforeAll(async () => {
    if (!isThere) return;
    store = await startStore();
    database = await ProxiedDatabase.start(store);
  });
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    await store?.[Symbol.asyncDispose]();
  });

  /** Has the proxy look for one place of a hundred thousand, and is never told anything but the truth. */
  async function ask(place: number): Promise<void> {
    const client = new Client(database.through);
    await client.connect();
    try {
      const name = createHash('md5').update(String(place)).digest('hex');
      const { rows } = await client.query(`select id from place where name = '${name}'`);
      expect(rows).toEqual([{ id: place }]);
    } finally {
      await client.end();
    }
  }

  const untilRestricted = (place: number): Promise<boolean> =>
    until(`statement ${place} is restricted`, async () => {
      const before = await database.hits();
      await ask(place);
      return (await database.hits()) > before;
    });

  const count = async (series: string): Promise<number> => (await database.metrics()).get(series) ?? 0;

  const untilDegraded = (place: number): Promise<boolean> =>
    until('the proxy is degraded', async () => {
      await ask(place);
      const { status, report } = await database.readiness();
      expect([status, report.ready]).toEqual([200, true]);
      return report.degraded && report.reasons[0]?.check === 'cache';
    });

  const untilWell = (): Promise<boolean> =>
    until('all is well', async () => !(await database.readiness()).report.degraded);

  testThere('does not answer: statements go as they came, without waiting, until it does', async () => {
    for (const place of [1, 2, 3]) await untilRestricted(place);
    // What it had in memory is gone; only the store has it.
    await database.restartProgram();
    await untilRestricted(1);
    store.suspend();
    try {
      await untilDegraded(2);
      const refused = () => count('pcache_cache_operations_total{operation="get",outcome="refused"}');
      const forwarded = () =>
        count('pcache_rewrite_outcome_total{outcome="bypassed",reason="cache unavailable"}');
      const before = [await refused(), await forwarded()] as const;
      for (let i = 0; i < 20; i++) await ask(i % 2 === 0 ? 2 : 3);
      // Nobody waited: the store was not asked once.
      expect([await refused(), await forwarded()]).toEqual([before[0] + 20, before[1] + 20]);
      // What is in memory is as good as ever.
      await untilRestricted(1);
    } finally {
      store.resume();
    }
    await untilWell();
    await untilRestricted(2);
    expect(await count('pcache_cache_away')).toBe(0);
  });

  testThere('crashes and comes back: what was learned is there again, or learned again', async () => {
    await untilRestricted(11);
    await store.crash();
    await untilDegraded(12);
    await untilRestricted(11);
    await store.start();
    await untilWell();
    for (const place of [11, 12, 13]) await untilRestricted(place);
  });

  testThere('is not there when the proxy starts: it relays, and restricts when it is', async () => {
    await untilRestricted(21);
    await store.crash();
    await database.restartProgram();
    await untilDegraded(21);
    expect(await database.hits()).toBe(0);
    await store.start();
    await untilWell();
    for (const place of [21, 22]) await untilRestricted(place);
  });

  testThere('hangs when the proxy starts: it relays, and restricts when it does not', async () => {
    await untilRestricted(31);
    store.suspend();
    try {
      await database.restartProgram();
      await untilDegraded(31);
    } finally {
      store.resume();
    }
    await untilWell();
    for (const place of [31, 32]) await untilRestricted(place);
  });
});
