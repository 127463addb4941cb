import { Client } from 'pg';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeDescribe } from '../../src/wire/frontend/describe';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeFlush } from '../../src/wire/frontend/flush';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { encodeCancelRequest } from '../../src/wire/startup/cancel-request';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine, type ScriptedPlan } from '../support/scripted-engine';
import { until } from '../support/until';
import { describeMessage, errorField, firstColumns, transcript, WireClient } from '../support/wire-client';

/**
 * What happens around statements that are rewritten. The engine is told what to send instead of what, so the rewritten form
 * can be told from the original by its answer: it says `rewritten`.
 */

const query = (text: string): Buffer => encodeQuery({ query: text });
const parse = (statementName: string, text: string, ...parameterTypeOids: number[]): Buffer =>
  encodeParse({ statementName, query: text, parameterTypeOids });
const bind = (portalName: string, statementName: string, ...parameters: string[]): Buffer =>
  encodeBind({
    portalName,
    statementName,
    parameterFormats: [],
    parameters: parameters.map((parameter) => Buffer.from(parameter)),
    resultFormats: [],
  });
const execute = (portalName = '', maxRows = 0): Buffer => encodeExecute({ portalName, maxRows });
const describePortal = (name = ''): Buffer => encodeDescribe({ target: 'portal', name });
const sync = encodeSync();

const original = `select 'original'`;
const rewritten = `select 'rewritten'`;
const parametrized = `select 'original ' || $1::text`;
const listPrepared = `select string_agg(name, ', ') from pg_prepared_statements`;

