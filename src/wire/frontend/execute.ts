import { FrontendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { cstring, encodeMessage, uint32 } from '../message-writer';

/** Execute (F): run a portal. */
export interface Execute {
  readonly kind: 'Execute';
  readonly portalName: string;
  /** 0 for all rows. */
  readonly maxRows: number;
}

/** Decodes a body, by default the whole buffer. */
export function decodeExecute(body: Buffer, start = 0, end = body.length): Execute {
  const reader = new MessageReader(body, 'Execute', start, end);
  const portalName = reader.cstring();
  const maxRows = reader.uint32();
  reader.finish();
  return { kind: 'Execute', portalName, maxRows };
}

export function encodeExecute(message: Omit<Execute, 'kind'>): Buffer {
  return encodeMessage(FrontendCode.Execute, cstring(message.portalName), uint32(message.maxRows));
}
