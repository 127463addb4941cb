import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { type ConnectionOptions } from '../../support/postgres-server';
import { describeVersions } from '../../support/postgres-versions';
import { ProxiedDatabase } from '../../support/proxied-database';
import { shownError } from '../../support/shown-error';
import { until } from '../../support/until';

/**
 * One session, unless more are asked for; it prepares every statement, and pipelines those that are waiting. A statement
 * with values is described before it is bound.
 */
async function withSql<T>(
  { user, ...connection }: ConnectionOptions,
  use: (sql: postgres.Sql) => Promise<T>,
  options: postgres.Options<Record<string, never>> = {},
): Promise<T> {
  const sql = postgres({ ...connection, username: user, max: 1, onnotice: () => undefined, ...options });
  try {
    return await use(sql);
  } finally {
    await sql.end();
  }
}

/** Rows, and what is known of them. */
const shown = (rows: postgres.RowList<postgres.Row[]>) => ({
  rows: [...rows],
  count: rows.count,
  command: rows.command,
  columns: rows.columns.map((column) => ({ ...column, parser: undefined })),
});

describeVersions('postgres.js', (binaries) => {
  let database: ProxiedDatabase;

  beforeAll(async () => {
    database = await ProxiedDatabase.start({ binaries, settings: { wal_level: 'logical' } });
  });

  afterAll(() => database?.[Symbol.asyncDispose]());

  test('statements it prepares, again and again', () =>
    database.expectSame(
      (connection) =>
        withSql(connection, async (sql) => {
          const results = [];
          for (const name of ['Rome', 'Ü€😀', 'Nowhere', 'Rome'])
            results.push(shown(await sql`select * from place where name = ${name} order by id`));
          for (const least of [3e4, 6e4])
            results.push(
              shown(
                await sql`
                select p.id, v.rating, v.at from place p join visit v using (region_id)
                 where v.place_id = p.id and p.name = ${'Rome'} and p.id > ${least} order by p.id`,
              ),
            );
          expect(results[0]?.rows).toHaveLength(9);
          return results;
        }),
      { hits: 5 },
    ));

  test('the first statement of a session', () =>
    database.expectSame(
      (connection) =>
        withSql(
          connection,
          async (sql) => shown(await sql`select id from place where name = ${'Rome'} order by id`),
          {
            fetch_types: false,
          },
        ),
      { hits: 1 },
    ));

  test('without prepared statements, and as simple queries', () =>
    database.expectSame(
      (connection) =>
        withSql(
          connection,
          async (sql) => [
            shown(await sql`select id, seen from place where name = ${'Rome'} order by id`),
            shown(await sql`select id from place where name = 'Rome' order by id`.simple()),
            shown(await sql.unsafe('select id from place where name = $1 order by id', ['Rome'])),
            await sql`select id from place where name = 'Rome' order by id; select 2 as two`.simple(),
          ],
          { prepare: false },
        ),
      { hits: 2 },
    ));

  test('pipelines by itself: dozens of statements, some of which fail', () =>
    database.expectSame(
      (connection) =>
        withSql(connection, async (sql) => {
          // A statement that is pipelined with its own Parse is not known yet.
          await sql`select id, ${0}::int as i from place where name = ${'Rome'} order by id`;
          return Promise.all(
            Array.from({ length: 60 }, (_, i) => {
              if (i % 10 === 3)
                return shownError(sql`select ${'x'}::text::int from place where name = 'Rome'`);
              if (i % 10 === 7)
                return sql`select nonsense from place`.catch((error: unknown) => String(error));
              return sql`select id, ${i}::int as i from place where name = ${'Rome'} order by id`.then(shown);
            }),
          );
        }),
      { hits: 12 },
    ));

  test('many sessions, each of them pipelining', () =>
    database.expectSame(
      (connection) =>
        withSql(
          connection,
          async (sql) => {
            const answers = await Promise.all(
              Array.from(
                { length: 60 },
                (_, i) => sql`select id, ${i}::int as i from place where name = 'Rome'`,
              ),
            );
            return answers.map((rows) => rows.length);
          },
          { max: 8 },
        ),
      { hits: 12 },
    ));

  test('cursors, as iterators and given up, forEach, raw and values', () =>
    database.expectSame(
      (connection) =>
        withSql(connection, async (sql) => {
          const parts: unknown[] = [];
          const romans = () => sql`select id, region_id from place where name = ${'Rome'} order by id`;
          for await (const rows of romans().cursor(4)) parts.push([...rows]);
          await romans().cursor(2, (rows) => {
            parts.push([...rows]);
            return parts.length === 5 ? sql.CLOSE : undefined;
          });
          await romans().forEach((row) => parts.push({ ...row }));
          parts.push([...(await romans().values())], [...(await romans().raw())]);
          expect(parts).toHaveLength(16);
          return parts;
        }),
      { hits: 3 },
    ));

  test('transactions, savepoints, and what failed in them', () =>
    database.expectSame(
      (connection) =>
        withSql(connection, async (sql) => {
          const before = shown(await sql`select id from place where name = ${'Rome'} order by id`);
          const inside: unknown[] = [];
          const failed = await shownError(
            sql.begin('isolation level serializable', async (tx) => {
              inside.push(shown(await tx`select id from place where name = ${'Rome'} order by id`));
              inside.push(
                await shownError(
                  tx.savepoint(async (point) => {
                    await point`insert into note (text) values ('gone')`;
                    await point`select id / (id - id) from place where name = ${'Rome'}`;
                  }),
                ),
              );
              inside.push(shown(await tx`select id from place where name = ${'Rome'} order by id`));
              await tx`insert into note (id, text, amount) overriding system value values (0, 'gone', -1)`.catch(
                (error: unknown) => inside.push(String(error)),
              );
              await tx`select 1`;
            }),
          );
          inside.push(
            await sql.begin((tx) => [
              tx`select id from place where name = ${'Rome'} order by id`,
              tx`select count(*) from note`,
            ]),
          );
          return [before, inside, { ...failed, message: failed['message'] }];
        }),
      { hits: 3 },
    ));

  test('describe, COPY in and out', () =>
    database.expectSame(
      (connection) =>
        withSql(connection, async (sql) => {
          const described = await sql`select * from place where name = ${'Rome'} and id = ${1}`.describe();
          await sql`delete from note`;
          const lines = Array.from({ length: 5_000 }, (_, i) => `Ü€😀 ${i}\t${i}\n`);
          await pipeline(Readable.from(lines), await sql`copy note (text, amount) from stdin`.writable());
          const chunks: Buffer[] = [];
          const out = await sql`copy (select text, amount from note order by amount) to stdout`.readable();
          out.on('data', (chunk: Buffer) => chunks.push(chunk));
          // Not `for await`, which destroys the stream at its end: after that postgres.js waits for ever, with a server as well.
          await once(out, 'end');
          expect(Buffer.concat(chunks).toString()).toBe(lines.join(''));
          const after = [];
          for (let i = 0; i < 2; i++)
            after.push(shown(await sql`select id from place where name = 'Rome' order by id`));
          return [
            { types: described.types, columns: described.columns.map(({ name, type }) => [name, type]) },
            after,
          ];
        }),
      { hits: 1 },
    ));

  test('LISTEN and NOTIFY', () =>
    withSql(database.through, async (sql) => {
      const heard: string[] = [];
      const { unlisten } = await sql.listen('news', (payload) => heard.push(payload));
      await sql.notify('news', 'first');
      await sql.notify('news', 'Ü€😀');
      await until('both notifications came', () => heard.length === 2);
      expect(heard).toEqual(['first', 'Ü€😀']);
      await unlisten();
    }));

  test('a statement is canceled', () =>
    withSql(database.through, async (sql) => {
      const sleeping = sql`select pg_sleep(60)`;
      const failed = shownError(sleeping);
      await withSql(database.direct, (direct) =>
        until('the statement runs', async () => {
          const rows = await direct`select 1 from pg_stat_activity where wait_event = 'PgSleep'`;
          return rows.length === 1;
        }),
      );
      sleeping.cancel();
      expect(await failed).toMatchObject({ code: '57014' });
      expect(await sql`select 1 as one`).toMatchObject([{ one: 1 }]);
    }));

  test('subscribe: logical replication through the proxy', () =>
    withSql(database.through, async (sql) => {
      await sql`create publication alltables for all tables`;
      const changes: unknown[] = [];
      const { unsubscribe } = await sql.subscribe(
        '*',
        (row, { command, relation }) =>
          changes.push([command, relation.table, row?.['text'], row?.['amount']]),
        undefined,
        undefined,
      );
      await sql`delete from note`;
      changes.length = 0;
      await sql`insert into note (text, amount) values ('one', 1), ('Ü€😀', 2)`;
      await sql`update note set amount = 3 where text = 'one'`;
      await until('the changes came', () => (changes.at(-1) as unknown[] | undefined)?.[0] === 'update');
      expect(changes.slice(-3)).toEqual([
        ['insert', 'note', 'one', 1],
        ['insert', 'note', 'Ü€😀', 2],
        ['update', 'note', 'one', 3],
      ]);
      unsubscribe();
    }));

  test('nothing was logged, nothing given up', async () => expect(await database.trouble()).toEqual([]));
});