describe('rewriting', () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let database: string;
  let client: Awaited<ReturnType<typeof WireClient.login>>;

  beforeAll(async () => {
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    database = await server.createDatabase();
  });

  afterAll(async () => {
    await server?.stop();
  });

  beforeEach(async () => {
    engine = new ScriptedEngine();
    proxy = await startProxy(server.port, { [database]: engine }, { limits: { maxHeldBytes: 100_000 } });
    client = await login();
  });

  afterEach(async () => {
    client.close();
    await proxy[Symbol.asyncDispose]();
    expect(proxy.events.scanningGivenUpCount).toBe(0);
    expect(proxy.events.protocolErrors).toEqual([]);
  });

  const login = () => WireClient.login(proxy.port, { user: server.user, database });

  const script = (text: string, plan: ScriptedPlan): void => void engine.plans.set(text, plan);

  async function ask(...messages: Buffer[]): Promise<string[]> {
    client.send(...messages);
    return transcript(await client.until('Z'));
  }

  async function answers(...messages: Buffer[]): Promise<(string | null)[]> {
    client.send(...messages);
    return firstColumns(await client.until('Z'));
  }

  async function withServer<T>(action: (direct: Client) => Promise<T>): Promise<T> {
    const direct = new Client(server.connectionOptions(database));
    await direct.connect();
    try {
      return await action(direct);
    } finally {
      await direct.end();
    }
  }

  /** The lines PostgreSQL itself answers. */
  async function directly(...messages: Buffer[]): Promise<string[]> {
    const direct = await WireClient.login(server.port, { user: server.user, database });
    direct.send(...messages);
    const lines = transcript(await direct.until('Z'));
    direct.close();
    return lines;
  }

  describe('simple queries', () => {
    test('the engine text is sent instead', async () => {
      script(original, { text: rewritten });
      expect(await answers(query(original))).toEqual(['rewritten']);
      expect(engine.completions).toMatchObject([{ outcome: 'complete', plan: { kind: 'rewrite' } }]);
      expect(engine.completions[0]?.elapsedMs).toBeGreaterThan(0);
      expect(proxy.events.statements).toMatchObject([
        { plan: 'rewrite', outcome: 'complete', protocol: 'simple' },
      ]);
    });

    test('pipelined behind others, in order', async () => {
      script(original, { text: rewritten });
      client.send(query('select 1'), query(original), query('select 2'), query(original));
      expect(firstColumns(await client.until('Z', 4))).toEqual(['1', 'rewritten', '2', 'rewritten']);
    });

    test('decided later: the client waits, and the order is kept', async () => {
      let decide = (): void => undefined;
      const plan = { text: rewritten, needsContext: true };
      script(original, plan);
      await ask(query(original));
      script(original, { ...plan, after: () => new Promise((resolve) => (decide = resolve)) });
      client.send(query('select 1'), query(original), query('select 2'));
      expect(firstColumns(await client.until('Z'))).toEqual(['1']);
      client.send(query('select 3'));
      decide();
      expect(firstColumns(await client.until('Z', 3))).toEqual(['rewritten', '2', '3']);
    });

    test('text that is not UTF-8 is not offered', async () => {
      const text = Buffer.concat([Buffer.from(`select '`), Buffer.of(0xff), Buffer.from(`'\0`)]);
      const frame = Buffer.concat([Buffer.from('Q'), Buffer.alloc(4), text]);
      frame.writeUInt32BE(4 + text.length, 1);
      script(`select '\ufffd'`, { text: rewritten });
      expect((await ask(frame))[0]).toContain('C22021');
      expect(engine.requests).toEqual([]);
    });

    test('observe mode: planned, but not changed', async () => {
      script(original, { text: rewritten });
      await using observer = await startProxy(server.port, { [database]: engine }, { mode: 'observe' });
      const observed = await WireClient.login(observer.port, { user: server.user, database });
      observed.send(query(original));
      expect(firstColumns(await observed.until('Z'))).toEqual(['original']);
      observed.close();
      expect(engine.completions).toMatchObject([{ plan: { kind: 'forward', reason: 'observe mode' } }]);
    });

    test('the values of a Bind that was forwarded unread can be asked for when the run is done', async () => {
      script(parametrized, { text: rewritten });
      engine.failure = new Error('no plan');
      client.send(parse('', parametrized), bind('', '', 'value'), execute(), sync);
      expect(firstColumns(await client.until('Z'))).toEqual(['original value']);
      expect(engine.completions[0]?.parameters?.values.map(String)).toEqual(['value']);
    });

    test('off, and replication: not even inspected', async () => {
      script(original, { text: rewritten });
      await using off = await startProxy(server.port, { [database]: engine }, { mode: 'off' });
      const relayed = await WireClient.login(off.port, { user: server.user, database });
      relayed.send(query(original));
      expect(firstColumns(await relayed.until('Z'))).toEqual(['original']);
      relayed.close();
      const walSender = await WireClient.login(proxy.port, {
        user: server.user,
        database,
        replication: 'database',
      });
      walSender.send(query('IDENTIFY_SYSTEM'));
      expect(firstColumns(await walSender.until('Z'))).toHaveLength(1);
      walSender.close();
      expect(engine.requests).toEqual([]);
    });
  });

  describe('the extended protocol', () => {
    const plan: ScriptedPlan = { text: `select 'rewritten ' || $1::text`, parameterOids: [25] };

    test('the answer has the shape of the original, and no trace of the hidden messages', async () => {
      script(parametrized, plan);
      const messages = [parse('', parametrized), bind('', '', 'x'), describePortal(), execute(), sync];
      const lines = await ask(...messages);
      const withOriginal = lines.map((line) => line.replace('\\u000brewritten', '\\noriginal'));
      expect(withOriginal).toEqual(await directly(...messages));
      expect(lines.map((line) => line[0]).join('')).toBe('12TDCZ');
      expect(await answers(query(listPrepared))).toEqual([null]);
    });

    test('named statements, executed again and again; Describe is of the original', async () => {
      script(parametrized, plan);
      await ask(parse('mine', parametrized), encodeDescribe({ target: 'statement', name: 'mine' }), sync);
      for (const value of ['a', 'b', 'c']) {
        expect(await answers(bind('', 'mine', value), execute(), sync)).toEqual([`rewritten ${value}`]);
      }
      expect(engine.requests.map(({ parameters }) => parameters?.values.map(String))).toEqual([
        ['a'],
        // Again, when the server has said of what types its parameters are.
        ['a'],
        ['b'],
        ['c'],
      ]);
      expect(await answers(query(listPrepared))).toEqual(['mine']);
    });

    test('a pipeline of batches', async () => {
      script(parametrized, plan);
      client.send(
        ...['a', 'b', 'c'].flatMap((value) => [
          parse('', parametrized),
          bind('', '', value),
          execute(),
          sync,
        ]),
      );
      expect(firstColumns(await client.until('Z', 3))).toEqual(['rewritten a', 'rewritten b', 'rewritten c']);
    });

    test('several statements in one batch, and Flush', async () => {
      script(parametrized, plan);
      client.send(parse('', parametrized), bind('p', '', 'a'), execute('p'), encodeFlush());
      expect(firstColumns(await client.until('C'))).toEqual(['rewritten a']);
      client.send(bind('q', '', 'b'), execute('q'), sync);
      expect(firstColumns(await client.until('Z'))).toEqual(['rewritten b']);
    });

    test('a portal in parts keeps its plan across Syncs, though its statement is closed', async () => {
      const text = 'select $1::int + i from generate_series(1, 5) i';
      script(text, { text: 'select 100 + $1::int + i from generate_series(1, 5) i', parameterOids: [23] });
      await ask(query('begin'));
      expect(await answers(parse('', text, 23), bind('p', '', '0'), execute('p', 2), sync)).toEqual([
        '101',
        '102',
      ]);
      expect(await answers(query(listPrepared))).toEqual([null]);
      // Invalidates plans: the portal must not need its statement again.
      await ask(query('create table invalidating (a int); drop table invalidating'));
      expect(await answers(execute('p', 2), sync)).toEqual(['103', '104']);
      expect(await answers(execute('p', 2), sync)).toEqual(['105']);
      expect(engine.completions).toMatchObject([{ outcome: 'complete' }]);
      await ask(query('commit'));
    });

    test('an error at Bind leaves no hidden statement behind', async () => {
      const text = 'select $1::int';
      script(text, { text: 'select $1::int + 0', parameterOids: [23] });
      for (const status of ['I', 'T']) {
        if (status === 'T') await ask(query('begin'));
        const lines = await ask(parse('', text, 23), bind('', '', 'x'), execute(), sync);
        expect(lines[1]).toContain('C22P02');
        if (status === 'T') await ask(query('rollback'));
        expect(await answers(query(listPrepared))).toEqual([null]);
      }
      expect(engine.completions).toMatchObject([{ outcome: 'failed' }, { outcome: 'failed' }]);
    });

    test('an error of the hidden Parse is the client’s in a block that failed', async () => {
      script(original, { text: 'select nonsense' });
      await ask(query('begin'));
      client.send(query('select nonsense'), parse('', original), bind('', ''), execute(), sync);
      const messages = await client.until('Z', 2);
      expect(messages.map((message) => errorField(message, 'C') ?? message.type)).toEqual([
        '42703',
        'Z',
        '25P02',
        'Z',
      ]);
    });

    test('too few values: the server’s message names the client’s statement', async () => {
      script(parametrized, plan);
      const messages = [parse('mine', parametrized), bind('', 'mine'), execute(), sync];
      expect(await ask(...messages)).toEqual(await directly(...messages));
    });

    test('an error before it in the batch: everything is skipped, hidden messages too', async () => {
      script(parametrized, plan);
      const lines = await ask(
        parse('bad', 'select nonsense'),
        parse('', parametrized),
        bind('', '', 'a'),
        execute(),
        sync,
      );
      expect(lines).toHaveLength(2);
      expect(await answers(parse('', parametrized), bind('', '', 'b'), execute(), sync)).toEqual([
        'rewritten b',
      ]);
      expect(await answers(query(listPrepared))).toEqual([null]);
    });

    test('a Parse that failed leaves no wrong text behind', async () => {
      script(original, { text: rewritten });
      await ask(parse('s', `select 'mine'`), sync);
      expect((await ask(parse('s', original), sync))[0]).toContain('C42P05');
      expect(await answers(bind('', 's'), execute(), sync)).toEqual(['mine']);
    });

    test('a Parse that is still under way is not relied on beyond its batch', async () => {
      script(original, { text: rewritten });
      await ask(parse('s', `select 'mine'`), sync);
      client.send(parse('s', original), sync, bind('', 's'), execute(), sync);
      expect(firstColumns(await client.until('Z', 2))).toEqual(['mine']);
      client.send(parse('bad', 'select nonsense'), parse('', original), sync, bind('', ''), execute(), sync);
      const messages = await client.until('Z', 2);
      expect(messages.map((message) => errorField(message, 'C') ?? message.type)).toEqual([
        '42703',
        'Z',
        '26000',
        'Z',
      ]);
    });

    test('a simple query destroys the unnamed statement', async () => {
      script(original, { text: rewritten });
      await ask(parse('', original), sync);
      await ask(query('select 1'));
      expect((await ask(bind('', ''), execute(), sync))[0]).toContain('C26000');
    });

    test('values that are NULL, binary or empty get through as they are', async () => {
      const text = 'select coalesce($1::text, $2::text) || $3::int';
      script(text, {
        text: `select 'rewritten ' || coalesce($1::text, $2::text) || $3::int`,
        parameterOids: [25, 25, 23],
      });
      const number = Buffer.alloc(4);
      number.writeInt32BE(7);
      const mixed = encodeBind({
        portalName: '',
        statementName: '',
        parameterFormats: [0, 0, 1],
        parameters: [null, Buffer.alloc(0), number],
        resultFormats: [1],
      });
      expect(await answers(parse('', text, 25, 25, 23), mixed, execute(), sync)).toEqual(['rewritten 7']);
      expect(engine.requests[0]?.parameters).toEqual({
        declaredOids: [25, 25, 23],
        formats: [0, 0, 1],
        values: [null, Buffer.alloc(0), number],
      });
    });

    test('byte by byte', async () => {
      script(parametrized, plan);
      await client.dribble(Buffer.concat([parse('', parametrized), bind('', '', 'a'), execute(), sync]));
      expect(firstColumns(await client.until('Z'))).toEqual(['rewritten a']);
    });
  });

  describe('the context', () => {
    const plan: ScriptedPlan = { text: rewritten, needsContext: true };

    test('is asked for when it is needed, once', async () => {
      script(original, plan);
      expect(await ask(query(original))).toEqual(await directly(query(rewritten)));
      expect(await answers(query(original))).toEqual(['rewritten']);
      expect(proxy.events.asks).toEqual(['answered']);
      expect(await answers(query(listPrepared))).toEqual([null]);
    });

    test('is asked for before a Parse that has not been sent', async () => {
      script(original, plan);
      const lines = await ask(parse('', original), bind('', ''), describePortal(), execute(), sync);
      expect(lines.map((line) => line[0]).join('')).toBe('12TDCZ');
      expect(lines[3]).toContain('rewritten');
      expect(proxy.events.asks).toEqual(['answered']);
    });

    test('is asked for before a Parse with a name, and the name stays known', async () => {
      script(original, plan);
      expect(await answers(parse('s', original), bind('', 's'), execute(), sync)).toEqual(['rewritten']);
      expect(await answers(bind('', 's'), execute(), sync)).toEqual(['rewritten']);
      expect(proxy.events.asks).toEqual(['answered']);
    });

    test('is asked for before a Parse of a name that is taken: the server’s error, and its own statement', async () => {
      script(original, plan);
      await ask(query(`prepare s as select 'mine'`));
      expect((await ask(parse('s', original), bind('', 's'), execute(), sync))[0]).toContain('C42P05');
      expect(await answers(bind('', 's'), execute(), sync)).toEqual(['mine']);
    });

    test.each([
      ['SET', `set search_path = pg_catalog`],
      ['a DO block', `do $$ begin perform 1; end $$`],
      ['set_config', `select set_config('search_path', 'pg_catalog', false)`],
      ['a new temporary table', `create temporary table t (a int)`],
      ['a reported setting', `set timezone = 'Asia/Tokyo'`],
      ['an error', `set x.y = 1; select nonsense`],
    ])('is uncertain again after %s', async (_title, text) => {
      script(original, plan);
      await answers(query(original));
      client.send(query(text));
      await client.until('Z');
      expect(await answers(query(original))).toEqual(['rewritten']);
      expect(proxy.events.asks).toEqual(['answered', 'answered']);
    });

    test('stays certain over transaction control and quiet statements', async () => {
      script(original, plan);
      await answers(query(original));
      for (const text of [
        'begin',
        'select 1',
        'savepoint a',
        'release a',
        'commit',
        'start transaction; rollback',
      ]) {
        await ask(query(text));
        expect(await answers(query(original))).toEqual(['rewritten']);
      }
      expect(proxy.events.asks).toEqual(['answered']);
    });

    test('is uncertain behind a SET that is still under way', async () => {
      script(original, plan);
      await answers(query(original));
      client.send(query('set search_path = pg_catalog'), query(original));
      expect(firstColumns(await client.until('Z', 2))).toEqual(['original']);
      expect(engine.completions.at(-1)).toMatchObject({ plan: { reason: 'context uncertain' } });
    });

    test('SET LOCAL holds until the block ends', async () => {
      script(original, plan);
      await answers(query(original));
      await ask(query('begin'));
      await ask(query('set local search_path = pg_catalog'));
      await answers(query(original));
      expect(engine.contextReads.at(-1)?.context.id).toBe('pg_catalog');
      await ask(query('commit'));
      await answers(query(original));
      expect(engine.contextReads.at(-1)?.context.id).toBe('"$user", public');
    });

    test('a savepoint takes a SET back', async () => {
      script(original, plan);
      await answers(query(original));
      for (const text of ['begin', 'savepoint a', 'set search_path = pg_catalog']) await ask(query(text));
      await answers(query(original));
      await ask(query('rollback to a'));
      await answers(query(original));
      expect(engine.contextReads.map(({ context }) => context.id)).toEqual([
        '"$user", public',
        'pg_catalog',
        '"$user", public',
      ]);
    });

    test('is not asked for in a transaction before it has worked, nor in a failed one', async () => {
      script(original, plan);
      await ask(query('begin'));
      expect(await answers(query(original))).toEqual(['original']);
      await ask(query('select nonsense'));
      expect((await ask(query(original)))[0]).toContain('C25P02');
      expect(proxy.events.asks).toEqual([]);
    });

    test.each([
      ['simple', [query('begin')], 1],
      ['simple, in other words', [query('  START  TRANSACTION isolation level serializable')], 1],
      ['extended', [parse('', 'begin'), bind('', ''), execute(), sync], 1],
      ['pipelined with what follows', [query('begin'), query('select 1')], 2],
    ])('is asked for before a session’s first transaction block: %s', async (_title, begin, replies) => {
      script(original, plan);
      engine.isContextWanted = true;
      client.send(...begin);
      const messages = await client.until('Z', replies);
      expect(messages.filter(({ type }) => type === 'E')).toEqual([]);
      expect(await answers(query(original))).toEqual(['rewritten']);
      await ask(query('commit'));
      await ask(query('begin'));
      expect(await answers(query(original))).toEqual(['rewritten']);
      expect(proxy.events.asks).toEqual(['answered']);
    });

    test('is not certain in a block that began with a change of it', async () => {
      script(original, plan);
      engine.isContextWanted = true;
      client.send(query('begin'), query('set local search_path = pg_catalog'), query(original));
      expect(firstColumns(await client.until('Z', 3))).toEqual(['original']);
      expect(await answers(query(original))).toEqual(['rewritten']);
      expect(engine.contextReads.map(({ context }) => context.id)).toEqual(['"$user", public', 'pg_catalog']);
    });

    test('a question before a block that fails: the block begins all the same', async () => {
      script(original, plan);
      engine.isContextWanted = true;
      engine.contextQuery = 'select 1/0, $1';
      expect(await ask(query('begin'))).toEqual(['C "BEGIN\\u0000"', 'Z "T"']);
      expect(await answers(query(original))).toEqual(['original']);
      await ask(query('commit'));
      expect(proxy.events.asks).toEqual(['failed']);
    });

    test('is not asked for inside an unfinished batch, which a Sync would commit', async () => {
      script(original, plan);
      await ask(query('create table unfinished (a int)'));
      client.send(parse('', 'insert into unfinished values (1)'), bind('', ''), execute(), encodeFlush());
      await client.until('C');
      client.send(parse('', original), bind('', ''), execute(), parse('', 'select nonsense'), sync);
      expect(firstColumns(await client.until('Z'))).toEqual(['original']);
      expect(await answers(query('select count(*) from unfinished'))).toEqual(['0']);
    });

    test('a named statement that SQL has redefined is forwarded', async () => {
      script(original, plan);
      await ask(parse('s', original), sync);
      expect(await answers(bind('', 's'), execute(), sync)).toEqual(['rewritten']);
      await ask(query(`deallocate s; prepare s as select 'mine'`));
      expect(await answers(bind('', 's'), execute(), sync)).toEqual(['mine']);
      expect(engine.completions.at(-1)).toMatchObject({ plan: { reason: 'statement redefined' } });
    });

    test('a named statement is checked even if the context was read for another one', async () => {
      script(original, plan);
      await ask(parse('s', original), sync);
      await ask(query(`deallocate s; prepare s as select 'mine'`));
      expect(await answers(query(original))).toEqual(['rewritten']);
      expect(await answers(bind('', 's'), execute(), sync)).toEqual(['mine']);
    });

    test('a question that fails outside a block is not asked again', async () => {
      engine.contextQuery = 'select nonsense, $1';
      script(original, plan);
      expect(await ask(query(original))).toEqual(await directly(query(original)));
      expect(await answers(parse('', original), bind('', ''), execute(), sync)).toEqual(['original']);
      expect(proxy.events.asks).toEqual(['failed']);
      expect(engine.completions.map(({ plan }) => plan)).toMatchObject([
        { reason: 'context unknown' },
        { reason: 'context uncertain' },
      ]);
    });

    test.each(['simple', 'extended'])(
      'a question that fails in a block is the statement failing (%s)',
      async (kind) => {
        script(original, plan);
        await answers(query(original));
        engine.contextQuery = 'select 1/0, $1';
        await ask(query('begin'));
        await ask(query('set local search_path = pg_catalog'));
        if (kind === 'simple') client.send(query(original), query('select 1'));
        else
          client.send(
            parse('', original),
            bind('', ''),
            execute(),
            parse('x', 'select 1'),
            sync,
            query('select 1'),
          );
        const messages = await client.until('Z', 2);
        // Version 18 reports search_path, which the error sets back.
        expect(messages.filter(({ type }) => type !== 'S').map(describeMessage)).toEqual([
          expect.stringContaining('C22012'),
          'Z "E"',
          expect.stringContaining('C25P02'),
          'Z "E"',
        ]);
        await ask(query('rollback'));
        expect(await answers(query(original))).toEqual(['original']);
        expect(await answers(query(listPrepared))).toEqual([null]);
      },
    );

    test('is asked for after a statement the engine wants to learn from', async () => {
      script(original, { text: rewritten });
      engine.wantsContext = true;
      client.send(query(original), query('select 1'));
      expect(firstColumns(await client.until('Z', 2))).toEqual(['rewritten', '1']);
      await until('the run was reported with its context', () => engine.completions.length === 2);
      expect(engine.completions).toMatchObject([
        { isContextCertain: false, context: undefined },
        { isContextCertain: true, context: { id: '"$user", public' } },
      ]);
      expect(await answers(query('select 2'))).toEqual(['2']);
    });

    test('messages that come during a hidden question are answered after it', async () => {
      script(original, { text: rewritten });
      engine.wantsContext = true;
      engine.contextQuery = `select current_setting('search_path'), $1 from pg_sleep(0.2)`;
      await ask(query(original));
      expect(await answers(query('select 5'))).toEqual(['5']);
      expect(engine.completions).toHaveLength(2);
    });

    test('a server that ends the session during a hidden question tells the client why', async () => {
      script(original, plan);
      engine.contextQuery = `select pg_terminate_backend(pg_backend_pid())::text, $1 from pg_sleep(0)`;
      client.send(query(original));
      const messages = await client.untilClosed();
      expect(messages.map((message) => errorField(message, 'C'))).toEqual(['57P01']);
    });

    test('a notification during a hidden question is the client’s', async () => {
      script(original, plan);
      engine.contextQuery = `select current_setting('search_path'), $1 from pg_notify('news', 'hello')`;
      await ask(query('listen news'));
      const lines = await ask(query(original));
      expect(lines.map((line) => line[0]).join('')).toBe('ATDCZ');
    });
  });

  describe('a statement whose rewritten form the server does not take', () => {
    const refused = { text: 'select nosuch' };

    test('simple: the original is run unseen', async () => {
      script(original, refused);
      expect(await ask(query(original))).toEqual(await directly(query(original)));
      expect(engine.completions).toMatchObject([{ outcome: 'fellBack', givenUpFor: '42703' }]);
      expect(await answers(query('select 2'))).toEqual(['2']);
    });

    test.each([
      ['unnamed', '', true],
      ['named', 's', false],
    ])('extended, %s: the original is run unseen', async (_title, name, hasDescribe) => {
      script(parametrized, { text: 'select nosuch where $1 = $1', parameterOids: [25] });
      const batch = [bind('', name, 'x'), ...(hasDescribe ? [describePortal()] : []), execute(), sync];
      const all = [parse(name, parametrized), ...batch];
      expect(await ask(...all)).toEqual(await directly(...all));
      expect(engine.completions).toMatchObject([{ outcome: 'fellBack', givenUpFor: '42703' }]);
      expect(await answers(...batch)).toEqual(['original x']);
      expect(await answers(query(listPrepared))).toEqual([name === '' ? null : name]);
    });

    test('a right that is not there, which is known at Bind only', async () => {
      await directly(query('create table secret (); create role reader; grant reader to current_user'));
      script(original, { text: 'select 1 from secret' });
      await ask(query('set role reader'));
      expect(await answers(query(original))).toEqual(['original']);
      expect(await answers(parse('', original), bind('', ''), execute(), sync)).toEqual(['original']);
      expect(engine.completions).toMatchObject([{ givenUpFor: '42501' }, { givenUpFor: '42501' }]);
    });

    test('what may not be run twice is not: the first that comes of an INSERT may be what its trigger says', async () => {
      await directly(
        query(`create sequence drawn; create table audited (id bigint);
               create function refuse() returns trigger language plpgsql as $$ begin execute 'select nosuch'; return new; end $$;
               create trigger refuse after insert on audited for each row execute function refuse()`),
      );
      const insert = `insert into audited select nextval('drawn')`;
      script(insert, { text: `${insert} where true`, mayRunTwice: false });
      expect((await ask(query(insert)))[0]).toContain('C42703');
      expect(engine.completions).toMatchObject([{ outcome: 'failed' }]);
      expect(await answers(query('select last_value from drawn'))).toEqual(['1']);
    });

    test('the original fails as well: the error is its own', async () => {
      script('select alsonot', refused);
      expect(await ask(query('select alsonot'))).toEqual(await directly(query('select alsonot')));
      expect(engine.completions).toMatchObject([{ outcome: 'failed' }]);
    });

    test.each([
      ['in a block', [query('begin')], [query(original)], 1],
      [
        'in a batch with others',
        [],
        [parse('', original), bind('', ''), execute(), bind('', ''), execute(), sync],
        1,
      ],
      ['when the client has sent more', [], [query(original), query('select 3')], 2],
    ])(
      '%s the error is the client’s: nothing is run out of order',
      async (_title, before, messages, readies) => {
        script(original, refused);
        if (before.length > 0) await ask(...before);
        client.send(...messages);
        expect(transcript(await client.until('Z', readies)).join('\n')).toContain('C42703');
        expect(engine.completions.map(({ outcome }) => outcome)).not.toContain('fellBack');
        await ask(query('rollback'));
        expect(await answers(query('select 2'))).toEqual(['2']);
      },
    );

    test.each([
      ['simple', [query(original)]],
      ['extended', [parse('', original), bind('', ''), describePortal(), execute(), sync]],
    ])('an error of the same class once it runs is the client’s, %s', async (_title, messages) => {
      await directly(
        query(
          `create or replace function late() returns int language plpgsql as $$ begin execute 'select nosuch'; end $$`,
        ),
      );
      script(original, { text: 'select late()' });
      const lines = await ask(...messages);
      expect(lines.join('\n')).toContain('C42703');
      expect(lines.map((line) => line[0]).join('')).toMatch(/^(12)?TEZ$/);
      expect(engine.completions).toMatchObject([{ outcome: 'failed' }]);
    });

    test('byte by byte', async () => {
      script(original, refused);
      for (const byte of Buffer.concat([parse('', original), bind('', ''), execute(), sync])) {
        client.send(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const lines = transcript(await client.until('Z')).join('\n');
      expect(lines).toMatch(/original|C42703/);
      expect(await answers(query('select 2'))).toEqual(['2']);
    });
  });

  describe('a statement that may raise only because it was rewritten', () => {
    const failing: ScriptedPlan = { text: 'select 1/0', mustRetryOnError: true };

    test('simple: the original is run unseen', async () => {
      script(original, failing);
      const lines = await ask(query(original));
      expect(lines).toEqual(await directly(query(original)));
      expect(engine.completions).toMatchObject([{ outcome: 'fellBack' }]);
      expect(engine.requests).toMatchObject([{ canRetry: true }]);
      expect(await answers(query('select 2'))).toEqual(['2']);
    });

    test.each([
      ['unnamed', '', true],
      ['named', 's', false],
    ])('extended, %s: the original is run unseen', async (_title, name, hasDescribe) => {
      script(parametrized, { ...failing, text: 'select 1/0 where $1 = $1', parameterOids: [25] });
      const batch = [bind('', name, 'x'), ...(hasDescribe ? [describePortal()] : []), execute(), sync];
      const all = [parse(name, parametrized), ...batch];
      expect(await ask(...all)).toEqual(await directly(...all));
      expect(engine.completions).toMatchObject([{ outcome: 'fellBack' }]);
      expect(await answers(...batch)).toEqual(['original x']);
      expect(await answers(query(listPrepared))).toEqual([name === '' ? null : name]);
    });

    test('one that succeeds is passed on whole', async () => {
      script(original, { text: `select 'rewritten' from generate_series(1, 100)`, mustRetryOnError: true });
      client.send(query(original), query('select 3'));
      const columns = firstColumns(await client.until('Z', 2));
      expect(columns).toHaveLength(101);
      expect(columns[100]).toBe('3');
      expect(engine.completions).toMatchObject([{ outcome: 'complete' }]);
    });

    test('one that comes in many reads is passed on whole', async () => {
      const text = `select 'rewritten ' || i from generate_series(1, 3000) i`;
      script(original, { text, mustRetryOnError: true });
      expect(await answers(query(original))).toEqual(
        Array.from({ length: 3000 }, (_, i) => `rewritten ${String(i + 1)}`),
      );
      expect(engine.completions).toMatchObject([{ outcome: 'complete' }]);
    });

    test('fails after a part of the rows', async () => {
      const text = `select 'original' from generate_series(1, 3)`;
      script(text, { text: `select 1/(1000 - i) from generate_series(1, 2000) i`, mustRetryOnError: true });
      expect(await answers(query(text))).toEqual(['original', 'original', 'original']);
    });

    test('a reply that outgrows the limit is canceled, and the original run', async () => {
      const huge = `select 'rewritten' || repeat('x', 1000), pg_sleep(0.001) from generate_series(1, 100000)`;
      script(original, { text: huge, mustRetryOnError: true });
      client.send(query(original), query('select 3'));
      expect(firstColumns(await client.until('Z', 2))).toEqual(['original', '3']);
      expect(engine.completions).toMatchObject([{ outcome: 'fellBack' }]);
    });

    test('a reply that outgrows the limit just before its end: the cancel does not hit the original', async () => {
      script(original, {
        text: `select repeat('x', 60000) from generate_series(1, 2)`,
        mustRetryOnError: true,
      });
      for (let i = 0; i < 30; i++) {
        client.send(query(original), query('select 3'));
        expect(transcript(await client.until('Z', 2)).filter((line) => line.startsWith('E'))).toEqual([]);
      }
    });

    test('what the original raises is the client’s, and nothing is held against the restriction', async () => {
      script('select 2/0', failing);
      expect((await ask(query('select 2/0')))[0]).toContain('C22012');
      const text = 'select 3/$1::int';
      script(text, { ...failing, text: 'select 1/0 where $1 = 0', parameterOids: [23] });
      expect((await ask(parse('', text), bind('', '', '0'), execute(), sync))[1]).toContain('C22012');
      const failed = { outcome: 'failed', givenUpFor: '22012', plan: { kind: 'rewrite' } };
      expect(engine.completions).toMatchObject([failed, failed]);
      expect(proxy.events.statements).toMatchObject([{ outcome: 'fellBack' }, { outcome: 'fellBack' }]);
    });

    test('the engine is told why a form was given up, once the original has gone through', async () => {
      script(original, { text: 'select 1/0', mustRetryOnError: true });
      await ask(query(original));
      script(original, { text: `select repeat('x', 200000)`, mustRetryOnError: true });
      await ask(parse('', original), bind('', ''), execute(), sync);
      expect(engine.completions).toMatchObject([
        { outcome: 'fellBack', givenUpFor: '22012' },
        { outcome: 'fellBack', givenUpFor: 'reply too large' },
      ]);
    });

    test.each([
      ['in a transaction block', [query('begin')], 'Z', [query(original)]],
      ['behind another statement', [], '', [query('select pg_sleep(0.1)'), query(original)]],
      [
        'in a batch with others',
        [],
        '',
        [parse('', original), bind('', ''), execute(), bind('', ''), execute(), sync],
      ],
      [
        'in a batch that is not all here',
        [],
        '',
        [parse('', original), bind('', ''), execute(), encodeFlush()],
      ],
    ])('cannot be run again %s', async (_title, before, untilType, messages) => {
      script(original, failing);
      client.send(...before);
      if (untilType !== '') await client.until(untilType);
      client.send(...messages);
      await client.until('C', messages.length === 2 ? 2 : 1);
      expect(engine.requests[0]).toMatchObject({ canRetry: false });
      expect(engine.completions[0]).toMatchObject({ plan: { reason: 'cannot retry' } });
    });

    test('a cancel request is for the client’s statement, whichever form is running', async () => {
      script(original, { text: `select 'rewritten' from pg_sleep(30)`, mustRetryOnError: true });
      client.send(query(original));
      await withServer((direct) =>
        until('the rewritten form runs', async () => {
          const { rows } = await direct.query(
            `select 1 from pg_stat_activity where wait_event = 'PgSleep' and pid = $1`,
            [client.keyData.readUInt32BE(0)],
          );
          return rows.length === 1;
        }),
      );
      await cancel();
      expect(await canceledWith()).toBe('57014');
      expect(engine.completions).toMatchObject([{ outcome: 'failed' }]);
    });

    test('a cancel request that comes while the engine decides hits the statement that follows from it', async () => {
      let decide = (): void => undefined;
      const text = 'select pg_sleep(30)';
      script(text, { text, after: () => new Promise((resolve) => (decide = resolve)) });
      client.send(query(text));
      await until('the engine was asked', () => engine.requests.length === 1);
      const { bytesFromClients } = proxy.listener.traffic;
      const canceled = cancel();
      await until(
        'the cancel request is in',
        () => proxy.listener.traffic.bytesFromClients > bytesFromClients,
      );
      decide();
      await canceled;
      expect(await canceledWith()).toBe('57014');
    });

    test('a parameter status and a notice of a run that is given up', async () => {
      const noisy = `select set_config('application_name', 'noisy', false), 1/(2 - i) from generate_series(1, 2) i`;
      script(original, { text: noisy, mustRetryOnError: true });
      const lines = await ask(query(original));
      expect(lines.filter((line) => !line.startsWith('S'))).toEqual(await directly(query(original)));
      // Told and taken back, or not told at all; but never left at what is not so.
      const told = lines.filter((line) => line.startsWith('S'));
      expect(told.at(-1) ?? '').not.toContain('noisy');
    });

    async function canceledWith(): Promise<string | undefined> {
      const messages = await client.until('Z');
      return errorField(
        messages.find(({ type }) => type === 'E'),
        'C',
      );
    }

    async function cancel(): Promise<void> {
      const canceler = await WireClient.open(proxy.port);
      const { keyData } = client;
      canceler.send(
        encodeCancelRequest({ processId: keyData.readUInt32BE(0), secretKey: keyData.subarray(4) }),
      );
      await canceler.untilClosed();
    }
  });

  describe('an engine in trouble', () => {
    test('an exception while planning: the original goes out, and the case is counted', async () => {
      script(original, { text: rewritten });
      engine.failure = new Error('broken');
      expect(await answers(query(original))).toEqual(['original']);
      expect(proxy.events.engineFailures).toEqual(['plan']);
      expect(proxy.complaints).toHaveLength(1);
    });

    test('a promise that is rejected', async () => {
      script(original, { text: rewritten, after: () => Promise.reject(new Error('broken')) });
      expect(await answers(query(original))).toEqual(['original']);
      expect(await answers(parse('', original), bind('', ''), execute(), sync)).toEqual(['original']);
      expect(proxy.events.engineFailures).toEqual(['plan', 'plan']);
    });

    test('exceptions everywhere else', async () => {
      script(original, { text: rewritten });
      engine.completed = () => {
        throw new Error('broken');
      };
      engine.catalogChanged = () => {
        throw new Error('broken');
      };
      expect(await answers(query(original))).toEqual(['rewritten']);
      await ask(query('create temporary table t (a int)'));
      engine.inspect = () => {
        throw new Error('broken');
      };
      expect(await answers(query(original))).toEqual(['original']);
      expect(proxy.events.engineFailures).toEqual(['completed', 'catalogChanged', 'inspect']);
    });
  });

  describe('DDL', () => {
    test.each([
      ['outside a block', ['create table ddl_a (a int)', 'drop table ddl_a'], 2],
      ['when the block ends', ['begin', 'create table ddl_b (a int)', 'select 1', 'rollback'], 1],
      [
        'CREATE TABLE AS and SELECT INTO, though their tags say SELECT',
        ['create temp table x as select 1', 'select 1 into temp y'],
        2,
      ],
      [
        'but not what writes rows',
        ['create temp table z (a int)', 'insert into z values (1)', 'truncate z', 'select * from z'],
        1,
      ],
    ])('makes the engine read the catalog again: %s', async (_title, texts, changes) => {
      for (const text of texts) {
        const before = engine.catalogChanges;
        await ask(query(text));
        if (text.startsWith('select 1') && texts[0] === 'begin') expect(engine.catalogChanges).toBe(before);
      }
      expect(engine.catalogChanges).toBe(changes);
    });
  });
});
