import { encodeBind } from '../../src/wire/frontend/bind';
import { encodeClose } from '../../src/wire/frontend/close';
import { encodeDescribe } from '../../src/wire/frontend/describe';
import { encodeExecute } from '../../src/wire/frontend/execute';
import { encodeParse } from '../../src/wire/frontend/parse';
import { encodeQuery } from '../../src/wire/frontend/query';
import { encodeSync } from '../../src/wire/frontend/sync';
import { encodeCancelRequest } from '../../src/wire/startup/cancel-request';
import { loadParser } from '../../src/query/ast/parser';
import { startPostgres, type PostgresServer } from '../support/postgres-server';
import { startProxy, type RecordedProxy } from '../support/recorded-proxy';
import { ScriptedEngine, type ScriptedPlan } from '../support/scripted-engine';
import { until } from '../support/until';
import { errorField, firstColumns, transcript, WireClient, type WireMessage } from '../support/wire-client';

/**
 * EXPLAIN (PCACHE) on the wire: the server gets the statement without the option and says everything but the rows. The engine's
 * explanation is scripted, so that only the conversation is looked at.
 */

const query = (text: string): Buffer => encodeQuery({ query: text });
const parse = (statementName: string, text: string, ...parameterTypeOids: number[]): Buffer =>
  encodeParse({ statementName, query: text, parameterTypeOids });
const bind = (portalName: string, statementName: string, values: string[] = [], formats: number[] = []) =>
  encodeBind({
    portalName,
    statementName,
    parameterFormats: [],
    parameters: values.map((value) => Buffer.from(value)),
    resultFormats: formats,
  });
const execute = (portalName = '', maxRows = 0): Buffer => encodeExecute({ portalName, maxRows });
const describePortal = (name = ''): Buffer => encodeDescribe({ target: 'portal', name });
const sync = encodeSync();
const types = (messages: readonly WireMessage[]): string => messages.map(({ type }) => type).join('');

const inner = `select 'original'`;
const restricted = ['pcache: restricted', '  Method: scripted', '  Why: the script says so', 'Rewritten:'];
const explanation = [...restricted, `  select 'rewritten'`];
const missed = ['pcache: left as it is: nothing scripted'];

