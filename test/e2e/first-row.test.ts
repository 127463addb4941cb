import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeDescribe } from '../../src/wire/frontend/describe';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { encodeCancelRequest } from '../../src/wire/startup/cancel-request';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { firstColumns, transcript, WireClient } from '../support/wire-client';

const query = (text: string): Buffer => encodeQuery({ query: text });
const original = `select 'original' from generate_series(1, 3)`;
const batch = [
  encodeParse({ statementName: '', query: original, parameterTypeOids: [] }),
  encodeBind({ portalName: '', statementName: '', parameterFormats: [], parameters: [], resultFormats: [] }),
  encodeDescribe({ target: 'portal', name: '' }),
  encodeExecute({ portalName: '', maxRows: 0 }),
  encodeSync(),
];

/** A reply that is held back up to its first row, because nothing that may fail is left then: a guard has let the statement go on. */
describe.each([
  ['simple', [query(original)]],
  ['extended', batch],
])('a reply held back up to its first row, %s', (_title, messages) => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let client: Awaited<ReturnType<typeof WireClient.login>>;

  beforeAll(async () => {
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    const database = await server.createDatabase();
    engine = new ScriptedEngine();
    proxy = await startProxy(server.port, { [database]: engine }, { limits: { maxHeldBytes: 10_000 } });
    client = await WireClient.login(proxy.port, { user: server.user, database });
  });
  afterAll(async () => {
    client.close();
    await proxy[Symbol.asyncDispose]();
    await server.stop();
    expect(proxy.events.protocolErrors).toEqual([]);
  });
  beforeEach(async () => {
    // What the proxy still closes behind an error is under way: a statement that comes meanwhile is not alone.
    client.send(query('select 0'));
    await client.until('Z');
    engine.completions.splice(0);
  });

  const restrictedTo = (text: string): void =>
    void engine.plans.set(original, { text, mustRetryOnError: true, isCertainAtFirstRow: true });
  async function columns(): Promise<(string | null)[]> {
    client.send(...messages, query('select 4'));
    return firstColumns(await client.until('Z', 2));
  }

  test('fails before: the original is run unseen', async () => {
    restrictedTo(`select 'restricted' offset 1/0`);
    expect(await columns()).toEqual(['original', 'original', 'original', '4']);
    expect(engine.completions).toMatchObject([{ outcome: 'fellBack', givenUpFor: '22012' }]);
  });

  test('has no rows: passed on at its end', async () => {
    restrictedTo(`select 'restricted' where false`);
    expect(await columns()).toEqual(['4']);
    expect(engine.completions).toMatchObject([{ outcome: 'complete' }]);
  });

  test('is larger than what may be held: passed on as it comes', async () => {
    restrictedTo(`select repeat('x', 1000) from generate_series(1, 3000)`);
    expect(await columns()).toHaveLength(3_001);
    expect(engine.completions).toMatchObject([{ outcome: 'complete' }]);
  });

  test('its first row is larger than what may be held', async () => {
    restrictedTo(`select repeat('x', 3000000)`);
    expect(await columns()).toHaveLength(2);
    expect(engine.completions).toMatchObject([{ outcome: 'complete' }]);
  });

  test('comes before the rest: the client has the row while the server still works', async () => {
    restrictedTo(
      `select 'restricted ' || i || pg_sleep(case i when 200 then 3600 else 0 end) || repeat('x', 100) from generate_series(1, 200) i`,
    );
    client.send(...messages);
    await client.until('D');
    const canceler = await WireClient.open(proxy.port);
    const [processId, secretKey] = [client.keyData.readUInt32BE(0), client.keyData.subarray(4)];
    canceler.send(encodeCancelRequest({ processId, secretKey }));
    await canceler.untilClosed();
    expect(transcript(await client.until('Z')).join('\n')).toContain('C57014');
    expect(engine.completions).toMatchObject([{ outcome: 'failed' }]);
  });

  test('fails behind its first rows: the error is the client’s', async () => {
    restrictedTo(`select 1 / (2000 - i) from generate_series(1, 2000) i`);
    client.send(...messages);
    expect(transcript(await client.until('Z')).join('\n')).toContain('C22012');
    expect(engine.completions).toMatchObject([{ outcome: 'failed' }]);
  });
});
