import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { insert, type Insertion } from '../../src/query/rewrite/insertion';
import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { findPostgresProgram } from '../support/postgres-binaries';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine, type ScriptedPlan } from '../support/scripted-engine';
import { errorField, WireClient, type WireMessage } from '../support/wire-client';

/** Errors and notices of rewritten statements point to the place in the text the client sent, as PostgreSQL itself does. */

const psql = findPostgresProgram('psql');
const run = promisify(execFile);

/** Text between marks is what is inserted: `select 1 from t« where k»`. */
function marked(text: string): { original: string; plan: ScriptedPlan } {
  const insertions: Insertion[] = [];
  const original = text.replace(/«(.*?)»/g, '');
  let before = '';
  for (const [i, part] of text.split(/[«»]/).entries()) {
    if (i % 2 === 0) before += part;
    else insertions.push({ at: Buffer.byteLength(before), text: part });
  }
  return { original, plan: { text: insert(original, insertions), insertions } };
}

/** Everything an error or notice says. */
const fieldsOf = ({ type, body }: WireMessage): string[] => [
  type,
  ...body.toString('utf8').split('\0').filter(Boolean),
];

describe('positions in errors', () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let database: string;

  beforeAll(async () => {
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    database = await server.createDatabase();
    engine = new ScriptedEngine();
    proxy = await startProxy(server.port, { [database]: engine });
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  beforeEach(() => {
    engine.plans.clear();
    engine.completions.length = 0;
  });

  /** The errors and notices of the last message, all fields of them. */
  async function complaints(port: number, ...exchanges: readonly Buffer[]): Promise<string[][]> {
    const client = await WireClient.login(port, { user: server.user, database });
    try {
      let messages: WireMessage[] = [];
      for (const bytes of exchanges) {
        client.send(bytes);
        messages = await client.until('Z');
      }
      return messages.filter(({ type }) => type === 'E' || type === 'N').map(fieldsOf);
    } finally {
      client.close();
    }
  }

  const position = (lines: readonly string[] | undefined): string | undefined =>
    lines?.find((field) => field.startsWith('P'));

  const texts = [
    ['behind one insertion', `select i from generate_series(1, 2) i« WHERE i < 9» union select nonsense`],
    [
      'behind several, with characters of several bytes before it',
      `select 'é北🏙' "straße" from generate_series(1, 2) i where« (» i > 0« ) AND i < 9 AND 'Ω🏙' <> ''» union select nonsense`,
    ],
    ['before the insertion', `select nonsense from generate_series(1, 2) i« WHERE i < 9»`],
    ['right before the insertion', `select i from generate_series(1, 2) i, nonsense« WHERE i < 9»`],
    [
      'behind the insertion, in the same block',
      `select i from generate_series(1, 2) i« WHERE i < 9» order by 7`,
    ],
  ] as const;

  describe.each([
    ['passed on', {}],
    ['held back, then given up', { mustRetryOnError: true }],
  ])('%s', (_title, extra) => {
    test.each(texts)('a simple query: %s', async (_where, text) => {
      const { original, plan } = marked(text);
      engine.plans.set(original, { ...plan, ...extra });
      const query = encodeQuery({ query: original });
      const direct = await complaints(server.port, query);
      expect(position(direct[0])).toBeDefined();
      expect(await complaints(proxy.port, query)).toEqual(direct);
      expect(engine.completions).toMatchObject([{ plan: { kind: 'rewrite' } }]);
    });
  });

  test('a prepared statement whose table is gone', async () => {
    const { original, plan } = marked(
      `select '北' from generate_series(1, 2) i« WHERE i < 9» union select note from going where $1 = 1`,
    );
    engine.plans.set(original, { ...plan, parameterOids: [23] });
    const prepare = Buffer.concat([
      encodeParse({ statementName: 's', query: original, parameterTypeOids: [23] }),
      encodeSync(),
    ]);
    const execute = Buffer.concat([
      encodeBind({
        portalName: '',
        statementName: 's',
        parameterFormats: [],
        parameters: [Buffer.from('1')],
        resultFormats: [],
      }),
      encodeExecute({ portalName: '', maxRows: 0 }),
      encodeSync(),
    ]);
    const hold = (port: number): Promise<string[][]> =>
      complaints(
        port,
        encodeQuery({ query: 'create temporary table going (note text)' }),
        prepare,
        encodeQuery({ query: 'drop table going' }),
        execute,
      );
    const direct = await hold(server.port);
    expect(position(direct[0])).toBeDefined();
    expect(await hold(proxy.port)).toEqual(direct);
    expect(engine.completions).toMatchObject([{ plan: { kind: 'rewrite' }, outcome: 'failed' }]);
  });

  test('a warning', async () => {
    const { original, plan } = marked(
      `select 'é' from generate_series(1, 2) i« WHERE i < 9» union select 'a\\b'`,
    );
    engine.plans.set(original, plan);
    const exchanges = [
      encodeQuery({ query: 'set standard_conforming_strings = off' }),
      encodeQuery({ query: original }),
    ];
    const direct = await complaints(server.port, ...exchanges);
    expect(direct[0]?.[0]).toBe('N');
    expect(position(direct[0])).toBeDefined();
    expect(await complaints(proxy.port, ...exchanges)).toEqual(direct);
  });

  test('in a database that counts bytes', async () => {
    const name = `${database}_ascii`;
    const admin = new Client(server.connectionOptions('postgres'));
    await admin.connect();
    await admin.query(`create database ${name} template template0 encoding 'SQL_ASCII' locale 'C'`);
    await admin.end();
    const { original, plan } = marked(
      `select 'é北' from generate_series(1, 2) i« WHERE i < 9 AND 'é' <> ''» union select nonsense`,
    );
    engine.plans.set(original, plan);
    await using other = await startProxy(server.port, { [name]: engine });
    const ask = async (port: number): Promise<string[][]> => {
      const client = await WireClient.login(port, { user: server.user, database: name });
      client.send(encodeQuery({ query: original }));
      const messages = await client.until('Z');
      client.close();
      return messages.map(fieldsOf);
    };
    expect(await ask(other.port)).toEqual(await ask(server.port));
    expect(engine.completions).toMatchObject([{ plan: { kind: 'rewrite' } }]);
  });

  test('an error in what was added has none', async () => {
    const { original, plan } = marked(`select i from generate_series(1, 2) i« WHERE nonsense» order by 1`);
    engine.plans.set(original, plan);
    const client = await WireClient.login(proxy.port, { user: server.user, database });
    // Outside of a block the original would be run in its place.
    client.send(encodeQuery({ query: 'begin' }));
    await client.until('Z');
    client.send(encodeQuery({ query: original }));
    const [error] = await client.until('Z');
    client.close();
    expect([errorField(error, 'C'), errorField(error, 'P')]).toEqual(['42703', undefined]);
  });

  test('the position inside a function stays as it is', async () => {
    const { original, plan } = marked(
      `select i from generate_series(1, 2) i« WHERE i < 9» union select length(xmlserialize(content query_to_xml('select nonsense', true, true, '') as text))`,
    );
    engine.plans.set(original, plan);
    const query = encodeQuery({ query: original });
    const direct = await complaints(server.port, query);
    expect(direct[0]?.some((field) => field.startsWith('p'))).toBe(true);
    expect(await complaints(proxy.port, query)).toEqual(direct);
  });

  (psql === undefined ? test.skip : test)('what psql shows: the line and the mark', async () => {
    const { original, plan } = marked(
      `select 'é北🏙'\n  from generate_series(1, 2) i\n where« (» i > 0« ) AND i < 9»\n union\nselect nonsense`,
    );
    engine.plans.set(original, plan);
    const show = async (port: number): Promise<string> => {
      const env = { ...process.env, PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: server.user };
      const options = { env: { ...env, PGDATABASE: database, PGCLIENTENCODING: 'UTF8', LC_ALL: 'C.UTF-8' } };
      const shown = run(psql ?? '', ['-X', '-c', original], options);
      const { stderr } = await shown.catch((error: unknown) => error as { readonly stderr: string });
      return stderr;
    };
    const direct = await show(server.port);
    expect(direct).toContain('LINE 5: select nonsense');
    expect(await show(proxy.port)).toBe(direct);
    expect(engine.completions).toMatchObject([{ plan: { kind: 'rewrite' }, outcome: 'failed' }]);
  });
});
