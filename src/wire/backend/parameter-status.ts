import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { cstring, encodeMessage } from '../message-writer';

/** ParameterStatus (B): the value of a setting the server reports; comes at any time. */
export interface ParameterStatus {
  readonly kind: 'ParameterStatus';
  readonly name: string;
  readonly value: string;
}

/** Decodes a body, by default the whole buffer. */
export function decodeParameterStatus(body: Buffer, start = 0, end = body.length): ParameterStatus {
  const reader = new MessageReader(body, 'ParameterStatus', start, end);
  const name = reader.cstring();
  const value = reader.cstring();
  reader.finish();
  return { kind: 'ParameterStatus', name, value };
}

export function encodeParameterStatus({ name, value }: Omit<ParameterStatus, 'kind'>): Buffer {
  return encodeMessage(BackendCode.ParameterStatus, cstring(name), cstring(value));
}
