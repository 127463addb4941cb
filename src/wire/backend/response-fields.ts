import { BackendCode } from '../message-code';
import { MessageReader } from '../message-reader';
import { cstring, encodeMessage } from '../message-writer';

/** Fields of ErrorResponse and NoticeResponse, by their one-letter type (manual, "Error and Notice Message Fields"). */
export interface ResponseFields {
  readonly kind: 'ErrorResponse' | 'NoticeResponse';
  readonly fields: ReadonlyMap<string, string>;
}

/** The letters of the fields the proxy reads or writes itself. */
export const ResponseField = {
  /** Severity, perhaps translated. */
  Severity: 'S',
  /** Severity, never translated. */
  NonLocalizedSeverity: 'V',
  SqlState: 'C',
  Message: 'M',
  Detail: 'D',
  Hint: 'H',
} as const;

/** Decodes a body, by default the whole buffer. */
export function decodeResponseFields(
  kind: ResponseFields['kind'],
  body: Buffer,
  start = 0,
  end = body.length,
): ResponseFields {
  const reader = new MessageReader(body, kind, start, end);
  const fields = new Map<string, string>();
  for (let type = reader.uint8(); type !== 0; type = reader.uint8()) {
    fields.set(String.fromCharCode(type), reader.cstring());
  }
  reader.finish();
  return { kind, fields };
}

export function encodeResponseFields({ kind, fields }: ResponseFields): Buffer {
  const parts = [...fields].map(([type, text]) =>
    Buffer.concat([Buffer.from(type, 'latin1'), cstring(text)]),
  );
  return encodeMessage(BackendCode[kind], ...parts, Buffer.of(0));
}
