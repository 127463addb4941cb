import { createHash } from 'node:crypto';
import type { WireMessage } from '../wire-client';

/** Object identifiers the server hands out as it goes; they are different every time. */
const firstUserOid = 16_384;
const longestShown = 200;

/**
 * How much of a message is in its line: `recorded` leaves out what depends on the server's build (source positions,
 * its exact version), `full` does not. What is another in every session (process numbers, keys, the schema of its
 * temporary tables) is in neither.
 */
export type Detail = 'recorded' | 'full';

/** A message of the server as a line: its name, and its fields as JSON. Decodes by itself, not with the code under test. */
export function describeReply({ type, body }: WireMessage, detail: Detail): string {
  const [name, describe] = replies[type] ?? [`Unknown_${type}`, (fields: Fields) => fields.rest()];
  const fields = new Fields(body);
  const described = describe(fields, detail);
  const all = fields.isAtEnd ? described : { described, rest: fields.rest() };
  const isEmpty = all !== null && typeof all === 'object' && Object.keys(all).length === 0;
  return isEmpty ? name : `${name} ${JSON.stringify(all)}`;
}

/** The first byte of a message with this name. */
export function replyCode(name: string): string {
  const found = Object.entries(replies).find(([, [known]]) => known === name);
  if (found === undefined) throw new Error(`the server sends no ${name}`);
  return found[0];
}

type Described = object | string | null;

const errorFields: Readonly<Record<string, string>> = {
  S: 'localizedSeverity',
  V: 'severity',
  C: 'sqlState',
  M: 'message',
  D: 'detail',
  H: 'hint',
  P: 'position',
  p: 'internalPosition',
  q: 'internalQuery',
  W: 'where',
  s: 'schema',
  t: 'table',
  c: 'column',
  d: 'dataType',
  n: 'constraint',
  F: 'file',
  L: 'line',
  R: 'routine',
};

const buildDependent = new Set(['S', 'F', 'L', 'R']);

const authenticationKinds: Readonly<Record<number, string>> = {
  0: 'Ok',
  3: 'CleartextPassword',
  5: 'MD5Password',
  10: 'SASL',
  11: 'SASLContinue',
  12: 'SASLFinal',
};
const transactionStatuses: Readonly<Record<string, string>> = {
  I: 'idle',
  T: 'inTransaction',
  E: 'failed',
};

const nothing = (): Described => ({});

const replies: Readonly<Record<string, readonly [string, (fields: Fields, detail: Detail) => Described]>> = {
  R: [
    'Authentication',
    (fields) => {
      const kind = fields.int32();
      const name = { kind: authenticationKinds[kind] ?? kind };
      if (name.kind === 'SASL') return { ...name, mechanisms: fields.rest() };
      // Salts, nonces and signatures are others every time.
      const hiddenBytes = fields.skipRest();
      return hiddenBytes === 0 ? name : { ...name, bytes: hiddenBytes };
    },
  ],
  K: [
    'BackendKeyData',
    (fields) => {
      fields.int32();
      return { keyBytes: fields.skipRest() };
    },
  ],
  S: [
    'ParameterStatus',
    (fields, detail) => {
      const name = fields.cstring();
      const value = fields.cstring();
      return { name, value: name === 'server_version' && detail === 'recorded' ? '(the version)' : value };
    },
  ],
  v: [
    'NegotiateProtocolVersion',
    (fields) => ({
      version: [fields.int16(), fields.int16()].join('.'),
      options: fields.list(fields.int32(), () => fields.cstring()),
    }),
  ],
  Z: [
    'ReadyForQuery',
    (fields) => {
      const status = fields.bytes(1).toString('latin1');
      return { transactionStatus: transactionStatuses[status] ?? status };
    },
  ],
  E: ['ErrorResponse', describeError],
  N: ['NoticeResponse', describeError],
  A: [
    'NotificationResponse',
    (fields) => {
      fields.int32();
      return { channel: fields.cstring(), payload: fields.cstring() };
    },
  ],
  C: ['CommandComplete', (fields) => fields.cstring()],
  I: ['EmptyQueryResponse', nothing],
  '1': ['ParseComplete', nothing],
  '2': ['BindComplete', nothing],
  '3': ['CloseComplete', nothing],
  n: ['NoData', nothing],
  s: ['PortalSuspended', nothing],
  c: ['CopyDone', nothing],
  d: ['CopyData', (fields) => fields.rest()],
  D: [
    'DataRow',
    (fields) =>
      fields.list(fields.int16(), () => {
        const length = fields.int32();
        return length === -1 ? null : shown(fields.bytes(length));
      }),
  ],
  T: [
    'RowDescription',
    (fields) =>
      fields.list(fields.int16(), () => ({
        name: fields.cstring(),
        ...(([table, column]) => (table === 0 ? {} : { table: oid(table ?? 0), column }))([
          fields.int32(),
          fields.int16(),
        ]),
        type: oid(fields.int32()),
        size: fields.int16(),
        modifier: fields.int32(),
        format: fields.int16(),
      })),
  ],
  t: ['ParameterDescription', (fields) => fields.list(fields.int16(), () => oid(fields.int32()))],
  G: ['CopyInResponse', describeCopy],
  H: ['CopyOutResponse', describeCopy],
  W: ['CopyBothResponse', describeCopy],
  V: [
    'FunctionCallResponse',
    (fields) => {
      const length = fields.int32();
      return { value: length === -1 ? null : shown(fields.bytes(length)) };
    },
  ],
};

function describeCopy(fields: Fields): Described {
  return {
    format: fields.bytes(1)[0],
    columnFormats: fields.list(fields.int16(), () => fields.int16()),
  };
}

function describeError(fields: Fields, detail: Detail): Described {
  const described: Record<string, string> = {};
  for (
    let code = fields.bytes(1).toString('latin1');
    code !== '\0';
    code = fields.bytes(1).toString('latin1')
  ) {
    const value = fields.cstring();
    if (detail === 'full' || !buildDependent.has(code))
      described[errorFields[code] ?? code] = value.replace(/pg_temp_\d+/, 'pg_temp_N');
  }
  // Where exactly a cancel request hits is chance.
  if (described['message'] === 'canceling statement due to user request') delete described['where'];
  return described;
}

function oid(value: number): number | string {
  return value >= firstUserOid ? 'user' : value;
}

/** Text if it is text; of what is long, its length and a hash. */
function shown(bytes: Buffer): string | object {
  if (bytes.length > longestShown) {
    const sha256 = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    return { bytes: bytes.length, sha256 };
  }
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text).equals(bytes) && ![...bytes].some((byte) => byte < 9);
  return isText ? text : { hex: bytes.toString('hex') };
}

/** The body of a message, field by field. */
class Fields {
  private at = 0;

  constructor(private readonly body: Buffer) {}

  get isAtEnd(): boolean {
    return this.at === this.body.length;
  }

  bytes(count: number): Buffer {
    if (this.at + count > this.body.length) throw new Error('the message is shorter than its fields');
    return this.body.subarray(this.at, (this.at += count));
  }

  int16(): number {
    return this.bytes(2).readInt16BE();
  }

  int32(): number {
    return this.bytes(4).readInt32BE();
  }

  cstring(): string {
    const end = this.body.indexOf(0, this.at);
    const bytes = this.bytes(end - this.at);
    this.at++;
    return bytes.toString('utf8');
  }

  list<T>(count: number, read: () => T): T[] {
    return Array.from({ length: count }, read);
  }

  rest(): string | object {
    return shown(this.bytes(this.body.length - this.at));
  }

  skipRest(): number {
    return this.bytes(this.body.length - this.at).length;
  }
}
