import fc from 'fast-check';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { Client } from 'pg';
import { splitQuery } from '../../../../src/engine/split-query';
import type { FragmentOutcome, FragmentSource } from '../../../../src/population/fragment-source';
import { CopySource } from '../../../../src/population/sources/copy/copy-source';
import { MysqlDatabase } from '../../../../src/population/sources/copy/mysql-database';
import { SqliteDatabase } from '../../../../src/population/sources/copy/sqlite-database';
import { PostgresqlSource } from '../../../../src/population/sources/postgresql';
import { readCatalog } from '../../../../src/postgres/catalog/read-catalog';
import { readDatabaseIdentity } from '../../../../src/postgres/catalog/read-database-identity';
import { type ControlPool, openPool } from '../../../../src/postgres/control-pool';
import { loadParser } from '../../../../src/query/ast/parser';
import type { Catalog } from '../../../../src/query/catalog/catalog';
import type { Fragment } from '../../../../src/query/fragment/fragment';
import {
  copiedKeys,
  copiedPlaces,
  copiedSchema,
  copiedStops,
  insertPlace,
  insertStop,
} from '../../../support/copied-rows';
import { makeFragment } from '../../../support/make-fragment';
import { hasMariadb, type MariadbServer, startMariadb } from '../../../support/mariadb-server';
import { type PostgresServer, startPostgres } from '../../../support/postgres-server';
import { openSqlite, sqliteEnvironment, sqliteProblem, sqliteProgram } from '../../../support/sqlite-file';
import { temporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory';
import { randomCopiedStatement } from '../../../support/random-copied-statement';
import { until } from '../../../support/until';

const never = new AbortController().signal;

let server: PostgresServer;
let admin: Client;
let pool: ControlPool;
let catalog: Catalog;
let identity: string;
let directory: TemporaryDirectory;
let mariadb: MariadbServer | undefined;
let mysqlAdmin: Connection | undefined;
const copies = new Map<string, FragmentSource>();

beforeAll(async () => {
  await loadParser();
  server = await startPostgres();
  const options = server.connectionOptions(await server.createDatabase());
  admin = new Client(options);
  await admin.connect();
  await admin.query(copiedSchema('text', 'float8', 'boolean', 'timestamp'));
  const numbered = (sql: string): string => {
    let number = 0;
    return sql.replaceAll('?', () => `$${++number}`);
  };
  for (const row of copiedPlaces)
    await admin.query(
      numbered(insertPlace),
      row.map((value, i) => (i === 5 && value !== null ? value === 1 : value)),
    );
  for (const row of copiedStops) await admin.query(numbered(insertStop), [...row]);
  await admin.query(
    'alter table place add column price numeric(8,2), add column zoned timestamptz, add column fixed char(3)',
  );
  pool = openPool({ ...options, maxConnections: 4 });
  catalog = await readCatalog(pool, copiedKeys);
  identity = await readDatabaseIdentity(pool);
  directory = await temporaryDirectory('copies');
  const common = {
    catalog: () => Promise.resolve(catalog),
    schema: 'public',
    timeoutMs: 20_000,
    maxKeys: 100_000,
  };
  if (hasMariadb) {
    mariadb = await startMariadb();
    mysqlAdmin = await mariadb.connect();
    // A collation that ignores case and accents, and blanks at the end.
    await mysqlAdmin.query('alter database copy character set utf8mb4 collate utf8mb4_general_ci');
    await mysqlAdmin.query(copiedSchema('varchar(200)', 'double', 'boolean', 'datetime(6)'));
    for (const row of copiedPlaces) await mysqlAdmin.execute(insertPlace, [...row]);
    for (const row of copiedStops) await mysqlAdmin.execute(insertStop, [...row]);
    copies.set('mariadb', new CopySource({ ...common, database: new MysqlDatabase(mariadb.options) }));
  }
  if (sqliteProblem === undefined) {
    const path = join(directory.path, 'copy.sqlite');
    const file = openSqlite(path);
    file.exec(copiedSchema('text collate nocase', 'real', 'boolean', 'datetime'));
    file.exec('begin');
    for (const row of copiedPlaces) file.prepare(insertPlace).run(...row);
    for (const row of copiedStops) file.prepare(insertStop).run(...row);
    file.exec('commit');
    file.close();
    copies.set(
      'sqlite',
      new CopySource({
        ...common,
        database: new SqliteDatabase({ path, program: sqliteProgram, environment: sqliteEnvironment }),
      }),
    );
  }
}, 120_000);
afterAll(async () => {
  await mysqlAdmin?.end();
  await mariadb?.[Symbol.asyncDispose]();
  await pool?.[Symbol.asyncDispose]();
  await admin?.end();
  await server?.stop();
  await directory?.[Symbol.asyncDispose]();
});

async function fragmentsOf(query: string, partitionKey = 'region'): Promise<readonly Fragment[]> {
  const key = copiedKeys.find(({ name }) => name === partitionKey);
  if (key === undefined) throw new Error(partitionKey);
  const split = await splitQuery(
    { query, partitionKey, datatype: key.datatype },
    { pool, catalog, databaseIdentity: identity, partitionKeys: copiedKeys },
  );
  return 'refused' in split ? [] : split.fragments;
}

/** The fragment that is all of a statement. */
async function whole(query: string, partitionKey?: string): Promise<Fragment> {
  const [fragment] = await fragmentsOf(query, partitionKey);
  if (fragment === undefined) throw new Error(`no fragment: ${query}`);
  return fragment;
}

function keysIn(outcome: FragmentOutcome): unknown {
  if (outcome.status !== 'ok') return outcome;
  const { keys: found, hasNullKey } = outcome;
  return { keys: [...found].map(String).sort(), distinct: new Set(found).size === found.length, hasNullKey };
}

async function original(fragment: Fragment): Promise<unknown> {
  return keysIn(
    await new PostgresqlSource({ pool, timeoutMs: 20_000, maxKeys: 100_000 }).run(fragment, never),
  );
}

describe.each([
  ['mariadb', hasMariadb ? undefined : 'no MariaDB server is installed'],
  ['sqlite', sqliteProblem],
])('%s', (name, problem) => {
  const run = problem === undefined ? test : test.skip;
  const because = problem === undefined ? '' : ` (${problem})`;
  const source = (): FragmentSource => {
    const found = copies.get(name);
    if (found === undefined) throw new Error(name);
    return found;
  };

  run(`gives the keys that PostgreSQL gives, for all sorts of conditions${because}`, async () => {
    let ran = 0;
    const property = fc.asyncProperty(randomCopiedStatement, async ({ key, query }) => {
      for (const fragment of await fragmentsOf(query, key)) {
        const found = keysIn(await source().run(fragment, never));
        expect({ query, found }).toEqual({ query, found: await original(fragment) });
        ran++;
      }
    });
    await fc.assert(property, { numRuns: name === 'sqlite' ? 12 : 100 });
    expect(ran).toBeGreaterThan(10);
  });

  run.each([
    ["upper(p.name) = 'A'", 'a comparison of something that is computed'],
    ["p.name ilike 'a%'", 'the operator ~~*'],
    ["p.name < 'b'", 'the order of name, which depends on its collation'],
    ['p.size + 1 > 3', 'a comparison of something that is computed'],
    ['p.size > 2.5', 'a comparison of size with a value of another type'],
    ['p.price > 2', 'the type of place.price'],
    ["p.zoned > '2024-01-01 00:00:00+00'", 'the type of place.zoned'],
    ["p.fixed = 'a'", 'the type of place.fixed'],
    ["p.opened > '24-1-1'", 'the constant that opened is compared with'],
    ["p.opened > 'infinity'", 'the constant that opened is compared with'],
    ['p.id = any (array[1, 2])', 'the operator = in this form'],
    ['exists (select from stop s where s.id = p.id)', 'an expression of the kind SubLink'],
    ['p.name is distinct from p.code', 'the operator = in this form'],
  ])(`refuses: %s${because}`, async (where, reason) => {
    const fragment = await whole(`select * from place p where ${where}`);
    const error = `${name === 'sqlite' ? 'sqlite' : 'mysql'} may not mean the same by ${reason}`;
    expect(await source().run(fragment, never)).toEqual({ status: 'failed', isForGood: true, error });
  });

  run(`refuses: an operator of the user's own that comes first${because}`, async () => {
    const fragment = await whole('select * from place p where p.size = 3');
    const withPath = {
      ...fragment,
      settings: { ...fragment.settings, search_path: '"mine", "pg_catalog", "public"' },
    };
    expect(await source().run(withPath, never)).toMatchObject({ status: 'ok' });
    await admin.query(`create schema mine;
      create function mine.differs(int, bigint) returns boolean language sql immutable as 'select $1::bigint <> $2';
      create operator mine.= (function = mine.differs, leftarg = int, rightarg = bigint)`);
    catalog = await readCatalog(pool, copiedKeys);
    expect(await source().run(withPath, never)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining("not PostgreSQL's own"),
    });
    await admin.query('drop schema mine cascade');
    catalog = await readCatalog(pool, copiedKeys);
  });

  run(`refuses: a text that is not what its parts say${because}`, async () => {
    const outcome = await source().run(makeFragment('select 1; drop table place'), never);
    expect(outcome).toMatchObject({ status: 'failed', isForGood: true });
  });

  run(`is not asked once it is over${because}`, async () => {
    const fragment = await whole('select * from place p where p.size = 3');
    expect(await source().run(fragment, AbortSignal.abort())).toEqual({ status: 'aborted' });
  });
});

