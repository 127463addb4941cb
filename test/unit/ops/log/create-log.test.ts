import { createLog } from '../../../../src/ops/log/create-log';
import { type LogConfig } from '../../../../src/ops/config/pcache-config';

function record(config: Partial<LogConfig>) {
  const lines: string[] = [];
  const log = createLog(
    { level: 'info', format: 'json', sql: false, ...config },
    { write: (line) => lines.push(line) },
  );
  return { log, lines, entries: () => lines.map((line) => JSON.parse(line)) };
}

/** What the driver makes of PostgreSQL's ErrorResponse. */
function postgresError(code: string, message: string): Error {
  return Object.assign(new Error(message), {
    code,
    detail: 'Key (email)=(a@example.org) already exists.',
    query: "select 'secret'",
    routine: 'func',
    client: { password: 'sesame' },
  });
}

describe('createLog', () => {
  test('writes one JSON object a line, with time, level and fields', () => {
    const { log, lines, entries } = record({});
    log.child({ part: 'proxy' }).info({ count: 1 }, 'started');
    expect(lines).toEqual([expect.stringMatching(/^\{.*\}\n$/)]);
    expect(entries()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/Z$/),
        pid: process.pid,
        part: 'proxy',
        count: 1,
        msg: 'started',
      },
    ]);
  });

  test('leaves out what is below its level', () => {
    const { log, lines } = record({ level: 'warn' });
    log.info({}, 'no');
    log.warn({}, 'yes');
    expect(lines).toHaveLength(1);
  });

  test('redacts statements and parameters, at any of the depths in use', () => {
    const { log, lines } = record({});
    const statement = { sql: "select 'secret'", parameters: ['secret'] };
    log.info({ ...statement, statement, a: { b: statement } }, 'run');
    log.child(statement).info({}, 'run');
    expect(lines.join('')).not.toContain('secret');
    expect(lines.join('')).toContain('[redacted]');
  });

  test('shows statements if the configuration says so', () => {
    const { log, entries } = record({ sql: true });
    log.info({ sql: 'select 1', parameters: [2] }, 'run');
    expect(entries()).toMatchObject([{ sql: 'select 1', parameters: [2] }]);
  });

  test('tells of an error what is known to be harmless, and its causes', () => {
    const { log, lines, entries } = record({});
    const cause = postgresError('42501', 'permission denied for table place');
    log.error({ err: new Error('population failed', { cause }) }, 'no');
    expect(entries()).toMatchObject([
      {
        err: {
          type: 'Error',
          message: 'population failed',
          cause: { message: 'permission denied for table place', code: '42501', routine: 'func' },
        },
      },
    ]);
    for (const word of ['example.org', 'secret', 'sesame']) expect(lines.join('')).not.toContain(word);
  });

  test.each(['22P02', '23505'])('redacts the message of %s, which quotes values', (code) => {
    const { log, lines, entries } = record({});
    log.error({ err: postgresError(code, 'invalid input syntax for type integer: "secret"') }, 'no');
    expect(lines.join('')).not.toContain('secret');
    expect(entries()).toMatchObject([
      { err: { code, message: '[redacted]', stack: expect.stringMatching(/^ {4}at /) } },
    ]);
  });

  test('a chain of causes that closes on itself ends', () => {
    const { log, lines } = record({});
    const error = new Error('round');
    error.cause = error;
    log.error({ err: error }, 'no');
    expect(lines).toHaveLength(1);
  });

  test('pretty: a line for people, errors with their causes', () => {
    const { log, lines } = record({ format: 'pretty' });
    log.warn({ host: 'db', port: 5432, sql: 'select 1' }, 'not ready');
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    log.error({ err: new Error('lost', { cause }) }, 'gone');
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} WARN {2}not ready host=db port=5432 sql=\[redacted\]\n$/,
    );
    expect(lines[1]).toMatch(
      /ERROR gone\n {2}Error: lost\n {4}at [^]*\n {2}Error: refused code="ECONNREFUSED"\n {4}at /,
    );
  });
});

describe('levels', () => {
  test('of a part, in place of the one of all', () => {
    const { log, entries } = record({ levels: { engine: 'debug', queue: 'silent' } });
    const [engine, queue, proxy] = ['engine', 'queue', 'proxy'].map((part) => log.child({ part }));
    for (const each of [log, engine, queue, proxy]) each?.debug({}, 'a detail');
    for (const each of [log, engine, queue, proxy]) each?.info({}, 'a fact');
    const written = entries().map(({ part, msg }) => [part, msg]);
    expect(written).toEqual([
      ['engine', 'a detail'],
      [undefined, 'a fact'],
      ['engine', 'a fact'],
      ['proxy', 'a fact'],
    ]);
  });

  test('change for logs that are there, and those made of them', () => {
    const { log, lines } = record({ levels: { engine: 'debug' } });
    const engine = log.child({ database: 'a' }).child({ part: 'engine' });
    const below = engine.child({ of: 1 });
    const proxy = log.child({ part: 'proxy' });
    log.setLevels({ level: 'debug', levels: { engine: 'warn' } });
    for (const each of [engine, below]) each.info({}, 'not written');
    for (const each of [log, proxy, proxy.child({})]) each.debug({}, 'written');
    expect(lines).toHaveLength(3);
  });

  test('of many logs that are soon forgotten', () => {
    const { log, lines } = record({});
    for (let i = 0; i < 1_000; i++) log.child({ i });
    log.setLevels({ level: 'error' });
    log.info({}, 'not written');
    log.error({}, 'written');
    expect(lines).toHaveLength(1);
  });
});
