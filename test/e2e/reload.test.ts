import { Client } from 'pg';
import { parse, stringify } from 'yaml';
import { sql } from '../support/cache-in-database';
import { reads, romes } from '../support/changing-data';
import { multiset } from '../support/engine-harness';
import { pgbench, startPgbench } from '../support/pgbench';
import { ProxiedDatabase } from '../support/proxied-database';
import { ReloadStorm } from '../support/reload-storm';
import { until } from '../support/until';

/** The configuration of the program, with what is to be another value. */
type Config = Record<string, unknown> & {
  readonly databases: { readonly matrix: { partition_keys: object } };
};
const changed =
  (change: (config: Config) => void) =>
  (text: string): string => {
    const config = parse(text);
    change(config);
    return stringify(config);
  };
const stormSeconds = Number(process.env['PCACHE_TEST_STORM_SECONDS'] ?? 4);
const rome = `select id, region_id from place where name = 'Rome'`;

describe('the configuration is read again while the proxy runs', () => {
  let database: ProxiedDatabase;
  let client: Client;
  let untouched: string;

  const connect = async (): Promise<Client> => {
    const session = new Client(database.through);
    await session.connect();
    return session;
  };
  const isRestricted = async (session = client): Promise<boolean> => {
    const before = await database.hits();
    const { rows } = await session.query(rome);
    expect(rows).toHaveLength(romes);
    return (await database.hits()) > before;
  };
  const restricts = (session = client): Promise<unknown> =>
    until('statements are restricted', () => isRestricted(session), { deadlineMs: 30_000 });

  beforeAll(async () => {
    database = await ProxiedDatabase.start({ cache: { backend: 'rocksdb_set' } });
    client = await connect();
    await restricts();
    await database.reload((text) => (untouched = text));
  });
  afterAll(async () => {
    await client.end();
    await database[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    await database.reload(() => untouched);
    await restricts();
  });

  test('nothing has changed: nothing happens', async () => {
    expect(await database.reload((text) => text)).toMatchObject({ changes: 0 });
    await restricts();
  });

  test('a file that is wrong: the old one stays, and all that is wrong is told', async () => {
    const outcome = await database.reload(
      changed((config) => {
        config['limits'] = { max_sessions: -1, login_timeout: 3 };
        config['mode'] = 'of';
      }),
    );
    expect(outcome).toMatchObject({ level: 'error' });
    expect(String(outcome['problems'])).toMatch(/max_sessions.*login_timeout|login_timeout.*max_sessions/s);
    expect(String(outcome['problems'])).toMatch(/mode/);
    expect(await database.reload(() => 'mode: [')).toMatchObject({ level: 'error' });
    await restricts();
  });

  test('what cannot be changed while it runs: nothing of it is in force', async () => {
    const outcome = await database.reload(
      changed((config) => {
        config['listen'] = { port: 1 };
        config['mode'] = 'off';
      }),
    );
    expect(outcome['problems']).toEqual([expect.stringMatching(/^listen\.port: cannot be changed/)]);
    await restricts();
  });

  test('limits are for those who come; who is there stays', async () => {
    const outcome = await database.reload(changed((config) => void (config['limits'] = { max_sessions: 1 })));
    expect(outcome).toMatchObject({ changes: 1 });
    expect(database.logged('option changed').at(-1)).toMatchObject({
      option: 'limits.max_sessions',
      after: 1,
    });
    await expect(connect()).rejects.toMatchObject({ code: '53300' });
    await restricts();
  });

  test('off and on again, in the middle of transactions and with prepared statements', async () => {
    await client.query('begin isolation level repeatable read');
    const named = { name: 'by name', text: 'select id from place where name = $1', values: ['Rome'] };
    expect((await client.query(named)).rows).toHaveLength(romes);
    await database.reload(changed((config) => void (config['mode'] = 'off')));
    expect((await client.query(named)).rows).toHaveLength(romes);
    const before = await database.hits();
    expect((await client.query(rome)).rows).toHaveLength(romes);
    expect(await database.hits()).toBe(before);
    await database.reload(() => untouched);
    expect((await client.query(named)).rows).toHaveLength(romes);
    await client.query('commit');
    await restricts();
  });

  test('a table less, a key of another column, and the old one again', async () => {
    const tables = (value: object) =>
      changed((config) => {
        const keys = config.databases.matrix['partition_keys'] as unknown as { region: { tables: object } };
        keys.region.tables = value;
      });
    expect(await database.reload(tables({ 'public.visit': 'region_id' }))).toMatchObject({ level: 'info' });
    expect(await isRestricted()).toBe(false);
    expect(await database.reload(tables({ 'public.place': 'id', 'public.visit': 'place_id' }))).toMatchObject(
      {
        level: 'info',
      },
    );
    for (const text of reads) expect(await client.query(text)).toBeDefined();
  });

  test('a column is renamed by somebody who goes past the proxy: no statement fails', async () => {
    const count = `select count(*)::int as romes from place where name = 'Rome' and id > 0`;
    const hits = async (): Promise<boolean> => {
      const before = await database.hits();
      expect((await client.query(count)).rows).toEqual([{ romes }]);
      return (await database.hits()) > before;
    };
    await until('the count is restricted', hits, { deadlineMs: 30_000 });
    await sql(database.direct, 'alter table place rename region_id to region');
    expect(await hits()).toBe(false);
    // Whoever has it as a statement of his own is told as before.
    await expect(client.query(rome)).rejects.toMatchObject({ code: '42703' });
    expect(await hits()).toBe(false);
    await client.query('alter table place rename region to region_id');
    await restricts();
  });

  test('a database whose keys the cache has as another type: the old ones go on', async () => {
    const outcome = await database.reload(
      changed((config) => {
        const keys = config.databases.matrix['partition_keys'] as unknown as { region: { datatype: string } };
        keys.region.datatype = 'text';
      }),
    );
    expect(outcome).toMatchObject({ level: 'error', problems: [expect.stringMatching(/region/)] });
    await restricts();
  });

  const withoutPgbench = pgbench === undefined ? ' (without pgbench, which is not installed)' : '';
  test(
    `a storm: ${stormSeconds} seconds of SIGHUP, of files that are other, broken or the same; each statement has the answer of the server${withoutPgbench}`,
    async () => {
      const direct = new Client(database.direct);
      await direct.connect();
      const expected = new Map<string, readonly string[]>();
      const answer = async (session: Client, text: string): Promise<readonly string[]> =>
        multiset(await session.query<unknown[]>({ text, rowMode: 'array' }));
      for (const text of reads) expected.set(text, await answer(direct, text));
      await direct.end();
      let isOver = false;
      let answers = 0;
      const asking = Promise.all(
        [1, 2, 3].map(async (i) => {
          const session = await connect();
          for (let n = 0; !isOver; n++) {
            const text = reads[(i + n) % reads.length] ?? '';
            if (n % 5 === 0) await session.query('begin isolation level repeatable read');
            expect(await answer(session, text)).toEqual(expected.get(text));
            if (n % 5 === 4) await session.query('commit');
            answers++;
          }
          await session.end();
        }),
      );
      const script = '\\set id random(1, 100000)\nselect name from place where id = :id;\n';
      await using others = await startPgbench(script, ['-c', '2'], database.environment(database.through));
      const storm = new ReloadStorm(database, untouched);
      const end = performance.now() + stormSeconds * 1_000;
      const [before, hits] = [await storm.quiet(), await database.hits()];
      while (performance.now() < end || (await database.hits()) === hits) {
        await Promise.race([storm.blow(Math.min(stormSeconds * 100, 60_000)), asking]);
        expect(others?.trouble()).toBeUndefined();
      }
      const restricted = (await database.hits()) - hits;
      const after = await storm.quiet();
      isOver = true;
      await asking;
      expect(restricted).toBeGreaterThan(0);
      if (stormSeconds > 60) {
        const open = `descriptors ${before.openFiles}, then ${after.openFiles}`;
        const asked = `${answers} answers compared, ${restricted} statements restricted`;
        process.stdout.write(`${storm.summary}; ${open}; ${asked}\n`);
      }
      // The store may have come to some more files; a leak would be one for each of hundreds of reloads.
      expect(after.connections).toBe(before.connections);
      expect(after.openFiles).toBeLessThan(before.openFiles + 20);
      // Right after it was swept, the heap is at its least: in a part that is long enough, that is seen.
      if (stormSeconds >= 300) expect(storm.heapGrowth).toBeLessThan(20e6);
    },
    60_000 + stormSeconds * 2_000,
  );

  test('nobody has noticed', async () => {
    const expected =
      /the configuration is not reloaded|tooManyConnections|failed where the original did not|column .* does not exist|cannot be used/;
    const trouble = (await database.trouble()).filter((line) => !expected.test(line));
    expect(trouble).toEqual([]);
  });
});
