import { Client } from 'pg';
import { maxTwins } from '../../src/proxy/hidden/hidden-twins';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeClose } from '../../src/wire/frontend/close';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { firstColumns, transcript, WireClient, type WireMessage } from '../support/wire-client';

/**
 * The hidden statements that stay prepared for a client's prepared statements. What the server has is asked of a function, for
 * a text that names the view finds none of ours.
 */

const query = (text: string): Buffer => encodeQuery({ query: text });
const parse = (statementName: string, text: string): Buffer =>
  encodeParse({ statementName, query: text, parameterTypeOids: [] });
const run = (statementName: string, ...parameters: string[]): Buffer =>
  Buffer.concat([
    encodeBind({
      portalName: '',
      statementName,
      parameterFormats: [],
      parameters: parameters.map((parameter) => Buffer.from(parameter)),
      resultFormats: [],
    }),
    encodeExecute({ portalName: '', maxRows: 0 }),
  ]);
const sync = encodeSync();

const original = `select 'original ' || $1::text`;
const seen = query('select seen()');

describe('hidden statements', () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let database: string;
  let client: Awaited<ReturnType<typeof WireClient.login>>;

  beforeAll(async () => {
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    database = await server.createDatabase();
    const direct = new Client(server.connectionOptions(database));
    await direct.connect();
    await direct.query(`
      create function seen() returns text language sql as
        'select string_agg(name, '' '' order by name) from pg_prepared_statements';
      create function drop_hidden() returns void language plpgsql as $$
        declare n text;
        begin
          for n in select name from pg_prepared_statements where name like 'pcache%' loop
            execute 'deallocate ' || quote_ident(n);
          end loop;
        end $$;
      create table changing (a int);
      insert into changing values (1);
    `);
    await direct.end();
  });

  afterAll(async () => {
    await server?.stop();
  });

  beforeEach(async () => {
    engine = new ScriptedEngine();
    engine.plans.set(original, { text: `select 'modified ' || $1::text`, parameterOids: [25] });
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

  async function answers(...messages: Buffer[]): Promise<(string | null)[]> {
    client.send(...messages);
    return firstColumns(await client.until('Z'));
  }

  /** Names on the server, those of the proxy by their kind only. */
  const names = async (): Promise<string[]> =>
    ((await answers(seen))[0] ?? '').split(' ').filter(Boolean).sort();
  const shown = async (): Promise<string> =>
    (await names()).map((name) => name.replace(/^pcache_.*/, '(hidden)')).join(' ');

  /** What a conversation says, with all fields of errors. */
  async function say(port: number, exchanges: readonly Buffer[], replies = 1): Promise<string[]> {
    const speaker = await login(port);
    const all: WireMessage[] = [];
    for (const bytes of exchanges) {
      speaker.send(bytes);
      all.push(...(await speaker.until('Z', replies)));
    }
    speaker.close();
    return all
      .filter(({ type }) => type !== 'S')
      .map(({ type, body }) => `${type} ${body.toString('latin1').replace('modified', 'original')}`);
  }

  test('a statement that is executed later keeps one, and it is used again', async () => {
    expect(await answers(parse('s', original), run('s', 'a'), sync)).toEqual(['modified a']);
    expect(await shown()).toBe('s');
    expect(await answers(run('s', 'b'), sync)).toEqual(['modified b']);
    const [hidden] = await names();
    expect(hidden).toMatch(/^pcache_/);
    for (const value of ['c', 'd', 'e']) {
      expect(await answers(run('s', value), sync)).toEqual([`modified ${value}`]);
    }
    expect(await names()).toEqual([hidden, 's']);
  });

  test('also the unnamed one, and several times in one batch', async () => {
    await answers(parse('', original), sync);
    expect(await answers(run('', 'a'), run('', 'b'), sync)).toEqual(['modified a', 'modified b']);
    expect((await names()).length).toBe(1);
  });

  test('a text that lists prepared statements finds the client’s own', async () => {
    const list = 'select name from PG_PREPARED_STATEMENTS';
    await answers(parse('s', original), sync);
    await answers(parse('list', list), sync);
    for (let i = 0; i < 2; i++) {
      await answers(run('s', 'a'), sync);
      expect(await shown()).toBe('list (hidden) s');
      expect((await answers(query(list))).sort()).toEqual(['list', 's']);
      await answers(run('s', 'a'), sync);
      expect((await answers(run('list'), sync)).sort()).toEqual(['list', 's']);
    }
  });

  test.each([
    ['DISCARD ALL', query('discard all')],
    ['DEALLOCATE ALL', query('deallocate all')],
    ['DEALLOCATE ALL in a block', query(`do $$ begin execute 'deallocate all'; end $$`)],
    ['DEALLOCATE of the hidden one', query(`do $$ begin perform drop_hidden(); end $$`)],
  ])('%s: nothing is left, and nothing breaks', async (_title, drop) => {
    await answers(parse('s', original), sync);
    await answers(run('s', 'a'), sync);
    await answers(drop);
    expect(await shown()).not.toContain('hidden');
    const exchanges = [
      parse('s', original),
      run('s', 'a'),
      drop,
      run('s', 'b'),
      parse('s', original),
      run('s', 'c'),
      run('s', 'd'),
    ].map((bytes) => (bytes === drop ? bytes : Buffer.concat([bytes, sync])));
    expect(await say(proxy.port, exchanges)).toEqual(await say(server.port, exchanges));
    const pipelined = [Buffer.concat(exchanges)];
    expect(await say(proxy.port, pipelined, exchanges.length)).toEqual(
      await say(server.port, pipelined, exchanges.length),
    );
  });

  test('a transaction that is rolled back takes none back', async () => {
    const plan = { text: `select 'modified ' || $1::text`, parameterOids: [25], needsContext: true };
    engine.plans.set(original, plan);
    await answers(parse('s', original), run('s', 'a'), sync);
    await answers(query('begin'));
    await answers(run('s', 'a'), sync);
    const before = await names();
    await answers(query('rollback'));
    expect(await answers(run('s', 'b'), sync)).toEqual(['modified b']);
    expect(await names()).toEqual(before);
  });

  test('an error before it in the batch: its Parse is skipped, and the next batch does not rely on it', async () => {
    await answers(parse('s', original), sync);
    client.send(parse('bad', 'select nonsense'), run('s', 'a'), sync, run('s', 'b'), sync);
    const messages = await client.until('Z', 2);
    expect(messages.map(({ type }) => type).join('')).toBe('EZ2DCZ');
    expect(await answers(run('s', 'c'), sync)).toEqual(['modified c']);
    expect((await names()).length).toBe(2);
  });

  test('a value that cannot be read: the hidden statement stays', async () => {
    const text = 'select $1::int';
    engine.plans.set(text, { text: 'select $1::int + 0', parameterOids: [23] });
    await answers(parse('s', text), sync);
    client.send(run('s', 'x'), sync);
    expect(transcript(await client.until('Z'))[0]).toContain('C22P02');
    expect(await answers(run('s', '7'), sync)).toEqual(['7']);
    expect(await shown()).toBe('(hidden) s');
  });

  test(`not more than ${maxTwins}; the one not used for longest is closed`, async () => {
    const count = maxTwins + 8;
    const texts = Array.from({ length: count }, (_, i) => `select 'original ${i}'`);
    for (const [i, text] of texts.entries()) {
      engine.plans.set(text, { text: `select 'modified ${i}'` });
      await answers(parse(`s${i}`, text), sync);
    }
    const hidden = async (): Promise<number> =>
      (await names()).filter((name) => name.startsWith('pcache')).length;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < count; i++) {
        expect(await answers(run(`s${i}`), sync)).toEqual([`modified ${i}`]);
        // The first is used all the time.
        expect(await answers(run('s0'), sync)).toEqual(['modified 0']);
        if (i % 10 === 0) expect(await hidden()).toBeLessThanOrEqual(maxTwins);
      }
    }
    expect(await hidden()).toBe(maxTwins);
  });

  test('a statement that is closed, or parsed anew, does not leave its own behind', async () => {
    await answers(parse('s', original), sync);
    await answers(run('s', 'a'), sync);
    const [first] = await names();
    await answers(encodeClose({ target: 'statement', name: 's' }), sync);
    await answers(parse('s', original), sync);
    expect(await answers(run('s', 'b'), sync)).toEqual(['modified b']);
    const [second, ...others] = await names();
    expect([second === first, others]).toEqual([false, ['s']]);
  });

  describe('a column that a parameter is compared with has changed its type', () => {
    const text = `select 'original' where 5 = $1`;
    const types = `select '', (select statement from pg_prepared_statements where name = $1), pg_backend_pid(),
      (select array_to_string(parameter_types::oid[], ' ') from pg_prepared_statements where name = $1)`;
    const five = encodeBind({
      portalName: '',
      statementName: 's',
      parameterFormats: [1],
      parameters: [Buffer.from([0, 0, 0, 5])],
      resultFormats: [],
    });

    beforeEach(() => {
      engine.contextQuery = types;
    });

    test.each([
      ['the types it was prepared with', 23, 'modified'],
      ['others, in which its values would be read wrongly', 20, 'original'],
    ])('%s', async (_title, oid, expected) => {
      engine.plans.set(text, { text: `select 'modified' where 5 = $1`, parameterOids: [oid] });
      await answers(parse('s', text), sync);
      for (let i = 0; i < 3; i++)
        expect(await answers(five, encodeExecute({ portalName: '', maxRows: 0 }), sync)).toEqual([expected]);
      const asked = engine.contextReads.filter(({ preparedText }) => preparedText === text);
      expect(asked.map(({ preparedTypes }) => preparedTypes)).toEqual([[23]]);
    });
  });

  describe('a table that is changed', () => {
    const text = 'select * from changing';

    beforeEach(() => void engine.plans.set(text, { text: 'select * from changing where true' }));

    test.each([
      ['before the first execution', [parse('s', text), 'change', run('s'), run('s')]],
      ['between executions', [parse('s', text), run('s'), run('s'), 'change', run('s'), run('s')]],
      [
        'and the statement parsed anew',
        [
          parse('s', text),
          run('s'),
          'change',
          run('s'),
          encodeClose({ target: 'statement', name: 's' }),
          parse('s', text),
          run('s'),
          run('s'),
        ],
      ],
      [
        'and the unnamed statement parsed anew',
        [parse('', text), run(''), 'change', parse('', text), run('')],
      ],
    ] as const)('%s', async (_title, steps) => {
      const hold = async (port: number): Promise<string[]> => {
        const change = query('alter table changing alter a type text');
        const lines = await say(
          port,
          steps.map((step) => (step === 'change' ? change : Buffer.concat([step, sync]))),
        );
        await say(server.port, [query('alter table changing alter a type int using a::int')]);
        return lines;
      };
      const direct = await hold(server.port);
      expect(await hold(proxy.port)).toEqual(direct);
      expect(engine.completions.some(({ plan }) => plan.kind === 'rewrite')).toBe(true);
    });
  });

  test('none is left of a session: it ends with it', async () => {
    await answers(parse('s', original), sync);
    await answers(run('s', 'a'), sync);
    client.close();
    client = await login(proxy.port);
    expect(await shown()).toBe('');
  });
});