/** Every combination of rows has to be looked at, and none will do. */
const slowQuery = `select * from place p join place q on p.score = q.score join place r on q.score = r.score join place s on r.score = s.score
  join place t on s.score = t.score where p.size < q.size and q.size < r.size and r.size < s.size and s.size < t.size and t.size < p.size`;

(hasMariadb ? describe : describe.skip)(
  `mariadb, if all does not go well${hasMariadb ? '' : ' (no MariaDB server is installed)'}`,
  () => {
    const on = (
      options: Partial<MariadbServer['options']> = {},
      limits: { timeoutMs?: number; maxKeys?: number } = {},
    ): CopySource => {
      if (mariadb === undefined) throw new Error('no server');
      const database = new MysqlDatabase({ ...mariadb.options, ...options });
      return new CopySource({
        database,
        catalog: () => Promise.resolve(catalog),
        schema: 'public',
        timeoutMs: 20_000,
        maxKeys: 1_000,
        ...limits,
      });
    };
    const running = async (): Promise<number> => {
      const [rows] = await (mysqlAdmin as Connection).query(
        "select count(*) as n from information_schema.processlist where info like 'SELECT DISTINCT%'",
      );
      return Number((rows as { n: number }[])[0]?.n);
    };

    test('a run that takes too long is ended by the server', async () => {
      const outcome = await on({}, { timeoutMs: 100 }).run(await whole(slowQuery, 'score'), never);
      expect(outcome).toMatchObject({ status: 'timeout' });
      await until('nothing runs', async () => (await running()) === 0);
    });

    test('an abort ends it on the server', async () => {
      const stopping = new AbortController();
      const outcome = on().run(await whole(slowQuery, 'score'), stopping.signal);
      await until('it runs', async () => (await running()) === 1);
      stopping.abort();
      expect(await outcome).toEqual({ status: 'aborted' });
      await until('nothing runs', async () => (await running()) === 0);
    });

    test('a server that is not there, or does not know us, is unavailable', async () => {
      const fragment = await whole('select * from place p where p.size = 3');
      for (const wrong of [{ port: 1 }, { password: 'wrong' }])
        expect(await on(wrong).run(fragment, never)).toMatchObject({
          status: 'unavailable',
          hasStarted: false,
        });
    });

    test('too many keys are none', async () => {
      expect(
        await on({}, { maxKeys: 3 }).run(await whole('select * from place p where p.size >= 0'), never),
      ).toEqual({
        status: 'too_large',
        error: 'more than 3 keys',
      });
    });

    test.each([
      ['a column of another type', 'varchar(10)', 'size is of the type varchar'],
      ['a number of another kind', 'double', 'size is of the type double'],
    ])('refuses: %s', async (_, type, reason) => {
      const fragment = await whole('select * from place p where p.size = 3');
      await (mysqlAdmin as Connection).query(
        `create database other; create table other.place as select * from copy.place; alter table other.place modify size ${type}`,
      );
      const outcome = await on({ database: 'other' }).run(fragment, never);
      await (mysqlAdmin as Connection).query('drop database other');
      expect(outcome).toEqual({ status: 'failed', error: `not a copy: place.${reason}` });
    });
  },
);

