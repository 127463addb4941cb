import { Client, Query, type Connection, type QueryArrayResult, type Submittable } from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { describeVersions } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';
import { type ConnectionOptions } from '../../support/postgres-server';
import { shownError } from '../../support/shown-error';

const byName = 'select id, region_id, area, info from place where name = $1 order by id';

/** A session whose context is known; every repetition has one hit more for it. */
async function withClient<T>(options: ConnectionOptions, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(options);
  await client.connect();
  try {
    await client.query(byName, ['Rome']);
    return await use(client);
  } finally {
    await client.end();
  }
}

/** What pg needs of a query that copies rows in; it has none of its own. */
class CopyIn extends Query<QueryArrayResult['rows']> {
  constructor(
    text: string,
    private readonly data: readonly string[],
    private readonly failure?: string,
  ) {
    super(text);
  }

  handleCopyInResponse(
    connection: Connection & {
      sendCopyFromChunk(chunk: Buffer): void;
      endCopyFrom(): void;
      sendCopyFail(message: string): void;
    },
  ): void {
    for (const chunk of this.data) connection.sendCopyFromChunk(Buffer.from(chunk));
    if (this.failure === undefined) connection.endCopyFrom();
    else connection.sendCopyFail(this.failure);
  }
}

function copyIn(client: Client, text: string, data: readonly string[], failure?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const query: Submittable & NodeJS.EventEmitter = new CopyIn(text, data, failure);
    query.on('end', () => resolve());
    query.on('error', reject);
    client.query(query);
  });
}

describeVersions('pg: portals and COPY', (binaries) => {
  let database: ProxiedDatabase;

  beforeAll(async () => {
    database = await ProxiedDatabase.start({ binaries });
  });

  afterAll(() => database?.[Symbol.asyncDispose]());

  test('pg-cursor, the first statement of a session: Parse and Bind come in parts', () =>
    database.expectSame(
      async (connection) => {
        const client = new Client(connection);
        await client.connect();
        const rows = await client.query(new Cursor(byName, ['Rome'])).read(100);
        await client.end();
        return rows;
      },
      { hits: 1 },
    ));

  test('pg-cursor reads in parts, to the end or not', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          const whole = client.query(new Cursor(byName, ['Rome']));
          const parts = [await whole.read(4), await whole.read(4), await whole.read(4), await whole.read(4)];
          await whole.close();
          const begun = client.query(new Cursor(byName, ['Rome'], { rowMode: 'array' }));
          parts.push(await begun.read(2));
          await begun.close();
          expect(parts.map(({ length }) => length)).toEqual([4, 4, 1, 0, 2]);
          return [parts, (await client.query(byName, ['Rome'])).rows];
        }),
      // One that is given up half way is not counted, as it has no end.
      { hits: 3 },
    ));

  test('pg-cursor, inside a transaction that goes on', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          await client.query('begin');
          const cursor = client.query(new Cursor(byName, ['Rome']));
          const parts = [await cursor.read(3), await cursor.read(100)];
          await cursor.close();
          const failing = client.query(new Cursor('select 10 / (3 - i) from generate_series(1, 5) i'));
          const error = await shownError(failing.read(100));
          await client.query('rollback');
          return [parts, error];
        }),
      { hits: 2 },
    ));

  test('pg-query-stream: all rows, and one that is destroyed half way', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          const rows: unknown[] = [];
          for await (const row of client.query(new QueryStream(byName, ['Rome'], { batchSize: 2 })))
            rows.push(row);
          let count = 0;
          for await (const row of client.query(new QueryStream('select * from place order by id'))) {
            if (count === 0) rows.push(row);
            if (++count === 150) break;
          }
          const { rows: after } = await client.query('select count(*) from place where name = $1', ['Rome']);
          expect(rows).toHaveLength(10);
          return [rows, after];
        }),
      { hits: 3 },
    ));

  test('COPY in, ended well and ended by the client, and by an error', () =>
    database.expectSame(
      (connection) =>
        withClient(connection, async (client) => {
          await client.query('begin');
          await client.query('create temp table copied (a int, b text) on commit drop');
          const lines = Array.from({ length: 5_000 }, (_, i) => `${i}\tÜ€😀 ${i}\n`);
          await copyIn(client, 'copy copied from stdin', lines);
          await client.query('savepoint s');
          const results: unknown[] = [
            await shownError(copyIn(client, 'copy copied from stdin', ['1\ta\n'], 'no more')),
          ];
          await client.query('rollback to s');
          results.push(await shownError(copyIn(client, 'copy copied from stdin', ['1\ta\n', 'x\tb\n'])));
          await client.query('rollback to s');
          results.push((await client.query('select count(*), sum(a), max(b) from copied')).rows);
          await client.query('rollback');
          return results;
        }),
      { hits: 1 },
    ));

  test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
});
