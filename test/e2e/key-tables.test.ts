import { Client } from 'pg';
import { type SqlText } from '../../src/query/ast/quote';
import { keyTable, rowsOfArray, type KeyTable } from '../../src/query/rewrite/key-table';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeDescribe } from '../../src/wire/frontend/describe';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { encodeCancelRequest } from '../../src/wire/startup/cancel-request';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { describeVersions } from '../support/postgres-versions';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { until } from '../support/until';
import { errorField, firstColumns, transcript, WireClient, type WireMessage } from '../support/wire-client';

/** Temporary tables with the keys of a restriction: made and dropped in the client's session, and never seen by it. */

const query = (text: string): Buffer => encodeQuery({ query: text });
const parse = (statementName: string, text: string): Buffer =>
  encodeParse({ statementName, query: text, parameterTypeOids: [] });
const run = (statementName: string): Buffer =>
  Buffer.concat([
    encodeBind({ portalName: '', statementName, parameterFormats: [], parameters: [], resultFormats: [] }),
    encodeDescribe({ target: 'portal', name: '' }),
    encodeExecute({ portalName: '', maxRows: 0 }),
  ]);
const sync = encodeSync();

const original = `select 'original'`;
const name = 'Pcache "keys" 1';
const array = `'{1,2,3}'::pg_catalog.int8[]` as SqlText;
const table = keyTable(name, rowsOfArray(array), true);
const rows = `(select count(*) from ${table.table})`;
const restricted = `select 'restricted ' || ${rows}`;
const seen = query('select seen()');

