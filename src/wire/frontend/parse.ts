import { FrontendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { cstring, encodeMessage, list, uint32 } from '../message-writer';

/** Parse (F): create a prepared statement; the empty name is the unnamed statement. */
export interface Parse {
  readonly kind: 'Parse';
  readonly statementName: string;
  readonly query: string;
  readonly parameterTypeOids: readonly number[];
}

/** Decodes a body, by default the whole buffer. */
export function decodeParse(body: Buffer, start = 0, end = body.length): Parse {
  const reader = new MessageReader(body, 'Parse', start, end);
  const statementName = reader.cstring();
  const query = reader.cstring();
  const parameterTypeOids = reader.list(() => reader.uint32());
  reader.finish();
  return { kind: 'Parse', statementName, query, parameterTypeOids };
}

export function encodeParse(message: Omit<Parse, 'kind'>): Buffer {
  return encodeMessage(
    FrontendCode.Parse,
    cstring(message.statementName),
    cstring(message.query),
    list(message.parameterTypeOids, uint32),
  );
}
