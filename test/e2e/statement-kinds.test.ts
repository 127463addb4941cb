import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine, type ScriptedPlan } from '../support/scripted-engine';
import { transcript, WireClient } from '../support/wire-client';

const query = (text: string): Buffer => encodeQuery({ query: text });
const extended = (text: string): Buffer =>
  Buffer.concat([
    encodeParse({ statementName: '', query: text, parameterTypeOids: [] }),
    encodeBind({
      portalName: '',
      statementName: '',
      parameterFormats: [],
      parameters: [],
      resultFormats: [],
    }),
    encodeExecute({ portalName: '', maxRows: 0 }),
    encodeSync(),
  ]);

/** Statements that are no plain SELECT, rewritten: the client gets what PostgreSQL itself answers to the rewritten text. */
describe('kinds of statements that are rewritten', () => {
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
    client = await login(proxy.port);
  });

  afterEach(async () => {
    client.close();
    await proxy[Symbol.asyncDispose]();
    expect(proxy.events.scanningGivenUpCount).toBe(0);
    expect(proxy.events.protocolErrors).toEqual([]);
  });

  const login = (port: number) => WireClient.login(port, { user: server.user, database });
  const script = (text: string, plan: ScriptedPlan): void => void engine.plans.set(text, plan);

  async function ask(...messages: Buffer[]): Promise<string[]> {
    client.send(...messages);
    return transcript(await client.until('Z'));
  }

  async function directly(...messages: Buffer[]): Promise<string[]> {
    const direct = await login(server.port);
    direct.send(...messages);
    const lines = transcript(await direct.until('Z'));
    direct.close();
    return lines;
  }

  const copy = (rows: string): string => `copy (select ${rows}) to stdout`;

  test.each([
    ['simple', query, false],
    ['simple, held', query, true],
    ['extended', extended, false],
    ['extended, held', extended, true],
  ])('COPY (SELECT) TO STDOUT, %s', async (_title, send, mustRetryOnError) => {
    const restricted = copy(`'row ' || i from generate_series(1, 100) i`);
    script(copy('1'), { text: restricted, mustRetryOnError });
    expect(await ask(send(copy('1')))).toEqual(await directly(send(restricted)));
    expect(engine.completions).toMatchObject([{ outcome: 'complete', plan: { kind: 'rewrite' } }]);
    expect(await ask(query('select 2'))).toEqual(await directly(query('select 2')));
  });

  test.each([
    ['simple', query],
    ['extended', extended],
  ])('a COPY that fails after some of its rows: the client sees nothing of it, %s', async (_title, send) => {
    script(copy('1'), { text: copy('1 / (50 - i) from generate_series(1, 100) i'), mustRetryOnError: true });
    expect(await ask(send(copy('1')))).toEqual(await directly(send(copy('1'))));
    expect(engine.completions).toMatchObject([{ outcome: 'fellBack' }]);
    expect(await ask(query('select 2'))).toEqual(await directly(query('select 2')));
  });

  test('a COPY that outgrows the limit is run as it was written', async () => {
    script(copy('1'), {
      text: copy(`repeat('x', 1000) from generate_series(1, 10000)`),
      mustRetryOnError: true,
    });
    expect(await ask(query(copy('1')))).toEqual(await directly(query(copy('1'))));
  });

  test('CREATE TABLE AS that fails leaves nothing behind, and is run again', async () => {
    const text = `create table made as select 1 as a`;
    script(text, { text: `create table made as select 1 / 0 as a`, mustRetryOnError: true });
    expect((await ask(query(text)))[0]).toContain('SELECT 1');
    expect(await ask(query('table made'))).toHaveLength(4);
    await ask(query('drop table made'));
    expect(engine.catalogChanges).toBeGreaterThan(0);
  });

  test('EXPLAIN ANALYZE of one makes the engine read the catalog again', async () => {
    await ask(query('explain analyze create temp table made_too as select 1'));
    expect(engine.catalogChanges).toBe(1);
  });

  test('a cursor, and what is fetched from it', async () => {
    const text = `declare c cursor for select 1`;
    script(text, { text: `declare c cursor for select i from generate_series(1, 3) i` });
    await ask(query('begin'));
    expect((await ask(query(text)))[0]).toContain('DECLARE CURSOR');
    expect((await ask(query('fetch all from c'))).filter((line) => line.startsWith('D'))).toHaveLength(3);
    await ask(query('commit'));
  });

  test('several statements in one text', async () => {
    const text = `begin; select 1; select 2; commit`;
    const restricted = `begin; select 10; select 20; commit`;
    script(text, { text: restricted });
    expect(await ask(query(text))).toEqual(await directly(query(restricted)));
    expect(engine.completions).toMatchObject([{ outcome: 'complete' }]);
  });
});
