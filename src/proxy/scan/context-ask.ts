import { decodeDataRow } from '../../wire/backend/data-row';
import { type HiddenQuestion } from '../hidden/hidden-question';
import { BackendCode } from '../../wire/message-code';

/** A question for the session's context under way: what came back so far. */
export class ContextAsk implements HiddenQuestion {
  /** The row, all values as text. */
  row: readonly (string | null)[] | undefined;
  /** The server's ErrorResponse, as bytes. */
  error: Buffer | undefined;

  constructor(
    readonly isInBatch: boolean,
    readonly done: () => void,
  ) {}

  /** A message of the answer. */
  receive(code: number, frame: Buffer, start: number, end: number): void {
    if (code === BackendCode.DataRow) {
      const { values } = decodeDataRow(frame, start + 5, end);
      this.row = values.map((value) => (value === null ? null : value.toString('utf8')));
    } else if (code === BackendCode.ErrorResponse) {
      this.error = Buffer.from(frame.subarray(start, end));
    }
  }
}
