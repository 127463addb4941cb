import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeClose } from '../../src/wire/frontend/close';
import { encodeCopyData } from '../../src/wire/frontend/copy-data';
import { encodeCopyDone } from '../../src/wire/frontend/copy-done';
import { encodeCopyFail } from '../../src/wire/frontend/copy-fail';
import { encodeDescribe } from '../../src/wire/frontend/describe';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeFlush } from '../../src/wire/frontend/flush';
import { encodeFunctionCall } from '../../src/wire/frontend/function-call';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { encodeTerminate } from '../../src/wire/frontend/terminate';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine } from '../support/scripted-engine';
import { transcript, WireClient } from '../support/wire-client';

/**
 * Conversations byte by byte, held with PostgreSQL itself and through the proxy: the answers have to be equal. Nothing is
 * rewritten here, but everything is scanned.
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
const describeStatement = (name: string): Buffer => encodeDescribe({ target: 'statement', name });
const sync = encodeSync();

/** What is sent, and the message (and how many of it) that ends the answer. */
type Step = readonly [send: Buffer[], until: string, count?: number];

const scripts: Readonly<Record<string, readonly Step[]>> = {
  'a simple query': [[[query('select 1 as a, null, $$x$$')], 'Z']],
  'an empty query': [
    [[query('')], 'Z'],
    [[query(';;')], 'Z'],
  ],
  'several statements in one query': [[[query('select 1; select 2; begin; select 3; commit')], 'Z']],
  'an error in the middle of several statements': [[[query('select 1; select 1/0; select 2')], 'Z']],
  'a transaction that fails': [
    [[query('begin')], 'Z'],
    [[query('select nonsense')], 'Z'],
    [[query('select 1')], 'Z'],
    [[query('rollback')], 'Z'],
  ],
  'simple queries without waiting': [
    [[query('select 1'), query('select nonsense'), query('select 2')], 'Z', 3],
  ],
  'an extended query': [
    [[parse('', 'select $1::int + 1', 23), bind('', '', '41'), describePortal(), execute(), sync], 'Z'],
  ],
  'a named statement, described, used twice, closed': [
    [[parse('s', 'select $1::text'), describeStatement('s'), sync], 'Z'],
    [
      [bind('', 's', 'a'), execute(), sync, bind('p', 's', 'b'), describePortal('p'), execute('p'), sync],
      'Z',
      2,
    ],
    [[encodeClose({ target: 'statement', name: 's' }), sync], 'Z'],
    [[bind('', 's', 'a'), execute(), sync], 'Z'],
  ],
  'a statement name that exists': [
    [[parse('s', 'select 1'), sync, parse('s', 'select 2'), bind('', 's'), execute(), sync], 'Z', 2],
    [[bind('', 's'), execute(), sync], 'Z'],
  ],
  'an error skips everything up to Sync': [
    [
      [
        parse('', 'select 1/x from (values (0)) v (x)'),
        bind('', ''),
        execute(),
        parse('t', 'select 1'),
        query('select 2'),
        sync,
      ],
      'Z',
    ],
    [[bind('', 't'), sync, query('select 3')], 'Z', 2],
  ],
  'an error, and the Sync only later': [
    [[parse('', 'select nonsense'), encodeFlush()], 'E'],
    [[parse('u', 'select 1'), query('select 2'), bind('', 'u'), sync, query('select 4')], 'Z', 2],
  ],
  'Flush without Sync': [
    [[parse('', 'select 7'), encodeFlush()], '1'],
    [[bind('', ''), execute(), encodeFlush()], 'C'],
    [[sync], 'Z'],
  ],
  'a simple query in an unfinished extended batch': [
    [[parse('', 'select 7'), bind('', ''), execute(), query('select 8'), sync], 'Z', 2],
  ],
  'a portal in parts, across Syncs in a transaction': [
    [[query('begin')], 'Z'],
    [[parse('', 'select generate_series(1, 5)'), bind('p', ''), execute('p', 2), sync], 'Z'],
    [[execute('p', 2), sync], 'Z'],
    [[execute('p', 2), sync], 'Z'],
    [[execute('p', 2), sync, query('commit')], 'Z', 2],
    [[execute('p'), sync], 'Z'],
  ],
  'a pipeline of batches': [
    [
      [1, 2, 3].flatMap((i) => [parse('', `select ${i}`), bind('', ''), describePortal(), execute(), sync]),
      'Z',
      3,
    ],
  ],
  'Close and Describe of what does not exist': [
    [
      [
        encodeClose({ target: 'portal', name: 'none' }),
        encodeClose({ target: 'statement', name: 'none' }),
        describePortal('none'),
        sync,
      ],
      'Z',
    ],
  ],
  'a statement without a result': [
    [[parse('', 'create temporary table t (a int)'), bind('', ''), describePortal(), execute(), sync], 'Z'],
    [[parse('', ''), bind('', ''), describePortal(), execute(), sync], 'Z'],
  ],
  'an error at commit': [
    [[query('create temporary table d (a int unique deferrable initially deferred)')], 'Z'],
    [[query('insert into d values (1), (1)')], 'Z'],
    [[parse('', 'insert into d values (2), (2)'), bind('', ''), execute(), sync, query('select 1')], 'Z', 2],
  ],
  'COPY in, simple': [
    [[query('create temporary table c (a int)')], 'Z'],
    [[query('copy c from stdin')], 'G'],
    [[encodeCopyData(Buffer.from('1\n2\n')), encodeCopyDone()], 'Z'],
    [[query('select sum(a) from c')], 'Z'],
  ],
  'COPY in, without waiting, given up': [
    [[query('create temporary table c (a int)')], 'Z'],
    [
      [
        query('copy c from stdin'),
        encodeCopyData(Buffer.from('1\n')),
        encodeCopyFail('no more'),
        query('select 1'),
      ],
      'Z',
      2,
    ],
  ],
  'COPY in, extended, the Sync before the data ignored as libpq has it': [
    [[query('create temporary table c (a int)')], 'Z'],
    [[parse('', 'copy c from stdin'), bind('', ''), describePortal(), execute(), sync], 'G'],
    [[encodeCopyData(Buffer.from('1\n')), encodeCopyDone(), sync], 'Z'],
    [[query('select sum(a) from c')], 'Z'],
  ],
  'COPY in, extended, all at once': [
    [[query('create temporary table c (a int)')], 'Z'],
    [
      [
        parse('', 'copy c from stdin'),
        bind('', ''),
        execute(),
        encodeCopyData(Buffer.from('1\n')),
        encodeCopyDone(),
        sync,
        query('select sum(a) from c'),
      ],
      'Z',
      2,
    ],
  ],
  'COPY in with bad data': [
    [[query('create temporary table c (a int)')], 'Z'],
    [
      [query('copy c from stdin'), encodeCopyData(Buffer.from('x\n')), encodeCopyDone(), query('select 1')],
      'Z',
      2,
    ],
    [[parse('', 'copy c from stdin'), bind('', ''), execute()], '2'],
    [[encodeFlush()], 'G'],
    [[encodeCopyData(Buffer.from('x\n')), encodeCopyDone(), sync, query('select 2')], 'Z', 2],
  ],
  'COPY out': [
    [[query('copy (values (1), (2)) to stdout; select 3')], 'Z'],
    [[parse('', 'copy (values (1), (2)) to stdout'), bind('', ''), execute(), sync], 'Z'],
  ],
  FunctionCall: [
    [
      [
        // int4abs
        encodeFunctionCall({
          functionOid: 1251,
          argumentFormats: [],
          values: [Buffer.from('-5')],
          resultFormat: 0,
        }),
        query('select 1'),
      ],
      'Z',
      2,
    ],
  ],
  'settings and notices': [
    [[query(`set client_encoding = 'LATIN1'`)], 'Z'],
    [[query(`do $$ begin raise notice 'careful'; end $$; reset client_encoding`)], 'Z'],
  ],
  'a notification of its own': [
    [[query('listen here; notify here')], 'Z'],
    [[query('unlisten here')], 'Z'],
  ],
  'a query too large to be looked at': [
    [[query(`select length('${'x'.repeat(3_000_000)}')`)], 'Z'],
    [[parse('big', `select length('${'x'.repeat(3_000_000)}')`), bind('', 'big'), execute(), sync], 'Z'],
    [[parse('', 'select length($1)'), bind('', '', 'y'.repeat(3_000_000)), execute(), sync], 'Z'],
  ],
  'text that is not UTF-8': [[[Buffer.from([0x51, 0, 0, 0, 9, 0x27, 0xff, 0x27, 0x3b, 0])], 'Z']],
  'messages with fields missing': [
    [[Buffer.from([0x50, 0, 0, 0, 6, 0x61, 0]), sync], 'Z'],
    [[Buffer.from([0x42, 0, 0, 0, 6, 0, 0]), sync], 'Z'],
    [[Buffer.from([0x45, 0, 0, 0, 4]), sync, query('select 1')], 'Z', 2],
    [[Buffer.from([0x44, 0, 0, 0, 6, 0x58, 0]), sync, query('select 1')], 'Z', 2],
  ],
  Terminate: [[[query('select 1'), encodeTerminate()], 'closed']],
};

