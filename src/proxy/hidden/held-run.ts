import { decodeResponseFields, ResponseField } from '../../wire/backend/response-fields';
import { OriginalRun } from './original-run';
import { type StatementRun } from '../scan/statement-run';

/**
 * A rewritten statement whose reply is held back, so that the original can be run unseen if it fails (rule S12): the whole of it, or what comes
 * before the first row if nothing that may fail is left then.
 *
 *   holding    -> released    ReadyForQuery without an error, or the first row: the client gets what was held
 *   holding    -> released    an error that is not the rewriting's doing (class 57, 08; or the client's own Parse failed)
 *   holding    -> swallowing  any other error
 *   holding    -> swallowing  the reply outgrew the limit: the run is canceled
 *   swallowing -> rerun       ReadyForQuery; the original is sent
 *   swallowing -> settling    ReadyForQuery, but a cancel request was sent for the run
 *   settling   -> rerun       ReadyForQuery of a hidden Sync, sent after the cancel request's connection was closed
 *
 * Why `settling`: a cancel request that comes late must not hit the original. The server closes the cancel connection
 * after it has sent the signal, so once it is closed the signal is pending in the session's process at the latest, and
 * delivered before that process sees any byte sent from then on. It waits for a message then, and a cancel in that state is
 * dropped (ProcessInterrupts in src/backend/tcop/postgres.c, DoingCommandRead). That is so for a server one is directly
 * connected to; the hidden Sync, whose failure would not be seen, covers what may stand between.
 */
export class HeldRun {
  state: 'holding' | 'swallowing' | 'settling' = 'holding';
  /** Present if the run was canceled because its reply outgrew the limit: resolves when that connection is closed. */
  cancel: Promise<void> | undefined;

  private givenUpFor = '';
  private readonly parts: Buffer[] = [];
  private heldBytes = 0;

  /**
   * @param run the rewritten statement's run
   * @param original what to send if it fails: Query, or the client's messages from Bind to Sync
   * @param isUntilFirstRow whether it is good once there is a row
   * @param rerunSent tells the tracker that `original` was sent, as the messages of the run it is given
   */
  constructor(
    readonly run: StatementRun,
    readonly original: Buffer,
    readonly isUntilFirstRow: boolean,
    readonly rerunSent: (original: OriginalRun) => void,
    private readonly maxBytes: number,
  ) {}

  /** Adds a copy to what is held; false if that is too much. */
  hold(buffer: Buffer, start: number, end: number): boolean {
    this.parts.push(Buffer.from(buffer.subarray(start, end)));
    this.heldBytes += end - start;
    return this.heldBytes <= this.maxBytes;
  }

  /**
   * The run is given up, and what was held forgotten; the rest of the reply is to be swallowed.
   *
   * @param reason see `Completion.givenUpFor`
   */
  giveUp(reason: string): void {
    this.givenUpFor = reason;
    this.state = 'swallowing';
    this.takeHeld();
  }

  /** What is run instead. */
  originalRun(): OriginalRun {
    return new OriginalRun(this.run, this.givenUpFor);
  }

  /** What was held, in order; nothing is held afterwards. */
  takeHeld(): readonly Buffer[] {
    this.heldBytes = 0;
    return this.parts.splice(0);
  }
}

/**
 * The SQLSTATE of an error that may come of the rewriting. Not class 57 (operator intervention: a cancel, a time-out, a
 * shutdown: it was meant for whatever was running) nor 08 (the connection).
 */
export function retryableError(frame: Buffer, start: number, end: number): string | undefined {
  const sqlState = sqlStateOf(frame, start, end);
  return sqlState.startsWith('57') || sqlState.startsWith('08') ? undefined : sqlState;
}

/** Of an ErrorResponse that is all there. */
export function sqlStateOf(frame: Buffer, start: number, end: number): string {
  const { fields } = decodeResponseFields('ErrorResponse', frame, start + 5, end);
  return fields.get(ResponseField.SqlState) ?? '';
}
