import { type PgError } from '../../errors/pg-error';
import { encodeResponseFields, ResponseField } from './response-fields';

/** An error of the proxy's own, as the client sees it. */
export function encodePgError(error: PgError): Buffer {
  const { detail, hint } = error.options;
  const fields = new Map<string, string>([
    [ResponseField.Severity, error.severity],
    [ResponseField.NonLocalizedSeverity, error.severity],
    [ResponseField.SqlState, error.sqlState],
    [ResponseField.Message, withoutZeros(error.message)],
  ]);
  if (detail !== undefined) fields.set(ResponseField.Detail, withoutZeros(detail));
  if (hint !== undefined) fields.set(ResponseField.Hint, withoutZeros(hint));
  return encodeResponseFields({ kind: 'ErrorResponse', fields });
}

/** Messages may quote what came in; a zero byte in it would end the field. */
function withoutZeros(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
