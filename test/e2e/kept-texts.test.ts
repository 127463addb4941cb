import { Client } from 'pg';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { encodeCancelRequest } from '../../src/wire/startup/cancel-request';
import { maxKept } from '../../src/proxy/hidden/text-keeper';
import { describeVersions } from '../support/postgres-versions';
import { ProxiedDatabase } from '../support/proxied-database';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine, type ScriptedPlan } from '../support/scripted-engine';
import { until } from '../support/until';
import { firstColumns, transcript, WireClient, type WireMessage } from '../support/wire-client';

const query = (text: string): Buffer => encodeQuery({ query: text });
const bound = (statementName: string): Buffer =>
  Buffer.concat([
    encodeBind({ portalName: '', statementName, parameterFormats: [], parameters: [], resultFormats: [] }),
    encodeExecute({ portalName: '', maxRows: 0 }),
    encodeSync(),
  ]);
const parsed = (statementName: string, text: string): Buffer =>
  encodeParse({ statementName, query: text, parameterTypeOids: [] });
/** What the server has, asked of a function: for a text that names the view finds none of ours. */
const seen = query('select seen()');
const original = `select 'original'`;

/** Texts that come again and are sent as hidden statements. The engine is scripted, so that any text can be one. */
describe('kept texts', () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let database: string;
  let client: Awaited<ReturnType<typeof WireClient.login>>;
  let direct: Client;

  beforeAll(async () => {
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    database = await server.createDatabase();
    direct = new Client(server.connectionOptions(database));
    await direct.connect();
    await direct.query(`
      create function seen() returns text language sql as
        'select string_agg(name, '' '' order by name) from pg_prepared_statements';
      create function drop_hidden() returns text language plpgsql as $$
        declare n text;
        begin
          for n in select name from pg_prepared_statements where name like 'pcache%' loop
            execute 'deallocate ' || quote_ident(n);
          end loop;
          return 'dropped';
        end $$;
      create function says(i int) returns int volatile language plpgsql as
        $$ begin raise notice 'says %', i; return i; end $$;
      create function says_at_once(i int) returns int immutable language plpgsql as
        $$ begin raise notice 'says at once %', i; return i; end $$;
      create table changing (a int);
      insert into changing values (1);
      create table late (a int, b int unique deferrable initially deferred);
      create function writes() returns int language sql as 'insert into late values (1, 1), (2, 1) returning a';`);
  });

  afterAll(async () => {
    await direct?.end();
    await server?.stop();
  });

  beforeEach(async () => {
    engine = new ScriptedEngine();
    proxy = await startProxy(server.port, { [database]: engine }, { limits: { maxHeldBytes: 100_000 } });
    client = await login(proxy.port);
  });

  afterEach(async () => {
    client.close();
    await proxy[Symbol.asyncDispose]();
    expect(proxy.events.scanningGivenUpCount).toBe(0);
    expect(proxy.complaints).toEqual([]);
  });

  const login = (port: number): ReturnType<typeof WireClient.login> =>
    WireClient.login(port, { user: server.user, database });
  const knowledge = {};
  const keep = (text: string, restricted: string, more: Partial<ScriptedPlan> = {}): void =>
    void engine.plans.set(text, { text: restricted, needsContext: true, lastsWith: knowledge, ...more });

  async function ask(message: Buffer, from: WireClient = client): Promise<WireMessage[]> {
    from.send(message);
    return from.until('Z');
  }
  const answers = async (message: Buffer): Promise<(string | null)[]> => firstColumns(await ask(message));
  const names = async (): Promise<readonly string[]> =>
    ((await answers(seen))[0] ?? '').split(' ').filter(Boolean);
  const outcomes = (): unknown[] =>
    engine.completions.map(({ outcome, givenUpFor }) => givenUpFor ?? outcome);

  test('the second time it is kept, and from then on it is the same', async () => {
    keep(original, `select 'restricted'`);
    expect(await answers(query(original))).toEqual(['restricted']);
    expect(await names()).toEqual([]);
    for (let i = 0; i < 3; i++) expect(await answers(query(original))).toEqual(['restricted']);
    const [hidden, ...others] = await names();
    expect(hidden).toMatch(/^pcache_/);
    expect(others).toEqual([]);
    expect(outcomes()).toEqual(['complete', 'complete', 'complete', 'complete']);
    expect(engine.completions.every(({ isTimed, elapsedMs }) => isTimed && elapsedMs > 0)).toBe(true);
  });

  test.each([
    ['rows', `select i, 'x', null, 1.5, now() is null from generate_series(1, 3) i`],
    ['no rows', `select 1 where false`],
    ['no columns', `select from generate_series(1, 3)`],
    ['rows that are more than may be held', `select repeat('x', 1000) from generate_series(1, 1000)`],
    ['an error before its first row', `select 1 / (1 - i) from generate_series(1, 3) i`],
    ['an error behind its first row', `select 1 / (3 - i) from generate_series(1, 3) i`],
    ['an error when it is planned', `select 1 / 0`],
    ['an error when it is parsed', `select no_such_column`],
    ['a syntax error', `select , from`],
    ['an error at its commit', `select writes()`],
    [
      'an error at its commit, and no rows',
      `select from (select writes() offset 0) t where false and writes() = 1`,
    ],
    ['notices when it is run', `select says(i) from generate_series(1, 2) i`],
    ['notices when it is planned', `select says_at_once(7)`],
    ['notices when it is parsed', `select 1 as ${'name_'.repeat(20)}`],
    ['a setting it reports', `select set_config('application_name', 'kept', false)`],
  ])('%s: the client sees what the server says of the text', async (_title, text) => {
    const asked = `${text} /* as asked */`;
    keep(asked, text);
    const plain = await login(server.port);
    for (let i = 0; i < 4; i++) {
      expect(transcript(await ask(query(asked)))).toEqual(transcript(await ask(query(text), plain)));
    }
    expect(await answers(query('select count(*) from late'))).toEqual(['0']);
    plain.close();
  });

  test('several in one breath', async () => {
    keep(original, `select 'restricted'`);
    client.send(...new Array<Buffer>(5).fill(query(original)), query('select 2'));
    expect(firstColumns(await client.until('Z', 6))).toEqual([
      ...new Array<string>(5).fill('restricted'),
      '2',
    ]);
    client.send(query(original), bound(''));
    const messages = await client.until('Z', 2);
    expect(firstColumns(messages)).toEqual(['restricted']);
    expect(transcript(messages).join('\n')).toContain('C26000');
  });

  test('the unnamed statement is gone, as behind a text', async () => {
    keep(original, `select 'restricted'`);
    for (let i = 0; i < 3; i++) {
      await ask(Buffer.concat([parsed('', 'select 3'), encodeSync()]));
      expect(await answers(bound(''))).toEqual(['3']);
      expect(await answers(query(original))).toEqual(['restricted']);
      expect(transcript(await ask(bound(''))).join('\n')).toContain('C26000');
    }
  });

  test('named statements of the client’s stay', async () => {
    keep(original, `select 'restricted'`);
    await ask(Buffer.concat([parsed('mine', 'select 3'), encodeSync()]));
    for (let i = 0; i < 3; i++) await ask(query(original));
    expect(await answers(bound('mine'))).toEqual(['3']);
    expect((await names()).length).toBe(2);
  });

  test('in a transaction block it is a text, and behind it the hidden statement is used again', async () => {
    keep(original, `select 'restricted'`);
    for (let i = 0; i < 2; i++) await ask(query(original));
    await ask(query('begin'));
    expect(await answers(query(original))).toEqual(['restricted']);
    await ask(query('commit'));
    const before = await names();
    expect(await answers(query(original))).toEqual(['restricted']);
    expect((await names()).length).toBe(before.length);
  });

  test.each([
    'discard all',
    'deallocate all',
    `do $$ begin execute 'deallocate all'; end $$`,
    `set search_path = pg_catalog, public`,
    `set timezone = 'Asia/Tokyo'`,
  ])('%s: it is parsed anew', async (text) => {
    keep(original, `select 'restricted ' || now()::text`);
    for (let i = 0; i < 3; i++) await ask(query(original));
    const [before] = await names();
    await ask(query(text));
    for (let i = 0; i < 2; i++) expect((await answers(query(original)))[0]).toMatch(/^restricted/);
    const after = await names();
    expect(after).toHaveLength(1);
    expect(after[0]).not.toBe(before);
    expect(outcomes()).not.toContain('fellBack');
  });

  test('the hidden statement is gone: the original is run, and in the end none is kept', async () => {
    keep(original, `select 'restricted'`);
    await ask(query(original));
    for (let i = 0; i < 3; i++) {
      expect(await answers(query(original))).toEqual(['restricted']);
      expect(await answers(query(`select drop_hidden()`))).toEqual(['dropped']);
      expect(await answers(query(original))).toEqual(['original']);
    }
    for (let i = 0; i < 3; i++) expect(await answers(query(original))).toEqual(['restricted']);
    expect(await names()).toEqual([]);
    expect(outcomes().filter((each) => each === 'hidden statement lost')).toHaveLength(3);
  });

  test('a table gets another column: as a text', async () => {
    const all = `select * from changing`;
    keep(all, `select * from changing where true`);
    for (let i = 0; i < 3; i++) expect((await ask(query(all))).length).toBe(4);
    await direct.query('alter table changing add b text default $$b$$');
    const plain = await login(server.port);
    for (let i = 0; i < 3; i++)
      expect(transcript(await ask(query(all)))).toEqual(transcript(await ask(query(all), plain)));
    await direct.query('alter table changing alter a type text using a::text || $$ now text$$');
    for (let i = 0; i < 3; i++)
      expect(transcript(await ask(query(all)))).toEqual(transcript(await ask(query(all), plain)));
    plain.close();
    expect(outcomes()).toContain('hidden statement lost');
  });

  test('what is known changes: it is parsed anew, and the old one closed', async () => {
    keep(original, `select 'restricted'`);
    for (let i = 0; i < 2; i++) await ask(query(original));
    const [before] = await names();
    keep(original, `select 'restricted'`, { lastsWith: {} });
    for (let i = 0; i < 2; i++) await ask(query(original));
    const after = await names();
    expect(after).toHaveLength(1);
    expect(after[0]).not.toBe(before);
  });

  test('more than are kept: the one used longest ago goes', async () => {
    const texts = Array.from({ length: maxKept + 3 }, (_, i) => `select ${i}`);
    for (const text of texts) keep(text, `${text} where true`);
    for (const text of texts) for (let i = 0; i < 2; i++) await ask(query(text));
    expect(await names()).toHaveLength(maxKept);
    for (const text of texts) expect(await answers(query(text))).toEqual([text.slice('select '.length)]);
  });

  test('a long text is not kept', async () => {
    keep(original, `select 'restricted' /* ${'x'.repeat(20_000)} */`);
    for (let i = 0; i < 3; i++) expect(await answers(query(original))).toEqual(['restricted']);
    expect(await names()).toEqual([]);
  });

  test('a text that lists prepared statements finds none, and what follows is kept again', async () => {
    keep(original, `select 'restricted'`);
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 3; j++) await ask(query(original));
      expect(await names()).toHaveLength(1);
      expect(await answers(query('select name from pg_prepared_statements'))).toEqual([]);
    }
    expect(engine.requests.every(({ canRetry }) => canRetry)).toBe(true);
  });

  test('a text that lists them is not restricted, nor finds any', async () => {
    keep(original, `select 'restricted'`);
    const lists = `select count(*) from pg_prepared_statements`;
    keep(lists, `select 'restricted'`);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) await ask(query(original));
      expect(await answers(query(lists))).toEqual(['0']);
    }
    expect(proxy.events.statements.map(({ reason }) => reason)).toContain('lists prepared statements');
  });

  test('what the server says of a hidden statement to whoever wants to know all is for nobody', async () => {
    keep(original, `select 'modified'`);
    const plain = await login(server.port);
    for (const each of [client, plain]) await ask(query('set client_min_messages = debug2'), each);
    for (let i = 0; i < 4; i++) {
      const told = transcript(await ask(query(original))).map((line) => line.replace('modified', 'original'));
      expect(told).toEqual(transcript(await ask(query(original), plain)));
    }
    plain.close();
  });

  test('a cancel request ends it, with the client’s error', async () => {
    const slow = `select 'original', pg_sleep(3600)`;
    keep(slow, `select 'restricted', case when i = 2 then pg_sleep(3600) end from generate_series(1, 2) i`);
    const isAsleep = async (): Promise<boolean> => {
      const asleep = await direct.query(`select from pg_stat_activity where wait_event = 'PgSleep'`);
      return asleep.rowCount === 1;
    };
    for (let i = 0; i < 3; i++) {
      client.send(query(slow));
      await until('the statement sleeps', isAsleep);
      const canceler = await WireClient.open(proxy.port);
      const [processId, secretKey] = [client.keyData.readUInt32BE(0), client.keyData.subarray(4)];
      canceler.send(encodeCancelRequest({ processId, secretKey }));
      await canceler.untilClosed();
      expect(transcript(await client.until('Z')).join('\n')).toContain('C57014');
    }
    expect(await answers(query('select 1'))).toEqual(['1']);
  });

  test('the server ends the session in the middle: the client has its error', async () => {
    const ends = `select pg_terminate_backend(pg_backend_pid()) from changing where a = '99'`;
    keep(original, ends);
    for (let i = 0; i < 3; i++) expect(await answers(query(original))).toEqual([]);
    await direct.query(`insert into changing values (99)`);
    client.send(query(original));
    expect(transcript(await client.untilClosed()).join('\n')).toContain('C57P01');
  });
});

