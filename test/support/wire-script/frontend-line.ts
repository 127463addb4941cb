import { encodeBind } from '../../../src/wire/frontend/bind';
import { encodeClose } from '../../../src/wire/frontend/close';
import { encodeCopyData } from '../../../src/wire/frontend/copy-data';
import { encodeCopyDone } from '../../../src/wire/frontend/copy-done';
import { encodeCopyFail } from '../../../src/wire/frontend/copy-fail';
import { encodeDescribe } from '../../../src/wire/frontend/describe';
import { encodeExecute } from '../../../src/wire/frontend/execute';
import { encodeFlush } from '../../../src/wire/frontend/flush';
import { encodeFunctionCall } from '../../../src/wire/frontend/function-call';
import { encodeParse } from '../../../src/wire/frontend/parse';
import { encodeQuery } from '../../../src/wire/frontend/query';
import { encodePasswordMessage } from '../../../src/wire/frontend/password-message';
import { encodeSync } from '../../../src/wire/frontend/sync';
import { encodeTerminate } from '../../../src/wire/frontend/terminate';
import { encodeEncryptionRequest } from '../../../src/wire/startup/encryption-request';
import { encodeStartupMessage } from '../../../src/wire/startup/startup-message';
import { scramFirst, type Challenge } from './challenge';

/** What is known of the sessions of a conversation. */
export interface SessionNotes {
  /** The CancelRequest for a session of the script, by its name. */
  cancelRequest(session: string): Buffer;
  /** What the server has asked this session. */
  readonly challenge: Challenge;
}

/** A value in a script: text, NULL, bytes, or text many times over. */
type ScriptValue =
  string | null | { readonly hex: string } | { readonly repeat: string; readonly times: number };

interface FormatFields {
  readonly parameterFormats?: readonly (0 | 1)[];
  readonly resultFormats?: readonly (0 | 1)[];
}

/** Messages that begin a session instead of being sent in one. */
const startupNames = new Set([
  'StartupMessage',
  'StartupBytes',
  'SSLRequest',
  'GSSENCRequest',
  'CancelRequest',
]);

export function isStartupLine(line: string | undefined): boolean {
  return line !== undefined && startupNames.has(line.split(' ')[0] ?? '');
}

/**
 * The bytes of a line of a script: a message's name and its fields as JSON (a lone string where there is one field), with
 * what is left out empty or zero. `PasswordMD5` and `SASLResponse` with a password answer what the server has asked. `Bytes "50 00"` are those bytes (`StartupBytes`: instead of a login); `300 times Sync` the same message again and again.
 *
 * @param session what a line refers to that the script cannot know
 */
export function encodeLine(line: string, session: SessionNotes): Buffer {
  const [, times, name = '', json] = /^(?:(\d+) times )?(\w+)(?: (.*))?$/.exec(line) ?? [];
  const encode = encoders[name];
  if (encode === undefined) throw new Error(`no such message: ${line}`);
  const encoded = encode(JSON.parse(json ?? '{}') as never, session);
  return times === undefined ? encoded : Buffer.concat(new Array<Buffer>(Number(times)).fill(encoded));
}

const encoders: Readonly<Record<string, (fields: never, session: SessionNotes) => Buffer>> = {
  Query: (query: ScriptValue) => encodeQuery({ query: text(query) }),
  Parse: (fields: {
    statementName?: string;
    query?: ScriptValue;
    parameterTypeOids?: readonly number[];
  }): Buffer =>
    encodeParse({
      statementName: '',
      parameterTypeOids: [],
      ...fields,
      query: text(fields.query ?? ''),
    }),
  Bind: (
    fields: FormatFields & { portalName?: string; statementName?: string; parameters?: ScriptValue[] },
  ): Buffer =>
    encodeBind({
      portalName: '',
      statementName: '',
      parameterFormats: [],
      resultFormats: [],
      ...fields,
      parameters: (fields.parameters ?? []).map(value),
    }),
  Describe: (fields: { portal?: string; statement?: string }) => encodeDescribe(target(fields)),
  Close: (fields: { portal?: string; statement?: string }) => encodeClose(target(fields)),
  Execute: (fields: { portalName?: string; maxRows?: number }): Buffer =>
    encodeExecute({ portalName: '', maxRows: 0, ...fields }),
  Sync: () => encodeSync(),
  Flush: () => encodeFlush(),
  Terminate: () => encodeTerminate(),
  FunctionCall: (fields: {
    functionOid: number;
    argumentFormats?: readonly (0 | 1)[];
    values?: ScriptValue[];
    resultFormat?: 0 | 1;
  }): Buffer =>
    encodeFunctionCall({
      argumentFormats: [],
      resultFormat: 0,
      ...fields,
      values: (fields.values ?? []).map(value),
    }),
  CopyData: (data: ScriptValue) => encodeCopyData(value(data) ?? Buffer.alloc(0)),
  CopyDone: () => encodeCopyDone(),
  CopyFail: (reason: string) => encodeCopyFail(reason),
  Password: (password: string) => encodePasswordMessage(password),
  Bytes: bytes,
  StartupBytes: bytes,
  SSLRequest: () => encodeEncryptionRequest('SSLRequest'),
  GSSENCRequest: () => encodeEncryptionRequest('GSSENCRequest'),
  StartupMessage: (fields: {
    majorVersion?: number;
    minorVersion?: number;
    parameters: Readonly<Record<string, string>>;
  }): Buffer =>
    encodeStartupMessage({
      majorVersion: fields.majorVersion ?? 3,
      minorVersion: fields.minorVersion ?? 0,
      parameters: new Map(Object.entries(fields.parameters)),
    }),
  CancelRequest: (name: string, session) => session.cancelRequest(name),
  PasswordMD5: ({ user, password }: { user: string; password: string }, session) =>
    encodePasswordMessage(session.challenge.md5(user, password)),
  SASLInitialResponse: (fields: { mechanism?: string; data?: string }): Buffer => {
    const data = Buffer.from(fields.data ?? scramFirst);
    const length = Buffer.alloc(4);
    length.writeInt32BE(data.length);
    return passwordMessage(Buffer.from(`${fields.mechanism ?? 'SCRAM-SHA-256'}\0`), length, data);
  },
  SASLResponse: (fields: { password?: string; data?: string }, session): Buffer =>
    passwordMessage(Buffer.from(fields.data ?? session.challenge.scram(fields.password ?? ''))),
};

/** Any of the messages that share the first byte of a password. */
function passwordMessage(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.from('p\0\0\0\0', 'latin1');
  header.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([header, body]);
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function target({ portal, statement }: { portal?: string; statement?: string }): {
  target: 'portal' | 'statement';
  name: string;
} {
  return statement === undefined
    ? { target: 'portal', name: portal ?? '' }
    : { target: 'statement', name: statement };
}

function value(given: ScriptValue): Buffer | null {
  if (given === null) return null;
  if (typeof given === 'string') return Buffer.from(given);
  return 'hex' in given ? Buffer.from(given.hex, 'hex') : Buffer.from(given.repeat.repeat(given.times));
}

function text(given: ScriptValue): string {
  return value(given)?.toString() ?? '';
}
