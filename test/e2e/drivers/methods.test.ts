import { Client } from 'pg';
import { methods, type Method } from '../../../src/query/rewrite/method';
import { describeVersions } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';
import type { ConnectionOptions } from '../../support/postgres-server';

/** The whole program, with each restriction method asked for: the same rows, and nothing left behind. */

const inTables: readonly Method[] = ['tmp_table_in', 'tmp_table_join'];

/** Without parameters, a driver uses the simple protocol; with them, the extended one. */
const simple = `select p.id, v.rating from place p join visit v on v.place_id = p.id and v.region_id = p.region_id where p.name = 'Rome' order by p.id`;
const extended = `select p.id, "V ""1".rating from place p join visit "V ""1" on "V ""1".region_id = p.region_id and "V ""1".id = p.id where p.name = $1 order by p.id`;
const raises = `select p.id / (p.id - p.id) from place p where p.name = 'Rome' order by p.id`;

type Conversation = (client: Client) => Promise<readonly unknown[]>;

const rowsOf = async (client: Client): Promise<unknown[]> => [
  (await client.query(simple)).rows,
  (await client.query(extended, ['Rome'])).rows,
  (await client.query({ name: 'named', text: extended, values: ['Rome'] })).rows,
  (await client.query({ name: 'named', text: extended, values: ['Rome'] })).rows,
];
const failureOf = (client: Client): Promise<unknown> =>
  client.query(raises).then(
    () => 'no error',
    (error: unknown) => (error as { readonly code?: string }).code,
  );

const conversations: readonly [title: string, converse: Conversation, hasTables: boolean][] = [
  ['autocommit', rowsOf, true],
  [
    'a transaction block with a savepoint, prepared for two-phase commit',
    async (client) => {
      await client.query('begin');
      await client.query('savepoint s');
      const rows = await rowsOf(client);
      await client.query('rollback to s');
      const again = await rowsOf(client);
      await client.query(`prepare transaction 'both'`);
      await client.query(`rollback prepared 'both'`);
      return [rows, again];
    },
    false,
  ],
  [
    'a read-only block',
    async (client) => {
      await client.query('begin read only');
      const rows = await rowsOf(client);
      await client.query('commit');
      return rows;
    },
    false,
  ],
  [
    'a session that is read-only',
    async (client) => {
      await client.query('set default_transaction_read_only = on');
      return rowsOf(client);
    },
    false,
  ],
  [
    'a role that may not make temporary tables',
    async (client) => {
      await client.query('set role reader');
      return rowsOf(client);
    },
    false,
  ],
  ['an error', async (client) => [await failureOf(client), ...(await rowsOf(client))], true],
];

describeVersions('restriction methods', (binaries) => {
  let database: ProxiedDatabase;

  beforeAll(async () => {
    database = await ProxiedDatabase.start({ binaries, settings: { max_prepared_transactions: 2 } });
    await withClient(database.direct, async (client) => {
      await client.query(`
        create function left_behind() returns bigint language sql as
          'select count(*) from pg_class where relnamespace = pg_my_temp_schema()';
        create role reader;
        grant select on place, visit to reader;
        revoke temporary on database matrix from public;
      `);
    });
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  async function withClient<T>(options: ConnectionOptions, use: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client(options);
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  const counted = async (method: Method): Promise<number> =>
    (await database.metrics()).get(`pcache_restricted_statements_total{method="${method}"}`) ?? NaN;

  test.each(methods)('%s', async (method) => {
    for (const [title, converse, hasTables] of conversations) {
      const before = await counted(method);
      const inlineBefore = await counted('inline');
      await database.expectSame(
        (options) =>
          withClient(options, async (client) => {
            await client.query(`set pcache.method = '${method}'`);
            const said = await converse(client);
            expect((await client.query('select left_behind()')).rows).toEqual([{ left_behind: '0' }]);
            return [title, said];
          }),
        { hits: 4 },
      );
      const used = inTables.includes(method) && !hasTables ? 'inline' : method;
      const usedBefore = used === 'inline' ? inlineBefore : before;
      expect([title, (await counted(used)) - usedBefore >= 4]).toEqual([title, true]);
      if (used !== method) expect([title, await counted(method)]).toEqual([title, before]);
    }
    expect(await database.trouble()).toEqual([]);
  });

  test('EXPLAIN (PCACHE) says which, and why another', async () => {
    await withClient(database.through, async (client) => {
      const explain = async (): Promise<string> =>
        (await client.query(`explain (pcache) ${simple}`)).rows
          .map((row) => Object.values(row as object)[0])
          .join('\n');
      await client.query(`set pcache.method = 'TMP_TABLE_JOIN'`);
      expect(await explain()).toMatch(/Method: tmp_table_join, [^]*"pcache_keys_/);
      await client.query('begin');
      expect(await explain()).toMatch(/Method: inline, [^]*Why: inline in place of a temporary table/);
      await client.query('commit');
    });
    expect((await database.metrics()).get('pcache_key_tables_total{outcome="refused"}')).toBe(0);
  });
});
