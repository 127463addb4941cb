import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { encodeMessage, list, value } from '../message-writer';

/** DataRow (B): one row. The values are views of the message. */
export interface DataRow {
  readonly kind: 'DataRow';
  readonly values: readonly (Buffer | null)[];
}

/** Decodes a body, by default the whole buffer. */
export function decodeDataRow(body: Buffer, start = 0, end = body.length): DataRow {
  const reader = new MessageReader(body, 'DataRow', start, end);
  const values = reader.list(() => reader.value());
  reader.finish();
  return { kind: 'DataRow', values };
}

export function encodeDataRow({ values }: Omit<DataRow, 'kind'>): Buffer {
  return encodeMessage(BackendCode.DataRow, list(values, value));
}