describe('EXPLAIN (PCACHE)', () => {
  let server: PostgresServer;
  let proxy: RecordedProxy;
  let engine: ScriptedEngine;
  let database: string;
  let client: Awaited<ReturnType<typeof WireClient.login>>;

  beforeAll(async () => {
    await loadParser();
    server = await startPostgres({ hba: ['host all all 127.0.0.1/32 trust'] });
    database = await server.createDatabase();
  });

  afterAll(async () => {
    await server?.stop();
  });

  beforeEach(async () => {
    engine = new ScriptedEngine();
    script(inner, { text: `select 'rewritten'` });
    proxy = await startProxy(server.port, { [database]: engine });
    client = await login();
  });

  afterEach(async () => {
    client.close();
    await proxy[Symbol.asyncDispose]();
    expect(proxy.events.scanningGivenUpCount).toBe(0);
    expect(proxy.events.protocolErrors).toEqual([]);
  });

  const login = (parameters: Record<string, string> = {}) =>
    WireClient.login(proxy.port, { user: server.user, database, ...parameters });
  const script = (text: string, plan: ScriptedPlan): void => void engine.plans.set(text, plan);

  async function ask(...messages: Buffer[]): Promise<WireMessage[]> {
    client.send(...messages);
    return client.until('Z');
  }

  async function rows(...messages: Buffer[]): Promise<(string | null)[]> {
    return firstColumns(await ask(...messages));
  }

  /** What PostgreSQL itself says, without the option. */
  async function directly(...messages: Buffer[]): Promise<WireMessage[]> {
    const direct = await WireClient.login(server.port, { user: server.user, database });
    direct.send(...messages);
    const answer = await direct.until('Z');
    direct.close();
    return answer;
  }

  const withoutRows = (messages: readonly WireMessage[]): string[] =>
    transcript(messages.filter(({ type }) => type !== 'D'));

  describe('in a simple query', () => {
    test('all but the rows is the server’s own', async () => {
      const answer = await ask(query(`explain (pcache) ${inner}`));
      expect(firstColumns(answer)).toEqual(explanation);
      expect(withoutRows(answer)).toEqual(withoutRows(await directly(query(`explain ${inner}`))));
      expect(withoutRows(answer).join()).toContain('QUERY PLAN');
      expect(withoutRows(answer).join()).toContain('EXPLAIN');
    });

    test('several statements of one text, each answered in its place', async () => {
      const text = `select 1; explain (pcache) ${inner}; select 2; explain (pcache) select 3; explain (pcache off, costs off) select 4;`;
      const answer = await ask(query(text));
      expect(firstColumns(answer)).toEqual(['1', ...explanation, '2', ...missed, 'Result']);
      expect(types(answer).replaceAll(/D+/g, 'D')).toBe('TDCTDCTDCTDCTDCZ');
    });

    test('behind a statement of the same text that may change what it means', async () => {
      const text = `set search_path = pg_catalog; explain (pcache) ${inner}`;
      expect((await rows(query(text)))[0]).toBe('pcache: left as it is: context uncertain');
    });

    test('pipelined, in order', async () => {
      const explained = query(`explain (pcache) ${inner}`);
      await ask(explained);
      client.send(query('select 1'), explained, query('select 2'), explained, query('select 3'));
      expect(firstColumns(await client.until('Z', 5))).toEqual([
        '1',
        ...explanation,
        '2',
        ...explanation,
        '3',
      ]);
    });

    test('byte by byte', async () => {
      await client.dribble(query(`explain (pcache) ${inner}`));
      expect(firstColumns(await client.until('Z'))).toEqual(explanation);
    });

    test('the engine is late: the client waits, and the order is kept', async () => {
      let decide = (): void => undefined;
      script(inner, { text: inner, after: () => new Promise((resolve) => (decide = resolve)) });
      client.send(query(`explain (pcache) ${inner}`), query('select 2'));
      await until('the engine is asked', () => engine.requests.length === 1);
      expect(client.messages).toEqual([]);
      decide();
      expect(firstColumns(await client.until('Z', 2)).at(-1)).toBe('2');
    });

    test('a bug in the engine: it says so', async () => {
      engine.failure = new Error('made up');
      expect(await rows(query(`explain (pcache) ${inner}`))).toEqual(['pcache: left as it is: engine error']);
      expect(proxy.events.engineFailures).toEqual(['plan']);
    });

    test('as JSON: one row, of the type json', async () => {
      const answer = await ask(query(`explain (pcache, format json) ${inner}`));
      expect(withoutRows(answer)).toEqual(
        withoutRows(await directly(query(`explain (format json) ${inner}`))),
      );
      const [row, ...others] = firstColumns(answer);
      expect(others).toEqual([]);
      expect(JSON.parse(row ?? '')).toMatchObject([
        { pcache: { Restricted: true, Method: 'scripted', 'Rewritten Text': `select 'rewritten'` } },
      ]);
    });

    test('a client that does not read UTF-8 gets ASCII', async () => {
      client.close();
      client = await login({ client_encoding: 'LATIN1' });
      script(inner, { text: `select 'rewritten — ü'` });
      expect((await rows(query(`explain (pcache) ${inner}`))).at(-1)).toBe(
        `  select 'rewritten \\u2014 \\u00fc'`,
      );
    });

    test('rows of a later statement are the server’s again', async () => {
      await ask(query(`explain (pcache) ${inner}`));
      expect(await rows(query('select generate_series(1, 3)'))).toEqual(['1', '2', '3']);
      expect(await rows(query('explain (costs off) select 1'))).toEqual(['Result']);
    });
  });

  describe('refuses: errors are the server’s', () => {
    test.each([
      [
        'of the statement',
        (pcache: string) => `explain ${pcache === '' ? '        ' : '(pcache)'} select nowhere`,
      ],
      [
        'of another option',
        (pcache: string) =>
          `explain (${pcache === '' ? '      ' : 'pcache'}  nonsense) select 1`.replace('pcache ', 'pcache,'),
      ],
      [
        'of options that do not go together',
        (pcache: string) => `explain (wal${pcache === '' ? '        ' : ', pcache'}) select 1`,
      ],
      [
        'of privileges',
        (pcache: string) => `explain ${pcache === '' ? '        ' : '(pcache)'} select * from secret`,
      ],
    ])('%s, with its position', async (_, text) => {
      await directly(query('create table if not exists secret (); create role nobody'));
      const before = query('set role nobody');
      await ask(before);
      const answer = await ask(query(text('pcache')));
      const direct = await WireClient.login(server.port, { user: server.user, database });
      direct.send(before);
      await direct.until('Z');
      direct.send(query(text('')));
      const expected = await direct.until('Z');
      direct.close();
      expect(types(answer)).toBe('EZ');
      for (const field of 'CMP') expect(errorField(answer[0], field)).toEqual(errorField(expected[0], field));
      expect(errorField(answer[0], 'C')).not.toBeUndefined();
    });

    test.each([
      'explain (pcache maybe) select 1',
      'explain (pcache, format xml) select 1',
      'explain ("PCACHE") select 1',
    ])('%s is PostgreSQL’s to refuse', async (text) => {
      const answer = await ask(query(text));
      expect(transcript(answer)).toEqual(transcript(await directly(query(text))));
      expect(errorField(answer[0], 'M')).toMatch(/^unrecognized EXPLAIN option "pcache"$/i);
    });

    test('in a failed transaction block', async () => {
      await ask(query('begin'));
      await ask(query('select 1/0'));
      const answer = await ask(query(`explain (pcache) ${inner}`));
      expect(types(answer)).toBe('EZ');
      expect(errorField(answer[0], 'C')).toBe('25P02');
      expect(answer.at(-1)?.body.toString()).toBe('E');
      expect(engine.requests).toEqual([]);
    });

    test('an error among several statements ends the text', async () => {
      const answer = await ask(query(`explain (pcache) ${inner}; select 1/0; explain (pcache) ${inner}`));
      expect(types(answer).replaceAll(/D+/g, 'D')).toBe('TDCTEZ'.replace('TE', 'E'));
      expect(firstColumns(answer)).toEqual(explanation);
    });
  });

  describe('in a transaction block', () => {
    test('the status is the server’s', async () => {
      await ask(query('select 1'));
      await ask(query('begin'));
      const answer = await ask(query(`explain (pcache) ${inner}`));
      expect(firstColumns(answer).slice(1)).toEqual(explanation.slice(1));
      expect(answer.at(-1)?.body.toString()).toBe('T');
    });

    test('pipelined behind BEGIN', async () => {
      client.send(query('begin'), query(`explain (pcache) ${inner}`), query('commit'));
      const answer = await client.until('Z', 3);
      expect(firstColumns(answer)[0]).toBe('pcache: left as it is: context uncertain');
      expect(types(answer).replaceAll(/D+/g, 'D')).toBe('CZTDCZCZ');
    });
  });

  describe('in the extended protocol', () => {
    const text = `explain (pcache) ${inner}`;

    test('all but the rows is the server’s own', async () => {
      const messages = (statement: string): Buffer[] => [
        parse('', statement),
        bind('', ''),
        describePortal(),
        execute(),
        sync,
      ];
      const answer = await ask(...messages(text));
      expect(firstColumns(answer)).toEqual(explanation);
      expect(withoutRows(answer)).toEqual(withoutRows(await directly(...messages(`explain ${inner}`))));
    });

    test('in binary format', async () => {
      const answer = await ask(parse('', text), bind('', '', [], [1]), describePortal(), execute(), sync);
      expect(firstColumns(answer)).toEqual(explanation);
    });

    test.each([1, 2, 3, 5, 6])('in parts of %i rows', async (size) => {
      await ask(query('begin'));
      client.send(parse('', text), bind('p', ''));
      const parts = Math.floor(explanation.length / size) + 1;
      const answer = await ask(...Array.from({ length: parts }, () => execute('p', size)), sync);
      expect(firstColumns(answer).slice(1)).toEqual(explanation.slice(1));
      expect(types(answer).replaceAll('D', '')).toBe(`12${'s'.repeat(parts - 1)}CZ`);
      const after = await ask(execute('p', size), sync);
      expect(types(after)).toBe('CZ');
      expect(types(await ask(encodeClose({ target: 'portal', name: 'p' }), execute('p'), sync))).toBe('3EZ');
    });

    test('prepared once, executed often, among others', async () => {
      await ask(parse('s', text), parse('t', 'select 1'), sync);
      for (let i = 0; i < 3; i++) {
        expect(await rows(bind('', 's'), execute(), bind('', 't'), execute(), sync)).toEqual([
          ...explanation,
          '1',
        ]);
      }
    });

    test('described before it is bound, in a batch of its own', async () => {
      const first = await ask(parse('s', text), encodeDescribe({ target: 'statement', name: 's' }), sync);
      expect(types(first)).toBe('1tTZ');
      expect(await rows(bind('', 's'), execute(), sync)).toEqual(explanation);
    });

    test('with values', async () => {
      const statement = `select $1::text`;
      script(statement, { text: `select 'rewritten ' || $1::text`, parameterOids: [25] });
      const answer = await ask(
        parse('', `explain (pcache) ${statement}`),
        encodeDescribe({ target: 'statement', name: '' }),
        bind('', '', ['x']),
        execute(),
        sync,
      );
      expect(firstColumns(answer).at(-1)).toBe(`  select 'rewritten ' || $1::text`);
      expect(engine.requests[0]?.parameters?.values.map(String)).toEqual(['x']);
    });

    test('what SQL put under its name is not answered by us', async () => {
      await ask(parse('s', text), sync);
      await ask(query(`deallocate s; prepare s as select 'mine'`));
      expect(await rows(bind('', 's'), execute(), sync)).toEqual(['mine']);
    });

    test('skipped behind an error, and not answered', async () => {
      const answer = await ask(
        parse('', 'select 1/0'),
        bind('', ''),
        execute(),
        parse('e', text),
        bind('', 'e'),
        execute('', 1),
        sync,
      );
      expect(types(answer)).toBe('1EZ');
      expect(await rows(query('select 7'))).toEqual(['7']);
    });

    test('parsed while other text is skipped, it is not there', async () => {
      client.send(parse('', 'nonsense'), parse('e', text), sync);
      await client.until('Z');
      expect(errorField((await ask(bind('', 'e'), execute(), sync))[0], 'C')).toBe('26000');
    });
  });

  describe('ANALYZE', () => {
    const analyze = (statement: string): Buffer =>
      query(`explain (analyze, costs off, timing off, summary off, buffers off, pcache) ${statement}`);

    beforeEach(async () => {
      await directly(
        query(`drop table if exists written; drop sequence if exists counted;
          create table written (x int); create sequence counted`),
      );
    });

    const counted = async (): Promise<string | null | undefined> =>
      firstColumns(await directly(query('select last_value, is_called from counted')))[0];

    test('shows the plans of both forms', async () => {
      const text = 'select generate_series(1, 3)';
      script(text, { text: 'select generate_series(1, 5)' });
      const lines = await rows(analyze(text));
      const [original, rewritten] = [
        lines.indexOf('Plan as it came:'),
        lines.indexOf('Plan of the restricted form:'),
      ];
      expect(lines.slice(original + 1, rewritten).join()).toMatch(
        / {2}ProjectSet \(actual rows=3(\.00)? loops=1\)/,
      );
      expect(lines.slice(rewritten + 1).join()).toMatch(/ {2}ProjectSet \(actual rows=5(\.00)? loops=1\)/);
    });

    test('as JSON, the plans as the server wrote them', async () => {
      script(inner, { text: `select 'rewritten'` });
      const [row] = await rows(query(`explain (analyze, pcache, format json) ${inner}`));
      expect(JSON.parse(row ?? '')).toMatchObject([
        {
          pcache: { Restricted: true },
          'Plan As It Came': [{ Plan: { 'Node Type': 'Result' } }],
          'Plan Of The Restricted Form': [{ Plan: { 'Node Type': 'Result' } }],
        },
      ]);
    });

    test('with values, in the extended protocol', async () => {
      const statement = 'select generate_series(1, $1)';
      script(statement, { text: 'select generate_series(1, 2 * $1)', parameterOids: [23] });
      const lines = await rows(
        parse('', `explain (analyze, costs off, timing off, pcache) ${statement}`),
        bind('', '', ['4']),
        describePortal(),
        execute(),
        sync,
      );
      expect(
        lines
          .filter((line) => /ProjectSet/.test(line ?? ''))
          .map((line) => /rows=(\d+)/.exec(line ?? '')?.[1]),
      ).toEqual(['4', '8']);
    });

    test('runs what writes once only', async () => {
      const text = `insert into written select nextval('counted')`;
      script(text, { text, isReadOnly: false });
      const lines = await rows(analyze(text));
      expect(lines.at(-1)).toBe('  not run: the statement does more than read');
      expect(await counted()).toBe('1');
      expect(firstColumns(await directly(query('select count(*) from written')))).toEqual(['1']);
    });

    test('a form that fails is told of, outside a transaction block', async () => {
      script(inner, { text: 'select 1 / (random() * 0)::int', mustRetryOnError: true });
      const answer = await ask(analyze(inner));
      expect(firstColumns(answer).at(-1)).toBe('  failed: 22012: division by zero');
      expect(types(answer).replaceAll('D', '')).toBe('TCZ');
    });

    test('and is not run in one', async () => {
      script(inner, { text: 'select 1 / (random() * 0)::int', mustRetryOnError: true });
      await ask(analyze(inner));
      await ask(query('begin'));
      const answer = await ask(analyze(inner));
      expect(firstColumns(answer).at(-1)).toMatch(/not run: .* would fail the transaction block/);
      expect(answer.at(-1)?.body.toString()).toBe('T');
    });

    test('in a transaction block both forms see what it has written', async () => {
      await ask(query('select 1'));
      await ask(query('begin; insert into written select generate_series(1, 4)'));
      script('select x from written', { text: 'select x from written where x > 1' });
      const lines = (await rows(analyze('select x from written'))).join('\n');
      expect(lines.match(/rows=\d+/g)).toEqual(['rows=4', 'rows=3']);
    });

    test('beside other statements the restricted form is not run', async () => {
      client.send(query('select 1'), analyze(inner));
      const lines = firstColumns(await client.until('Z', 2));
      expect(lines.at(-1)).toBe('  not run: other statements are under way');
      expect((await rows(query(`select 1; explain (analyze, pcache) ${inner}`))).at(-1)).toBe(
        '  not run: other statements are under way',
      );
    });

    test('a time-out that hits the restricted form is the client’s, and the session goes on', async () => {
      script(inner, { text: 'select pg_sleep(60)' });
      await ask(query('set statement_timeout = 50'));
      const answer = await ask(analyze(inner));
      expect(types(answer)).toBe('EZ');
      expect(errorField(answer[0], 'C')).toBe('57014');
      expect(await rows(query('select 1'))).toEqual(['1']);
    });

    test('a time-out in a transaction block fails it', async () => {
      script(inner, { text: 'select pg_sleep(60)' });
      await ask(query('select 1'));
      await ask(query('set statement_timeout = 50'));
      await ask(analyze('select 1'));
      await ask(query('begin'));
      const answer = await ask(
        parse('', `explain (analyze, pcache) ${inner}`),
        bind('', ''),
        execute(),
        sync,
      );
      expect(types(answer)).toBe('EZ');
      expect(answer.at(-1)?.body.toString()).toBe('E');
      expect(errorField((await ask(query('select 1')))[0], 'C')).toBe('25P02');
    });

    test('a cancel request hits the restricted form while it is run', async () => {
      script(inner, { text: 'select pg_sleep(60)' });
      client.send(analyze(inner));
      await until('the restricted form runs', async () => {
        const [running] = firstColumns(
          await directly(
            query(`select count(*) from pg_stat_activity where state = 'active'
              and datname = current_database() and query like '%pg_sleep(60)' and pid <> pg_backend_pid()`),
          ),
        );
        return running === '1';
      });
      const canceling = await WireClient.open(proxy.port);
      canceling.send(
        encodeCancelRequest({
          processId: client.keyData.readInt32BE(0),
          secretKey: client.keyData.subarray(4),
        }),
      );
      const answer = await client.until('Z');
      expect(types(answer)).toBe('EZ');
      expect(errorField(answer[0], 'C')).toBe('57014');
      canceling.close();
    });
  });

  test('in observe mode it works too', async () => {
    await using observing = await startProxy(server.port, { [database]: engine }, { mode: 'observe' });
    const other = await WireClient.login(observing.port, { user: server.user, database });
    other.send(query(`explain (pcache) ${inner}`));
    expect(firstColumns(await other.until('Z'))).toEqual(explanation);
    other.close();
  });

  test('a database that is not listed is the server’s', async () => {
    const other = await server.createDatabase();
    const stranger = await WireClient.login(proxy.port, { user: server.user, database: other });
    stranger.send(query('explain (pcache) select 1'));
    expect(errorField((await stranger.until('Z'))[0], 'M')).toBe('unrecognized EXPLAIN option "pcache"');
    stranger.close();
  });
});
