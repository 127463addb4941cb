import { Client } from 'pg';
import { romes } from '../../support/changing-data';
import { ProxiedDatabase } from '../../support/proxied-database';
import { until } from '../../support/until';

const rome = `select id, region_id from place where name = 'Rome'`;
const statements = (metrics: ReadonlyMap<string, number>): number =>
  [...metrics].reduce(
    (sum, [name, value]) => sum + (name.startsWith('pcache_statements_total') ? value : 0),
    0,
  );

describe('two workers, looked at as one', () => {
  let database: ProxiedDatabase;
  let boss: Client;
  const opened: Client[] = [];

  const open = async (options: object = {}): Promise<Client> => {
    const client = new Client({ ...database.through, ...options });
    client.on('error', () => undefined);
    opened.push(client);
    await client.connect();
    return client;
  };
  const ask = async (command: string): Promise<Record<string, unknown>[]> =>
    (await boss.query<Record<string, unknown>>(command)).rows;
  const clients = async (): Promise<Record<string, unknown>[]> =>
    (await ask('show clients')).filter(({ database: name }) => name !== 'pcache');
  const isRestricted = async (client: Client): Promise<boolean> => {
    const { rows } = await client.query<{ readonly 'QUERY PLAN': string }>(`explain (pcache) ${rome}`);
    return rows.some((row) => /restricted/.test(row['QUERY PLAN']));
  };

  beforeAll(async () => {
    database = await ProxiedDatabase.start({
      cache: { backend: 'memory' },
      sections: { workers: 2, admin: { port: 0, users: 'boss' } },
      prepare: async (connection) => {
        const client = new Client(connection);
        await client.connect();
        await client.query(`create role boss login password 'boss'`);
        await client.end();
      },
    });
    boss = await open({ user: 'boss', password: 'boss', database: 'pcache' });
  });
  afterEach(async () => {
    for (const client of opened.splice(1)) await client.end().catch(() => undefined);
    await until('they are gone', async () => (await clients()).length === 0);
  });
  afterAll(async () => {
    await boss?.end();
    await database?.[Symbol.asyncDispose]();
  });

  /** A session of each worker, of which the console has one of its own. */
  const ofBoth = async (): Promise<Client[]> => Promise.all([open(), open(), open()]);

  test('statements of all are counted together, in /metrics, on the page and in the console', async () => {
    const before = statements(await database.metrics());
    const sessions = await ofBoth();
    for (const client of sessions)
      for (let i = 0; i < 5; i++) expect((await client.query(rome)).rows).toHaveLength(romes);
    await until('all are counted', async () => statements(await database.metrics()) >= before + 15);
    for (const client of sessions)
      await until('it is restricted', async () => {
        await client.query(rome);
        return isRestricted(client);
      });
    expect((await database.metrics()).get('pcache_workers')).toBe(2);
    expect((await database.metrics()).get('pcache_connections')).toBe(4);
    const [shape] = (await ask('show queries')).filter(({ query }) =>
      /place where name = \$1/.test(String(query)),
    );
    expect(Number(shape?.['calls'])).toBeGreaterThanOrEqual(15);
    const [stats] = await ask('show stats');
    expect(Number(stats?.['calls'])).toBeGreaterThanOrEqual(15);
    expect(Number(stats?.['key_set_bytes'])).toBeGreaterThan(0);
    const page = await (await fetch(`${database.adminUrl}/`)).text();
    expect(page).toMatch(/place where name = \$1/);
    expect((await ask('show fragments')).length).toBeGreaterThan(0);
  });

  test('clients of all are shown, with ids of their own, and can be ended', async () => {
    const sessions = await ofBoth();
    const shown = await until('all are shown', async () => {
      const rows = await clients();
      return rows.length === 3 && rows.every(({ server_pid: pid }) => pid !== null) && rows;
    });
    expect(new Set(shown.map(({ id }) => id)).size).toBe(3);
    for (const { id, server_pid: pid } of shown) {
      const client = sessions.find(
        (each) => (each as unknown as { processID: number }).processID === Number(pid),
      );
      const ended = new Promise<unknown>((resolve) => client?.once('error', resolve));
      await ask(`kill ${String(id)}`);
      expect(await ended).toMatchObject({ code: '57P01' });
    }
    await expect(ask(`kill ${String(shown[0]?.['id'])}`)).rejects.toMatchObject({ code: '42704' });
  });

  test('what is steered is steered in all', async () => {
    const sessions = await ofBoth();
    await ask('set mode off');
    for (const client of sessions) expect((await client.query(rome)).rows).toHaveLength(romes);
    for (const client of await ofBoth())
      await expect(client.query(`explain (pcache) ${rome}`)).rejects.toMatchObject({ code: '42601' });
    await ask('set mode default');
    const again = await ofBoth();
    for (const client of again) await until('it is restricted', () => isRestricted(client));
    await ask('pause population');
    const { rows } = await boss.query('invalidate all');
    expect(rows).toEqual([]);
    for (const client of again) await until('it is forgotten', async () => !(await isRestricted(client)));
    await ask('resume population');
    expect(await ask('reload')).toEqual([]);
    await expect(ask('show nothing')).rejects.toMatchObject({ code: '42601' });
    const explained = await boss.query(`explain (pcache) ${rome}`);
    expect(explained.rows.length).toBeGreaterThan(0);
  });

  test('no total falls when a worker dies', async () => {
    const sessions = await ofBoth();
    for (const client of sessions) await client.query(rome);
    const before = await database.metrics();
    const calls = Number((await ask('show stats'))[0]?.['calls']);
    const pids = database.logged('the worker serves clients').map(({ process: pid }) => Number(pid));
    // Whichever the console is at: it is connected to anew.
    process.kill(pids[0] ?? 0, 'SIGKILL');
    await until(
      'it is replaced',
      async () => (await database.metrics()).get('pcache_worker_restarts_total') === 1,
      { deadlineMs: 30_000 },
    );
    const after = await database.metrics();
    boss = await open({ user: 'boss', password: 'boss', database: 'pcache' });
    opened.unshift(...opened.splice(-1));
    for (const [name, value] of before)
      if (/_total|_count|_bucket/.test(name) && !name.includes('_nodejs_'))
        expect([name, after.get(name)! >= value]).toEqual([name, true]);
    expect(Number((await ask('show stats'))[0]?.['calls'])).toBeGreaterThanOrEqual(calls);
    await until('both serve', async () => (await database.metrics()).get('pcache_workers') === 2, {
      deadlineMs: 60_000,
    });
  });
});
