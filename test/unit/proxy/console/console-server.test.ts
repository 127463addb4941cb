import { PgError, SqlState } from '../../../../src/errors/pg-error';
import { columns, type ConsoleCommand } from '../../../../src/ops/console/console-command';
import { ConsoleServer } from '../../../../src/proxy/console/console-server';
import { encodeBind } from '../../../../src/wire/frontend/bind';
import { encodeClose } from '../../../../src/wire/frontend/close';
import { encodeDescribe } from '../../../../src/wire/frontend/describe';
import { encodeExecute } from '../../../../src/wire/frontend/execute';
import { encodeParse } from '../../../../src/wire/frontend/parse';
import { encodeQuery } from '../../../../src/wire/frontend/query';
import { encodeSync } from '../../../../src/wire/frontend/sync';
import { encodeTerminate } from '../../../../src/wire/frontend/terminate';

const numbers: ConsoleCommand = {
  columns: columns('n int8, f float8, at timestamptz, is bool, t text'),
  run: async () => ({
    rows: [1, 2, 3].map((n) => [n, n / 2, new Date(946_684_800_001), n > 1, n === 2 ? null : 'é']),
    tag: 'SHOW',
  }),
};
const waits: ConsoleCommand = {
  run: (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
};
const known: Readonly<Record<string, ConsoleCommand>> = { numbers, waits };
const logged: object[] = [];

function* read(text: string): Generator<ConsoleCommand> {
  for (const word of text.split(';').filter((each) => each !== '')) {
    const command = known[word];
    if (command === undefined) throw new PgError(SqlState.SyntaxError, `unknown ${word}`);
    yield command;
  }
}

const ignore = (): void => undefined;
const log = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: (fields: object) => void logged.push(fields),
};

let server: ConsoleServer;
beforeEach(() => {
  logged.length = 0;
  server = new ConsoleServer({ read, log });
});
afterEach(() => {
  server.destroy();
  expect(logged).toEqual([]);
});

/** First bytes of the messages that come, and of errors the SQLSTATE, until they are as many as expected. */
async function conversation(bytes: Buffer, messages: number): Promise<string> {
  server.write(bytes);
  const codes: string[] = [];
  let pending = Buffer.alloc(0);
  for await (const chunk of server.iterator({ destroyOnReturn: false })) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    while (pending.length >= 5 && pending.length > pending.readUInt32BE(1)) {
      const end = pending.readUInt32BE(1) + 1;
      const code = String.fromCharCode(pending.readUInt8(0));
      const sqlState =
        code === 'E' ? `(${/\0C(\w{5})\0/.exec(pending.toString('latin1', 0, end))?.[1] ?? ''})` : '';
      const status = code === 'Z' ? `(${String.fromCharCode(pending.readUInt8(5))})` : '';
      codes.push(`${code}${sqlState}${status}`);
      pending = pending.subarray(end);
    }
    if (codes.length >= messages) break;
  }
  return codes.join(' ');
}

const parse = (query: string, statementName = ''): Buffer =>
  encodeParse({ query, statementName, parameterTypeOids: [] });
const bind = (resultFormats: readonly number[] = [], statementName = ''): Buffer =>
  encodeBind({ portalName: '', statementName, parameterFormats: [], parameters: [], resultFormats });
const execute = (maxRows = 0): Buffer => encodeExecute({ portalName: '', maxRows });
const sync = encodeSync();
const describeStatement = encodeDescribe({ target: 'statement', name: '' });

