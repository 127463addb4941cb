import { Client, Pool, type QueryResult } from 'pg';
import { describeVersions } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';
import { type ConnectionOptions } from '../../support/postgres-server';
import { shownError } from '../../support/shown-error';
import { until } from '../../support/until';

const everyType = 'select * from place where name = $1 order by id';
const literal = `select p.id, v.rating, v.at from place p, visit v where p.region_id = v.region_id and p.id = v.place_id and p.name = 'Rome' order by p.id`;

async function withClient<T>(
  options: ConnectionOptions & { readonly pipeline?: boolean },
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(options);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Everything the driver knows of a result. */
const shown = ({ command, rowCount, fields, rows }: QueryResult) => ({
  command,
  rowCount,
  fields: fields.map((field) => ({ ...field })),
  rows,
});

describeVersions('pg', (binaries) => {
  let database: ProxiedDatabase;

  beforeAll(async () => {
    database = await ProxiedDatabase.start({ binaries });
  });

  afterAll(() => database?.[Symbol.asyncDispose]());

  test('simple, extended and named statements: rows, types and metadata', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          const results: QueryResult[] = [
            await client.query(literal),
            await client.query(everyType, ['Rome']),
          ];
          for (const name of ['Rome', 'Ü€😀', 'Nowhere', 'Rome'])
            results.push(await client.query({ name: 'by name', text: everyType, values: [name] }));
          results.push(await client.query({ text: everyType, values: ['Rome'], rowMode: 'array' }));
          expect(results[0]?.rows).toHaveLength(9);
          return results.map(shown);
        }),
      { hits: 7 },
    ));

  test('parameters and results in binary', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          // A Buffer is sent in binary. Of a bytea nothing is learned; of a text it is.
          const { rows } = await client.query('select sign from place where id = 10007');
          const found = await client.query('select id from place where sign = $1', [rows[0].sign]);
          const rome = await client.query(everyType, [Buffer.from('Rome')]);
          // Not in the types of the package, but documented: results in binary.
          const binary = { text: everyType, values: ['Rome'], binary: true, types: { getTypeParser: asHex } };
          return [found, rome, await client.query(binary)].map(shown);
        }),
      { hits: 2 },
    ));

  test('many statements in one text', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          const results = (await client.query(
            `${literal}; select 2; ${literal}`,
          )) as unknown as QueryResult[];
          return results.map(shown);
        }),
      { hits: 0 },
    ));

  test('errors, with every field', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => [
          await shownError(client.query(`select id from place where nome = 'Rome'`)),
          await shownError(client.query(`select id from place where name = 'Rome' and 1 / (id - 10007) > 2`)),
          await shownError(client.query(everyType.replace('$1', '$1::int::text'), ['x'])),
          await shownError(
            client.query({ name: 'bad', text: 'select * from place wher id = $1', values: [1] }),
          ),
          await shownError(
            client.query('insert into note (id, text, amount) overriding system value values (0, $1, $2)', [
              'x',
              -1,
            ]),
          ),
          shown(await client.query(everyType, ['Rome'])),
        ]),
      { hits: 1 },
    ));

  test('transactions, savepoints, and what failed in them', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          // What a session's context is, is asked for the first time outside a block: an error would fail it.
          const results: unknown[] = [shown(await client.query(literal))];
          await client.query('begin isolation level repeatable read');
          results.push(shown(await client.query(literal)));
          await client.query('savepoint s');
          results.push(await shownError(client.query('select nothing from place')));
          results.push(await shownError(client.query(literal)));
          await client.query('rollback to s');
          results.push(shown(await client.query(literal)));
          results.push(shown(await client.query(`insert into note (text) values ('kept?') returning text`)));
          await client.query('rollback');
          results.push(shown(await client.query(`select count(*) from note where text = 'kept?'`)));
          return results;
        }),
      { hits: 3 },
    ));

  test('a queue of a hundred statements, one at a time', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          const names = Array.from({ length: 100 }, (_, i) => ['Rome', 'Ü€😀', 'Nowhere'][i % 3]);
          const results = await Promise.all(names.map((name) => client.query(everyType, [name])));
          return results.map(({ rows }) => rows.map(({ id }) => id));
        }),
      { hits: 60 },
    ));

  test('pipelined, with errors in between', () =>
    database.expectSame(
      (connection) =>
        withClient({ ...connection, pipeline: true }, async (client) => {
          await client.query({ name: 'by name', text: everyType, values: ['Rome'] });
          const results = await Promise.all(
            Array.from({ length: 100 }, (_, i) => {
              if (i % 10 === 3)
                return shownError(client.query(everyType.replace('$1', '$1::int::text'), ['x']));
              if (i % 10 === 5) return client.query(literal).then(shown);
              if (i % 10 === 7)
                return client.query({ name: 'by name', text: everyType, values: ['Rome'] }).then(shown);
              return client.query(everyType, [i % 2 === 0 ? 'Rome' : 'Nowhere']).then(shown);
            }),
          );
          return results;
        }),
      { hits: 25 },
    ));

  test('sessions in a pool, many at once', async () => {
    await database.expectSame(
      async (connection) => {
        const pool = new Pool({ ...connection, max: 20 });
        try {
          const answers = await Promise.all(
            Array.from({ length: 100 }, (_, i) =>
              pool.query('select $2::int as i, id from place where name = $1 order by id', ['Rome', i]),
            ),
          );
          return answers.map(({ rows }) => rows);
        } finally {
          await pool.end();
        }
      },
      { hits: 60 },
    );
    await until('all sessions have ended', async () => (await database.connections()) === 0);
  });

  test('LISTEN and NOTIFY between two sessions', async () => {
    const [listener, notifier] = [new Client(database.through), new Client(database.through)];
    await Promise.all([listener.connect(), notifier.connect()]);
    try {
      const payloads: (string | undefined)[] = [];
      listener.on('notification', ({ payload }) => payloads.push(payload));
      await listener.query('listen news');
      await notifier.query(`notify news, 'first'`);
      await notifier.query(`notify news, 'second'`);
      await until('both notifications came', () => payloads.length === 2);
      expect(payloads).toEqual(['first', 'second']);
    } finally {
      await Promise.all([listener.end(), notifier.end()]);
    }
  });

  test('notices, of the session itself and of statements', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          const notices: unknown[] = [];
          client.on('notice', (notice) => notices.push(Object.entries(notice), notice.message));
          await client.query(literal);
          await client.query('drop table if exists nothing');
          await client.query(
            `do $$ begin raise warning 'careful' using hint = 'slowly', errcode = '01007'; end $$`,
          );
          expect(notices).toHaveLength(4);
          return notices;
        }),
      { hits: 1 },
    ));

  test('a statement is canceled through the proxy', async () => {
    const [client, other] = [new Client(database.through), new Client(database.direct)];
    await Promise.all([client.connect(), other.connect()]);
    try {
      const sleeping = expect(client.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' });
      await until('the statement runs', async () => {
        const { rows } = await other.query(`select 1 from pg_stat_activity where wait_event = 'PgSleep'`);
        return rows.length === 1;
      });
      const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
      const { connection } = new Client(database.through) as unknown as {
        connection: {
          connect(port: number, host: string): void;
          on(event: string, listener: () => void): void;
          cancel(processId: number, secretKey: number): void;
        };
      };
      connection.on('connect', () => connection.cancel(processID, secretKey));
      connection.connect(database.port, '127.0.0.1');
      await sleeping;
      expect((await client.query('select 1 as a')).rows).toEqual([{ a: 1 }]);
    } finally {
      await Promise.all([client.end(), other.end()]);
    }
  });

  test.each([
    ['a wrong password', { password: 'wrong' }, '28P01'],
    ['a database that does not exist', { database: 'nowhere' }, '3D000'],
    ['a setting that does not exist', { options: '-c nonsense=1' }, '42704'],
  ])('%s is refused by the server, in its words', async (_title, options, code) => {
    const refused = await database.expectSame(
      (connection) => shownError(new Client({ ...connection, ...options }).connect()),
      { hits: 0 },
    );
    expect(refused['code']).toBe(code);
  });

  test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
});

const asHex = (oid: number) => (value: Buffer | string) =>
  `${oid}:${typeof value === 'string' ? value : value.toString('hex')}`;