/** The whole program, on data that is promised not to change; everything else does. */
describeVersions('texts the program keeps', (binaries) => {
  const found = `select p.*, v.rating from place p join visit v on v.region_id = p.region_id and v.id = p.id where p.name = 'Rome' order by p.id`;
  const now = `select p.id, p.seen < 'now' as x from place p where p.name = 'Rome' and p.seen < 'now' order by p.id`;
  let database: ProxiedDatabase;
  let through: Client;
  let direct: Client;

  beforeAll(async () => {
    database = await ProxiedDatabase.start({ binaries });
    [through, direct] = [new Client(database.through), new Client(database.direct)];
    await Promise.all([through.connect(), direct.connect()]);
    await through.query(`set pcache.method = 'inline'`);
  });
  afterAll(async () => {
    await Promise.all([through?.end(), direct?.end()]);
    await database?.[Symbol.asyncDispose]();
  });

  const kept = async (): Promise<number> => (await database.metrics()).get('pcache_kept_texts_total') ?? NaN;
  const same = async (text: string): Promise<void> => {
    const [a, b] = [await through.query(text), await direct.query(text)];
    expect(a.rows).toEqual(b.rows);
    expect(a.fields.map(({ name, dataTypeID, format }) => [name, dataTypeID, format])).toEqual(
      b.fields.map(({ name, dataTypeID, format }) => [name, dataTypeID, format]),
    );
  };
  const isKept = async (text: string): Promise<void> => {
    await until('the text is kept', async () => {
      const before = await kept();
      await same(text);
      return (await kept()) > before;
    });
  };

  test('a text that is restricted is kept, and stays what it is whatever others do', async () => {
    await isKept(found);
    for (const change of [
      `alter table place add column height int default 7`,
      `alter table place alter column height type text using 'as text ' || height`,
      `alter table visit rename column rating to stars; alter table visit add column rating int default 3`,
      `create index on place (name)`,
      `drop index place_name_idx`,
      `alter table visit rename to visit_old; create table visit as select id, region_id, -1 as rating from visit_old`,
      `drop table visit; alter table visit_old rename to visit`,
      `analyze place`,
    ]) {
      await direct.query(change);
      for (let i = 0; i < 4; i++) await same(found);
    }
  });

  test('nor whatever the session sets', async () => {
    await isKept(found);
    for (const setting of [
      `set timezone = 'Asia/Tokyo'`,
      `set datestyle = 'German'`,
      `set search_path = pg_catalog, public`,
      `set enable_nestloop = off`,
      `begin; set local timezone = 'UTC'; commit`,
      `set bytea_output = 'escape'`,
      `set intervalstyle = 'iso_8601'`,
    ]) {
      await Promise.all([through.query(setting), direct.query(setting)]);
      for (let i = 0; i < 4; i++) await same(found);
    }
    await Promise.all([through.query('discard all'), direct.query('discard all')]);
    for (let i = 0; i < 4; i++) await same(found);
  });

  test('a text that means something else each time is not', async () => {
    const hitsBefore = await database.hits();
    for (let i = 0; i < 5; i++) await same(now);
    await until('it is restricted', async () => {
      await same(now);
      return (await database.hits()) > hitsBefore + 3;
    });
    const before = await kept();
    for (let i = 0; i < 5; i++) await same(now);
    expect(await kept()).toBe(before);
  });

  test('there was no trouble', async () => {
    expect(await database.trouble()).toEqual([]);
  });
});