describe('wire scripts', () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let database: string;

  beforeAll(async () => {
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    database = await server.createDatabase();
    proxy = await startProxy(server.port, { [database]: new ScriptedEngine() });
  });

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  afterEach(() => {
    expect(proxy.complaints).toEqual([]);
    expect(proxy.events.scanningGivenUpCount).toBe(0);
  });

  async function converse(port: number, steps: readonly Step[], isDribbled = false): Promise<string[]> {
    const client = await WireClient.login(port, { user: server.user, database });
    try {
      const lines: string[] = [];
      for (const [send, until, count] of steps) {
        if (isDribbled) await client.dribble(Buffer.concat(send));
        else client.send(...send);
        const messages = until === 'closed' ? await client.untilClosed() : await client.until(until, count);
        lines.push(...transcript(messages).map((line) => line.replace(/^A "[^h]*/, 'A "')));
      }
      return lines;
    } finally {
      client.close();
    }
  }

  test.each(Object.entries(scripts))('%s', async (_title, steps) => {
    const expected = await converse(server.port, steps);
    expect(expected.length).toBeGreaterThan(0);
    expect(await converse(proxy.port, steps)).toEqual(expected);
    const bytes = steps.flatMap(([send]) => send).reduce((sum, part) => sum + part.length, 0);
    if (bytes < 10_000) expect(await converse(proxy.port, steps, true)).toEqual(expected);
  });
});