test.each<[string, readonly Buffer[], string]>([
  ['an empty query', [encodeQuery({ query: ';' })], 'I Z(I)'],
  ['rows', [encodeQuery({ query: 'numbers' })], 'T D D D C Z(I)'],
  ['an error behind a result', [encodeQuery({ query: 'numbers;x;numbers' })], 'T D D D C E(42601) Z(I)'],
  ['what is prepared', [parse('numbers'), describeStatement, sync], '1 t T Z(I)'],
  ['what is empty', [parse(''), describeStatement, bind(), execute(), sync], '1 t n 2 I Z(I)'],
  ['a few rows at a time', [parse('numbers'), bind(), execute(2), execute(2), sync], '1 2 D D s D C Z(I)'],
  ['nothing after an error until Sync', [parse('x'), bind(), execute(), sync, sync], 'E(42601) Z(I) Z(I)'],
  ['two commands in one', [parse('numbers;numbers'), sync], 'E(42601) Z(I)'],
  ['formats of other columns', [parse('numbers'), bind([0, 1]), sync], '1 E(08P01) Z(I)'],
  ['no such format', [parse('numbers'), bind([2]), sync], '1 E(08P01) Z(I)'],
  ['no such statement', [bind([], 'a'), sync], 'E(26000) Z(I)'],
  ['a portal gone with Sync', [parse('numbers'), bind(), sync, execute(), sync], '1 2 Z(I) E(34000) Z(I)'],
  ['a name taken', [parse('numbers', 'a'), parse('numbers', 'a'), sync], '1 E(42P05) Z(I)'],
  [
    'a name given back',
    [parse('numbers', 'a'), encodeClose({ target: 'statement', name: 'a' }), parse('', 'a'), sync],
    '1 3 1 Z(I)',
  ],
  ['a function call', [Buffer.from('4600000004', 'hex')], 'E(0A000) Z(I)'],
  ['COPY that is not under way', [Buffer.from('6300000004', 'hex'), sync], 'Z(I)'],
  ['the end', [encodeTerminate(), sync], ''],
  ['bytes that are no message', [Buffer.from([0, 0, 0, 0, 9])], 'E(08P01)'],
  ['a message that is cut short', [Buffer.from('5000000005', 'hex'), Buffer.from('a')], 'E(08P01)'],
  ['a password', [Buffer.from('7000000004', 'hex')], 'E(08P01)'],
  ['a length no message has', [Buffer.from('51ffffffff', 'hex')], 'E(08P01)'],
  ['one that is too large', [Buffer.from('5100100000', 'hex'), Buffer.alloc(100)], 'E(54000)'],
])('%s', async (_, messages, expected) => {
  const all = `Z(I) ${expected}`.trim();
  expect(await conversation(Buffer.concat(messages), all.split(' ').length)).toBe(all);
});

test('values in text and in binary', async () => {
  const rows = async (formats: readonly number[]): Promise<string> => {
    const own = new ConsoleServer({ read, log });
    own.write(Buffer.concat([parse('numbers'), bind(formats), execute(1), sync]));
    let bytes = Buffer.alloc(0);
    for await (const chunk of own) {
      bytes = Buffer.concat([bytes, chunk as Buffer]);
      if (bytes.includes('Z', 10)) break;
    }
    return bytes.toString('latin1');
  };
  const text = await rows([]);
  for (const value of ['1', '0.5', '2000-01-01 00:00:00.001+00', 'f', '\u00c3\u00a9'])
    expect(text).toContain(`${String.fromCharCode(0, 0, 0, value.length)}${value}`);
  const binary = await rows([1]);
  for (const hex of ['0000000000000001', '3fe0000000000000', '00000000000003e8', '00', 'c3a9'])
    expect(Buffer.from(binary, 'latin1').toString('hex')).toContain(
      `${(hex.length / 2).toString(16).padStart(8, '0')}${hex}`,
    );
});

test('a command that takes long is interrupted', async () => {
  setImmediate(() => server.cancel());
  expect(await conversation(encodeQuery({ query: 'waits' }), 3)).toBe('Z(I) E(57014) Z(I)');
});

test('no more statements are kept than there is room for', async () => {
  const many = Array.from({ length: 101 }, (_, i) => parse('numbers', `s${i}`));
  const replies = await conversation(Buffer.concat([...many, sync]), 103);
  expect(replies).toMatch(/^Z\(I\) (1 ){100}E\(54000\) Z\(I\)$/);
});

test('works off no more than its reader takes', async () => {
  let runs = 0;
  const rows = Array.from({ length: 1_000 }, () => ['x'.repeat(1_000)]);
  const big: ConsoleCommand = {
    columns: columns('t text'),
    run: async () => {
      runs++;
      return { rows, tag: 'SHOW' };
    },
  };
  const slow = new ConsoleServer({ read: () => [big], log });
  for (let i = 0; i < 50; i++) slow.write(encodeQuery({ query: 'big' }));
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  expect(runs).toBe(1);
  expect(slow.readableLength).toBeLessThan(200_000);
  slow.destroy();
});
