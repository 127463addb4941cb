import { decodeDataRow } from '../../wire/backend/data-row';
import { decodeResponseFields, ResponseField } from '../../wire/backend/response-fields';
import { movePosition } from '../../wire/backend/response-position';
import { BackendCode } from '../../wire/message-code';
import { type HiddenQuestion } from '../hidden/hidden-question';

/** EXPLAIN ANALYZE of a restricted form, run unseen: what came back. */
export class Measurement implements HiddenQuestion {
  readonly isInBatch = false;
  /** The plan, a value for each row. */
  readonly rows: Buffer[] = [];
  /** The server's ErrorResponse, without a position: it is about a text the client has not seen. */
  error: Buffer | undefined;

  constructor(readonly done: () => void) {}

  receive(code: number, frame: Buffer, start: number, end: number): void {
    if (code === BackendCode.DataRow) {
      const [value] = decodeDataRow(frame, start + 5, end).values;
      this.rows.push(Buffer.from(value ?? ''));
    } else if (code === BackendCode.ErrorResponse) {
      const moved = movePosition('ErrorResponse', frame, start, end, () => undefined);
      this.error = moved ?? Buffer.from(frame.subarray(start, end));
    }
  }

  /** The error's SQLSTATE and message. */
  get failure(): string | undefined {
    if (this.error === undefined) return undefined;
    const { fields } = decodeResponseFields('ErrorResponse', this.error, 5);
    const field = (type: string): string => fields.get(type) ?? '';
    return `${field(ResponseField.SqlState)}: ${field(ResponseField.Message)}`;
  }
}
