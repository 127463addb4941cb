import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeDescribe } from '../../src/wire/frontend/describe';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeFlush } from '../../src/wire/frontend/flush';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { until } from '../support/until';
import { firstColumns, transcript, WireClient } from '../support/wire-client';

/**
 * Clients that prepare a statement, and bind it only later, when they have read what it is: the hidden question for the context has to
 * go between the two, without ending the batch. Every conversation is held with the server as well, and the answers have to be equal.
 */
describe('a hidden question in the middle of a batch', () => {
  const text = 'select 40 + $1::int';
  let server: PostgresServer;
  let database: string;
  let engine: ScriptedEngine;
  let proxy: RecordedProxy;

  beforeAll(async () => {
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    database = await server.createDatabase();
  });

  afterAll(() => server?.stop());

  beforeEach(async () => {
    engine = new ScriptedEngine();
    engine.plans.set(text, { text: `${text} /* a hit */`, parameterOids: [23], needsContext: true });
    proxy = await startProxy(server.port, { [database]: engine });
  });

  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    expect(proxy.complaints).toEqual([]);
  });

  /** Bytes to send, and how many messages of which type to wait for; without a type, until the proxy has the bytes. */
  type Turn = readonly [bytes: readonly Buffer[], type?: string, count?: number];

  const parse = (statementName: string, query = text): Buffer =>
    encodeParse({ statementName, query, parameterTypeOids: [] });
  const describeStatement = (name: string): Buffer => encodeDescribe({ target: 'statement', name });
  const run = (statementName: string, value: string | null = '2'): readonly Buffer[] => [
    encodeBind({
      portalName: '',
      statementName,
      parameterFormats: [],
      parameters: value === null ? [] : [Buffer.from(value)],
      resultFormats: [],
    }),
    encodeExecute({ portalName: '', maxRows: 0 }),
  ];
  const query = (sql: string): Turn => [[encodeQuery({ query: sql })], 'Z'];

  async function say(port: number, turns: readonly Turn[]): Promise<string[]> {
    const client = await WireClient.login(port, { user: server.user, database });
    try {
      const lines: string[] = [];
      for (const [bytes, type, count] of turns) {
        const before = proxy.listener.traffic.bytesFromClients;
        client.send(...bytes);
        if (type !== undefined) lines.push(...transcript(await client.until(type, count)));
        else if (port === proxy.port)
          await until('it has come', () => proxy.listener.traffic.bytesFromClients > before);
      }
      return lines;
    } finally {
      client.close();
    }
  }

  /** Resolves to what was done with the candidates. */
  async function compare(turns: readonly Turn[]): Promise<readonly string[]> {
    const expected = await say(server.port, turns);
    expect(await say(proxy.port, turns)).toEqual(expected);
    return proxy.events.statements.map(({ plan, reason }) => reason ?? plan);
  }

  test.each([
    ['named', 's'],
    ['unnamed', ''],
  ])('the first execution of a session is restricted, the statement is %s', async (_, name) => {
    const turns: Turn[] = [
      [[parse(name), describeStatement(name), encodeFlush()], 'T'],
      [[...run(name), encodeSync()], 'Z'],
      [[...run(name, '3'), encodeSync()], 'Z'],
    ];
    expect(await compare(turns)).toEqual(['rewrite', 'rewrite']);
    expect(proxy.events.asks).toEqual(['answered']);
  });

  test('also if the Parse is not answered yet, and in parts', async () => {
    const [bind, execute] = run('');
    const turns: Turn[] = [[[parse('')]], [[bind as Buffer]], [[execute as Buffer]], [[encodeSync()], 'Z']];
    expect(await compare(turns)).toEqual(['rewrite']);
    expect(proxy.events.asks).toEqual(['answered']);
  });

  test('in a transaction block, once it has worked', async () => {
    const turns: Turn[] = [
      [[parse('a'), ...run('a'), encodeSync()], 'Z'],
      query(`begin; set local search_path = pg_catalog`),
      [[parse('s'), describeStatement('s'), encodeFlush()], 'T'],
      [[...run('s'), encodeSync()], 'Z'],
      query('commit'),
    ];
    expect(await compare(turns)).toEqual(['rewrite', 'rewrite']);
    expect(proxy.events.asks).toEqual(['answered', 'answered']);
  });

  test('the locks of the Parse are kept: the table cannot change before Execute', async () => {
    const onTable = 'select * from kept';
    engine.plans.set(onTable, { text: `${onTable} where true`, needsContext: true });
    await say(server.port, [query('create table kept (a int)')]);
    // While the question waits for a lock, another session tries to change the table, and has to wait too.
    engine.contextQuery = `select 'path', '${onTable}' from pg_advisory_lock_shared(7) where $1::text is not null`;
    const other = await WireClient.login(server.port, { user: server.user, database });
    other.send(encodeQuery({ query: `set lock_timeout = '100ms'; select pg_advisory_lock(7)` }));
    await other.until('Z');
    const client = await WireClient.login(proxy.port, { user: server.user, database });
    client.send(parse('s', onTable), describeStatement('s'), encodeFlush());
    await client.until('T');
    client.send(...run('s', null), encodeSync());
    const watching = `select count(*)::text from pg_locks where locktype = 'advisory' and not granted`;
    await until('the question waits', async () => {
      other.send(encodeQuery({ query: watching }));
      return firstColumns(await other.until('Z'))[0] === '1';
    });
    other.send(encodeQuery({ query: 'alter table kept alter a type text' }));
    expect(transcript(await other.until('Z')).join()).toContain('55P03');
    other.send(encodeQuery({ query: 'select pg_advisory_unlock(7)' }));
    expect(transcript(await client.until('Z')).map((line) => line[0])).toEqual(['2', 'C', 'Z']);
    expect(proxy.events.statements.map(({ plan }) => plan)).toEqual(['rewrite']);
    client.close();
    other.close();
  });

  test('refuses: the question fails; the statement goes as it came, and so do the next', async () => {
    engine.contextQuery = `select 1/0, $1::text`;
    const turns: Turn[] = [
      [[parse('s'), describeStatement('s'), encodeFlush()], 'T'],
      [[...run('s'), encodeSync()], 'Z'],
      [[...run('s'), encodeSync()], 'Z'],
    ];
    expect(await compare(turns)).toEqual(['context unknown', 'context uncertain']);
    expect(proxy.events.asks).toEqual(['failed']);
  });

  test('refuses: the question fails in a transaction block, which is what the client is told', async () => {
    const client = await WireClient.login(proxy.port, { user: server.user, database });
    client.send(parse('a'), ...run('a'), encodeSync(), encodeQuery({ query: 'begin; reset all' }));
    await client.until('Z', 2);
    client.send(parse('s'), describeStatement('s'), encodeFlush());
    await client.until('T');
    engine.contextQuery = `select 1/0, $1::text`;
    client.send(...run('s'), encodeSync());
    const told = transcript(await client.until('Z'));
    expect(told.map((line) => line[0])).toEqual(['E', 'Z']);
    expect(told.join()).toContain('22012');
    client.send(encodeQuery({ query: 'rollback' }), parse('b'), ...run('s'), encodeSync());
    expect(transcript(await client.until('Z', 2)).map((line) => line[0])).toEqual([
      'C',
      'Z',
      '1',
      '2',
      'D',
      'C',
      'Z',
    ]);
    client.close();
  });

  test('refuses: the Parse fails, and everything behind it is skipped', async () => {
    const turns: Turn[] = [
      [[parse('s')]],
      [[...run('s'), encodeSync()], 'Z'],
      // The name is taken: the server keeps the text it has.
      [[parse('s')]],
      [[...run('s'), encodeSync()], 'Z'],
      [[...run('s'), encodeSync()], 'Z'],
    ];
    await compare(turns);
    expect(proxy.events.asks[0]).toBe('answered');
    proxy.events.asks.length = 0;
    proxy.events.statements.length = 0;
    const failing = 'select $1::int from nowhere';
    engine.plans.set(failing, { text, parameterOids: [23], needsContext: true });
    expect(
      await compare([
        [[parse('f', failing)]],
        [[...run('f'), encodeSync()], 'Z'],
        // It is no failure of the question.
        [[parse('s'), describeStatement('s'), encodeFlush()], 'T'],
        [[...run('s'), encodeSync()], 'Z'],
      ]),
    ).toContain('rewrite');
    expect(proxy.events.asks.at(-1)).toBe('answered');
  });

  test('refuses: the Parse has failed while the engine was thinking', async () => {
    const late = 'select 41 + $1::int';
    let hasFailed = false;
    engine.plans.set(late, {
      text: `${late} /* a hit */`,
      parameterOids: [23],
      after: () => until('the Parse has failed', () => hasFailed).then(() => undefined),
    });
    const plan = engine.plan.bind(engine);
    engine.plan = (request) =>
      Promise.resolve(plan(request)).then((made) =>
        request.isContextCertain ? made : { kind: 'needsContext' as const },
      );
    const client = await WireClient.login(proxy.port, { user: server.user, database });
    client.send(parse('s'), encodeSync());
    await client.until('Z');
    const before = proxy.listener.traffic.bytesFromClients;
    client.send(parse('s', late));
    await until('it has come', () => proxy.listener.traffic.bytesFromClients > before);
    client.send(...run('s'), encodeSync());
    expect(transcript(await client.until('E')).join()).toContain('42P05');
    hasFailed = true;
    expect(transcript(await client.until('Z')).map((line) => line[0])).toEqual(['Z']);
    expect(proxy.events.asks).toEqual([]);
    client.close();
  });

  test('refuses: something was executed in the batch already, which an error would undo', async () => {
    await say(server.port, [query('create table if not exists written (a int)')]);
    const turns: Turn[] = [
      [[parse('w', 'insert into written values (1)'), ...run('w', null), encodeFlush()], 'C'],
      [[parse('s'), describeStatement('s'), encodeFlush()], 'T'],
      [[...run('s'), encodeSync()], 'Z'],
      query('select count(*) > 0 from written'),
    ];
    expect(await compare(turns)).toEqual(['context uncertain']);
    expect(proxy.events.asks).toEqual([]);
  });

  test('refuses: a Query before it in the same batch is not answered', async () => {
    const turns: Turn[] = [
      [[parse('s'), describeStatement('s'), encodeQuery({ query: 'select pg_sleep(0.1)' })]],
      [[...run('s'), encodeSync()], 'Z', 2],
    ];
    expect(await compare(turns)).toEqual(['context uncertain']);
    expect(proxy.events.asks).toEqual([]);
  });
});
