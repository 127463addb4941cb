import type { TrackedKey } from '../../src/engine/database-engine';
import { encodeQuery } from '../../src/wire/frontend/query';
import { EngineHarness } from '../support/engine-harness';
import { hasPostgresBinaries } from '../support/postgres-binaries';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { until } from '../support/until';
import { transcript, WireClient } from '../support/wire-client';

/**
 * What a session did between two restricted statements, with the real engine: whether the context is asked for again, and that
 * the second one is never restricted by what holds in another context (rule S7).
 */

const region: TrackedKey = {
  name: 'region',
  datatype: 'integer',
  maxKeyShare: 1,
  tables: new Map([['public.place', 'region_id']]),
};

/** `other.place` has the same columns and rows that public.place has not. */
const schema = `
  create table place (id int primary key, region_id int not null, population int not null);
  insert into place select i, i % 20, i from generate_series(1, 200) as i;
  create schema other;
  create table other.place (id int primary key, region_id int not null, population int not null);
  insert into other.place select 1000 + i, 100 + i, 1 from generate_series(1, 3) as i;
  create table elsewhere (id int, note text);
  insert into elsewhere values (1, 'one');
  create function turn() returns text language sql volatile as
    $$ select set_config('search_path', 'other, public', false) $$;
  create view turning as select turn() as note;
  create function turning_equal(text, text) returns boolean language sql volatile as
    $$ select turn() is not null $$;
  analyze;
`;
const hit = 'select id from place where population < 4 order by 1';

