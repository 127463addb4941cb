import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { encodeMessage, list, uint32 } from '../message-writer';

/** ParameterDescription (B): the types of a prepared statement's parameters. */
export interface ParameterDescription {
  readonly kind: 'ParameterDescription';
  readonly typeOids: readonly number[];
}

/** Decodes a body, by default the whole buffer. */
export function decodeParameterDescription(body: Buffer, start = 0, end = body.length): ParameterDescription {
  const reader = new MessageReader(body, 'ParameterDescription', start, end);
  const typeOids = reader.list(() => reader.uint32());
  reader.finish();
  return { kind: 'ParameterDescription', typeOids };
}

export function encodeParameterDescription({ typeOids }: Omit<ParameterDescription, 'kind'>): Buffer {
  return encodeMessage(BackendCode.ParameterDescription, list(typeOids, uint32));
}
