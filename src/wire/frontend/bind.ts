import { FrontendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { cstring, encodeMessage, list, uint16, value } from '../message-writer';

/** Bind (F): make a portal of a prepared statement and values. The values are views of the message. */
export interface Bind {
  readonly kind: 'Bind';
  readonly portalName: string;
  readonly statementName: string;
  /** 0 text, 1 binary: none for all text, one for all values, or one each. */
  readonly parameterFormats: readonly number[];
  readonly parameters: readonly (Buffer | null)[];
  readonly resultFormats: readonly number[];
}

/** The two names of a Bind, without its values. */
export interface BindNames {
  readonly portalName: string;
  readonly statementName: string;
}

/** Decodes a body, by default the whole buffer. */
export function decodeBind(body: Buffer, start = 0, end = body.length): Bind {
  const reader = new MessageReader(body, 'Bind', start, end);
  const portalName = reader.cstring();
  const statementName = reader.cstring();
  const parameterFormats = reader.list(() => reader.uint16());
  const parameters = reader.list(() => reader.value());
  const resultFormats = reader.list(() => reader.uint16());
  reader.finish();
  return { kind: 'Bind', portalName, statementName, parameterFormats, parameters, resultFormats };
}

export function decodeBindNames(body: Buffer, start = 0, end = body.length): BindNames {
  const reader = new MessageReader(body, 'Bind', start, end);
  return { portalName: reader.cstring(), statementName: reader.cstring() };
}

export function encodeBind(message: Omit<Bind, 'kind'>): Buffer {
  return encodeMessage(
    FrontendCode.Bind,
    cstring(message.portalName),
    cstring(message.statementName),
    list(message.parameterFormats, uint16),
    list(message.parameters, value),
    list(message.resultFormats, uint16),
  );
}

/** A Bind frame with another statement's name; every other byte stays as the client sent it. */
export function renameBindStatement(frame: Buffer, statementName: string): Buffer {
  const reader = new MessageReader(frame, 'Bind', 5);
  const statementStart = reader.skipCstring();
  const statementEnd = reader.skipCstring();
  return encodeMessage(
    FrontendCode.Bind,
    frame.subarray(5, statementStart),
    cstring(statementName),
    frame.subarray(statementEnd),
  );
}