// Version 18 reports a new search_path at once, version 15 keeps it to itself.
describe.each(['embedded', 'debian15'] as const)(
  'what happens between restricted statements, %s',
  (binaries) => {
    const isThere = hasPostgresBinaries(binaries);
    const testThere = isThere ? test : test.skip;
    let server: PostgresServer;
    let harness: EngineHarness;
    let proxy: RecordedProxy;
    const database = 'between';

    beforeAll(async () => {
      if (!isThere) return;
      server = await startPostgres({ binaries, hba: ['host all all 127.0.0.1/32 trust'] });
      await server.createDatabase(database);
      harness = await EngineHarness.open(server.connectionOptions(database), [region]);
      await harness.client.query(schema);
      await harness.refreshCatalog();
    });

    afterAll(async () => {
      await harness?.[Symbol.asyncDispose]();
      await server?.stop();
    });

    beforeEach(async () => {
      if (!isThere) return;
      await makeKnown();
      proxy = await startProxy(server.port, { [database]: harness.engine });
    });

    afterEach(async () => {
      if (!isThere) return;
      await proxy[Symbol.asyncDispose]();
      expect(proxy.events.engineFailures).toEqual([]);
    });

    const makeKnown = (): Promise<unknown> =>
      until('a restriction', async () => {
        await harness.learn(hit);
        return (await harness.plan(hit)).kind === 'rewrite';
      });

    async function say(port: number, texts: readonly string[]): Promise<string[]> {
      const client = await WireClient.login(port, { user: server.user, database });
      const lines: string[] = [];
      for (const text of texts) {
        // DDL makes the engine forget; with a restriction at hand there is something to get wrong.
        if (port === proxy.port) await makeKnown();
        client.send(encodeQuery({ query: text }));
        // Row descriptions have identifiers of relations in them, and settings are reported when the server likes to.
        lines.push(...transcript(await client.until('Z')).filter((line) => !/^[ST]/.test(line)));
      }
      client.close();
      return lines;
    }

    async function compare(texts: readonly string[]): Promise<readonly string[]> {
      expect(await say(proxy.port, texts)).toEqual(await say(server.port, texts));
      return proxy.events.statements.map(({ plan, reason }) => reason ?? plan);
    }

    testThere('statements on other tables, and transaction control, leave it as it was', async () => {
      const quiet = [`select * from elsewhere where id = 1`, 'select 1', `select upper(note) from elsewhere`];
      const texts = [
        hit,
        ...quiet,
        hit,
        'begin',
        hit,
        ...quiet,
        hit,
        'savepoint s',
        'rollback to s',
        'commit',
        hit,
      ];
      expect(await compare(texts)).toEqual(Array(5).fill('rewrite'));
      expect(proxy.events.asks).toEqual(['answered']);
    });

    testThere(
      'a session that ends with its first error is not restricted by what may fail unseen',
      async () => {
        const raising = 'select id from place where 100 / population > 50 order by 1';
        await harness.learn(raising);
        await until('a restriction', async () => (await harness.plan(raising)).kind === 'rewrite');
        expect(await compare([hit, raising])).toEqual(['rewrite', 'rewrite']);
        proxy.events.statements.length = 0;
        expect(await compare(['set exit_on_error = on', hit, raising])).toEqual([
          'rewrite',
          'may raise an error',
        ]);
      },
    );

    testThere('a session that begins with a transaction block is restricted in it', async () => {
      await compare([hit]);
      proxy.events.asks.length = 0;
      proxy.events.statements.length = 0;
      expect(await compare(['begin', hit, hit, 'commit'])).toEqual(['rewrite', 'rewrite']);
      expect(proxy.events.asks).toEqual(['answered']);
    });

    testThere.each([
      ['a setting', [`set search_path = other`]],
      ['a setting in a select', [`select set_config('search_path', 'other', false)`]],
      ['a function', [`select turn()`]],
      ['a function in a condition', [`select 1 from elsewhere where turn() is not null`]],
      [
        'a function called as a column',
        [
          `create function note_of(elsewhere) returns text language sql volatile as 'select turn()'`,
          `select elsewhere.note_of from elsewhere`,
          'drop function note_of(elsewhere)',
        ],
      ],
      ['a view', [`select * from turning`]],
      [
        'an operator',
        [
          'create operator ==== (leftarg = text, rightarg = text, function = turning_equal)',
          hit,
          `select 1 from elsewhere where note ==== 'one'`,
          hit,
          'drop operator ==== (text, text)',
        ],
      ],
      [
        'a temporary view with the name of a table',
        [`create temporary view elsewhere as select turn() as note`, hit, `select * from elsewhere`],
      ],
      [
        'the same, its name in capitals',
        [`create temporary view elsewhere as select turn() as note`, hit, `select * from ELSEWHERE`],
      ],
      [
        'the same, its name in codes',
        [`create temporary view elsewhere as select turn() as note`, hit, `select * from u&"\\0065lsewhere"`],
      ],
      [
        'a temporary view with a tracked table’s name',
        [
          `create temporary view place as select 1 as id, 1 as region_id, length(turn()) as population`,
          hit,
          'drop view pg_temp.place',
        ],
      ],
      ['a temporary table with its name', [`create temporary table place as select * from other.place`]],
      ['a block of code', [`do $$ begin perform turn(); end $$`]],
      ['a setting that is rolled back', ['begin', `set search_path = other`, hit, 'rollback']],
      [
        'a setting after a savepoint that is rolled back',
        ['begin', 'savepoint s', `set search_path = other`, hit, 'rollback to s', hit, 'commit'],
      ],
      ['a setting that holds for the block', ['begin', `set local search_path = other`, hit, 'commit']],
      ['a setting in one string with the begin', ['begin; set local search_path = other', hit, 'commit']],
      [
        'a cursor that calls the function',
        ['begin', `declare c cursor for select turn()`, hit, 'fetch c', hit, 'commit'],
      ],
      ['a prepared statement that calls it', [`prepare p as select turn()`, hit, 'execute p']],
    ])('refuses: what held before %s', async (_title, between) => {
      const plans = await compare([hit, ...between, hit, 'select * from elsewhere', hit]);
      expect(plans[0]).toBe('rewrite');
      await compare(['begin', hit, 'commit', ...between, hit]);
    });
  },
);