(sqliteProblem === undefined ? describe : describe.skip)(
  `sqlite, if all does not go well${sqliteProblem === undefined ? '' : ` (${sqliteProblem})`}`,
  () => {
    const on = (path: string, limits: { timeoutMs?: number } = {}): CopySource =>
      new CopySource({
        ...{
          catalog: () => Promise.resolve(catalog),
          schema: 'public',
          timeoutMs: 20_000,
          maxKeys: 1_000,
          ...limits,
        },
        database: new SqliteDatabase({
          path: join(directory.path, path),
          program: sqliteProgram,
          environment: sqliteEnvironment,
        }),
      });

    test('a run that takes too long is killed, and so is one that is given up', async () => {
      const fragment = await whole(slowQuery, 'score');
      expect(await on('copy.sqlite', { timeoutMs: 300 }).run(fragment, never)).toMatchObject({
        status: 'timeout',
      });
      expect(await on('copy.sqlite').run(fragment, AbortSignal.timeout(300))).toEqual({ status: 'aborted' });
    });

    test('a file that is not there is unavailable, and is not made', async () => {
      const fragment = await whole('select * from place p where p.size = 3');
      for (let attempt = 0; attempt < 2; attempt++)
        expect(await on('missing.sqlite').run(fragment, never)).toMatchObject({
          status: 'unavailable',
          hasStarted: false,
        });
    });

    test.each([
      ['a text among numbers', "update place set size = 'three' where id = 1", 'p.size = 3', 'place.size'],
      [
        'a date in words',
        "update place set opened = '1 May 2024' where id = 1",
        "p.opened > '2024-01-01'",
        'place.opened',
      ],
      ['a number as a text', "update place set name = x'41' where id = 1", "p.name = 'A'", 'place.name'],
      [
        'a moment with a fraction',
        "update place set seen_at = '2024-01-01 00:00:00.50' where id = 1",
        "p.seen_at > '2024-01-01'",
        'place.seen_at',
      ],
      ['another truth', 'update place set is_open = 2 where id = 1', 'p.is_open', 'place.is_open'],
      ['a column that is missing', 'alter table place drop column size', 'p.size = 3', 'no such column'],
    ])('refuses: %s', async (title, change, where, reason) => {
      const fragment = await whole(`select * from place p where ${where}`);
      const path = `${title.replaceAll(' ', '-')}.sqlite`;
      const file = openSqlite(join(directory.path, path));
      file.exec(
        `attach '${join(directory.path, 'copy.sqlite')}' as copy; create table place as select * from copy.place; ${change}`,
      );
      file.close();
      expect(await on(path).run(fragment, never)).toMatchObject({
        status: 'failed',
        error: expect.stringContaining(reason),
      });
    });

    test('refuses: texts in UTF-16', async () => {
      const file = openSqlite(join(directory.path, 'wide.sqlite'));
      file.exec(
        `pragma encoding = 'UTF-16'; create table place (region int, name text); insert into place values (1, 'a')`,
      );
      file.close();
      const outcome = await on('wide.sqlite').run(
        await whole("select * from place p where p.name = 'a'"),
        never,
      );
      expect(outcome).toMatchObject({ status: 'failed', error: expect.stringContaining('UTF-16') });
    });
  },
);