describeVersions('key tables', (binaries) => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let database: string;
  let client: Awaited<ReturnType<typeof WireClient.login>>;

  beforeAll(async () => {
    server = await startPostgres({
      binaries,
      hba: ['host all all 127.0.0.1/32 trust'],
      settings: { max_prepared_transactions: 2 },
    });
    database = await server.createDatabase();
    const direct = new Client(server.connectionOptions(database));
    await direct.connect();
    await direct.query(`
      create function seen() returns text language sql as
        'select string_agg(relname, '' '') from pg_class where relnamespace = pg_my_temp_schema()';
      create sequence try;
      create function drop_at_the_second_try(what text) returns void language plpgsql as $$
        begin
          if nextval('try') % 2 = 1 then raise 'not yet'; end if;
          execute what;
        end $$;
    `);
    await direct.end();
  });

  afterAll(() => server?.stop());

  beforeEach(async () => {
    engine = new ScriptedEngine();
    engine.contextQuery += ', pg_catalog.pg_backend_pid()';
    script(original, restricted, table);
    proxy = await startProxy(server.port, { [database]: engine }, { limits: { maxHeldBytes: 100_000 } });
    client = await login();
  });

  afterEach(async () => {
    expect(await seenTables()).toBeNull();
    client.close();
    await proxy[Symbol.asyncDispose]();
    expect(engine.catalogChanges).toBe(0);
    expect(proxy.events.scanningGivenUpCount).toBe(0);
    expect(proxy.complaints).toEqual([]);
  });

  const login = (): ReturnType<typeof WireClient.login> =>
    WireClient.login(proxy.port, { user: server.user, database });

  function script(text: string, sent: string, ...tables: KeyTable[]): void {
    engine.plans.set(text, { text: sent, needsContext: true, tables });
  }

  async function say(...messages: Buffer[]): Promise<WireMessage[]> {
    client.send(...messages);
    return client.until('Z');
  }

  const seenTables = async (): Promise<string | null | undefined> => firstColumns(await say(seen))[0];
  const types = (messages: readonly WireMessage[]): string => messages.map(({ type }) => type).join('');

  test('a simple query: the client sees its own replies', async () => {
    const { plans } = engine;
    plans.delete(original);
    const direct = transcript(await say(query(`select 'restricted 3'`)));
    script(original, restricted, table);
    for (let i = 0; i < 3; i++) {
      const messages = await say(query(original));
      expect(types(messages)).toBe('TDCZ');
      expect(firstColumns(messages)).toEqual(['restricted 3']);
      expect(transcript(messages.slice(1))).toEqual(direct.slice(1));
      expect(await seenTables()).toBeNull();
    }
    expect(proxy.events.keyTableOutcomes).toEqual(['made', 'made', 'made']);
    expect(engine.completions.map(({ outcome }) => outcome)).toEqual(['complete', 'complete', 'complete']);
  });

  test('the extended protocol: an unnamed statement, and a named one that is executed again', async () => {
    expect(types(await say(parse('', original), run(''), sync))).toBe('12TDCZ');
    expect(types(await say(parse('s', original), sync))).toBe('1Z');
    for (let i = 0; i < 2; i++) {
      const messages = await say(run('s'), sync);
      expect(types(messages)).toBe('2TDCZ');
      expect(firstColumns(messages)).toEqual(['restricted 3']);
    }
    expect(proxy.events.keyTableOutcomes).toEqual(['made', 'made', 'made']);
  });

  test('statements that are sent without waiting for the replies, each in a batch of its own', async () => {
    await say(query(original));
    client.send(query(original), query(original), parse('', original), run(''), sync, seen);
    const messages = await client.until('Z', 4);
    expect(firstColumns(messages)).toEqual(['restricted 3', 'restricted 3', 'restricted 3', null]);
  });

  test('an error of the statement is the client’s, and the table goes', async () => {
    script(original, `select 1 / (${rows} - 3)`, table);
    const failed = await say(query(original));
    expect(types(failed)).toBe('TEZ');
    expect(errorField(failed[1], 'C')).toBe('22012');
    expect(failed[2]?.body.toString()).toBe('I');
    expect(await seenTables()).toBeNull();
    const batch = await say(parse('', original), run(''), sync);
    expect(types(batch)).toBe('12TEZ');
    expect(proxy.events.keyTableOutcomes).toEqual(['made', 'made']);
  });

  test.each([
    ['a form that fails', `select 1 / (${rows} - 3)`],
    ['a reply that is too large', `select repeat('x', 200000 * ${rows}::integer)`],
    ['a form that does well', restricted],
  ])('a statement that may be run again: %s', async (_title, sent) => {
    engine.plans.set(original, { text: sent, needsContext: true, tables: [table], mustRetryOnError: true });
    const answer = sent === restricted ? 'restricted 3' : 'original';
    for (let i = 0; i < 3; i++) {
      const messages = await say(query(original));
      expect(types(messages)).toBe('TDCZ');
      expect(firstColumns(messages)).toEqual([answer]);
      const batch = await say(parse('', original), run(''), sync);
      expect(types(batch)).toBe('12TDCZ');
      expect(firstColumns(batch)).toEqual([answer]);
      expect(await seenTables()).toBeNull();
    }
    expect(proxy.events.keyTableOutcomes).toEqual(Array(6).fill('made'));
  });

  test.each([
    ['a transaction block', [query('begin')], [query('commit')]],
    ['a read-only block', [query('begin read only')], [query('commit')]],
    [
      'a block that is prepared',
      [query('begin')],
      [query(`prepare transaction 'p'`), query(`rollback prepared 'p'`)],
    ],
    ['behind a savepoint', [query('begin'), query('savepoint s')], [query('rollback to s'), query('commit')]],
  ])('none is made in %s', async (_title, before, after) => {
    await say(query(original));
    for (const message of before) await say(message);
    expect(firstColumns(await say(query(original)))).toEqual(['original']);
    expect(firstColumns(await say(parse('', original), run(''), sync))).toEqual(['original']);
    for (const message of after) expect(types(await say(message))).toBe('CZ');
    expect(firstColumns(await say(query(original)))).toEqual(['restricted 3']);
  });

  test('none is made for a statement that shares its batch, nor in a failed block', async () => {
    await say(query(original));
    const batch = await say(parse('s', original), run('s'), run('s'), sync);
    expect(firstColumns(batch)).toEqual(['original', 'original']);
    await say(query('begin'));
    await say(query('select 1 / 0'));
    expect(types(await say(query(original)))).toBe('EZ');
    await say(query('rollback'));
  });

  test('a table the server does not make: the statement goes as it came, and none is asked for any more', async () => {
    script(original, restricted, { ...table, create: [...table.create, 'select 1 / 0'] });
    expect(firstColumns(await say(query(original)))).toEqual(['original']);
    expect(await seenTables()).toBeNull();
    const batch = await say(parse('', original), run(''), sync);
    expect(types(batch)).toBe('12TDCZ');
    expect(firstColumns(batch)).toEqual(['original']);
    expect(proxy.events.keyTableOutcomes).toEqual(['refused']);
  });

  test('one that takes too long for the session’s time-out is tried again with the next statement', async () => {
    await say(query(`set statement_timeout = 200`));
    script(original, restricted, { ...table, create: ['select pg_sleep(10)'] });
    expect(firstColumns(await say(parse('', original), run(''), sync))).toEqual(['original']);
    script(original, restricted, table);
    await say(query(`set statement_timeout = 0`));
    expect(firstColumns(await say(query(original)))).toEqual(['restricted 3']);
    expect(proxy.events.keyTableOutcomes).toEqual(['refused', 'made']);
  });

  test('what the server has to say about it is not the client’s', async () => {
    await say(query('set client_min_messages = debug1'));
    expect(types(await say(query(original)))).toBe('TDCZ');
    expect(types(await say(parse('', original), run(''), sync))).toBe('12TDCZ');
    expect(proxy.events.keyTableOutcomes).toEqual(['made', 'made']);
    await say(query('reset client_min_messages'));
  });

  test('a table that cannot be dropped at once is dropped when it can', async () => {
    const drop = `select drop_at_the_second_try('${table.drop.replaceAll(`'`, `''`)}')`;
    script(original, restricted, { ...table, drop });
    for (const messages of [[query(original)], [parse('', original), run(''), sync]]) {
      expect(firstColumns(await say(...messages))).toEqual(['restricted 3']);
      await until('the table is dropped', async () => (await seenTables()) === null);
    }
  });

  test('one that cannot be dropped at all does not stop the session', async () => {
    script(original, restricted, { ...table, drop: 'select 1 / 0' });
    expect(firstColumns(await say(query(original)))).toEqual(['restricted 3']);
    for (let i = 0; i < 5; i++) expect(firstColumns(await say(query(`select ${i}`)))).toEqual([`${i}`]);
    // While it is there, no other is made.
    expect(firstColumns(await say(query(original)))).toEqual(['original']);
    expect(types(await say(query('discard temp')))).toBe('CZ');
  });

  test('a canceled statement', async () => {
    const sleeps = `select pg_sleep(100)`;
    script(sleeps, `${sleeps}, ${rows}`, table);
    const cancelRequest = encodeCancelRequest({
      processId: client.keyData.readInt32BE(0),
      secretKey: client.keyData.subarray(4),
    });
    for (const messages of [[query(sleeps)], [parse('', sleeps), run(''), sync]]) {
      client.send(...messages);
      const direct = new Client(server.connectionOptions(database));
      await direct.connect();
      await until('it sleeps', async () => {
        const { rowCount } = await direct.query(
          `select from pg_stat_activity where datname = $1 and wait_event = 'PgSleep'`,
          [database],
        );
        return rowCount === 1;
      });
      await direct.end();
      const canceler = await WireClient.open(proxy.port);
      canceler.send(cancelRequest);
      await canceler.untilClosed();
      const messagesBack = await client.until('Z');
      expect(messagesBack.some((message) => errorField(message, 'C') === '57014')).toBe(true);
      expect(await seenTables()).toBeNull();
    }
    expect(proxy.events.keyTableOutcomes).toEqual(['made', 'made']);
  });

  test('cancel requests at any time leave nothing behind', async () => {
    await say(query(original));
    const { keyData } = client;
    for (let i = 0; i < 30; i++) {
      client.send(query(original));
      const canceler = await WireClient.open(proxy.port);
      canceler.send(
        encodeCancelRequest({
          processId: keyData.readInt32BE(0),
          secretKey: keyData.subarray(4),
        }),
      );
      const messages = await client.until('Z');
      expect(['TDCZ', 'EZ', 'TEZ']).toContain(types(messages));
      if (types(messages) === 'TDCZ')
        expect(['restricted 3', 'original']).toContain(firstColumns(messages)[0]);
      await canceler.untilClosed();
    }
    // A cancel that is late may hit this one.
    await until('nothing is left', async () => (await seenTables()) === null);
  });

  test('behind a pooler, whose sessions are not the server’s, none is made', async () => {
    engine.contextQuery = engine.contextQuery.replace('pg_backend_pid()', 'pg_backend_pid() + 1');
    expect(firstColumns(await say(query(original)))).toEqual(['original']);
    expect(proxy.events.keyTableOutcomes).toEqual([]);
  });

  test('a session that listens hears of what happens meanwhile, and DISCARD ALL finds nothing', async () => {
    await say(query('listen news'));
    const direct = new Client(server.connectionOptions(database));
    await direct.connect();
    await direct.query(`notify news, 'now'`);
    await direct.end();
    expect(
      types(await say(query(original)))
        .split('')
        .sort()
        .join(''),
    ).toBe('ACDTZ');
    expect(types(await say(query('discard all')))).toBe('CZ');
    expect(firstColumns(await say(query(original)))).toEqual(['restricted 3']);
  });
});
