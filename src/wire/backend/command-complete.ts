import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { cstring, encodeMessage } from '../message-writer';

/** CommandComplete (B): a statement is done; the tag says which kind it was, such as `SELECT 3`. */
export interface CommandComplete {
  readonly kind: 'CommandComplete';
  readonly tag: string;
}

/** Decodes a body, by default the whole buffer. */
export function decodeCommandComplete(body: Buffer, start = 0, end = body.length): CommandComplete {
  const reader = new MessageReader(body, 'CommandComplete', start, end);
  const tag = reader.cstring();
  reader.finish();
  return { kind: 'CommandComplete', tag };
}

export function encodeCommandComplete({ tag }: Omit<CommandComplete, 'kind'>): Buffer {
  return encodeMessage(BackendCode.CommandComplete, cstring(tag));
}
