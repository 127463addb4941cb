import { hiddenStatementLost } from '../../engine/engine';
import { protocolViolation } from '../../errors/pg-error';
import { decodeResponseFields, ResponseField, type ResponseFields } from '../../wire/backend/response-fields';
import { FrameStep, FrameTreatment, type FrameReader } from '../../wire/frame-reader';
import { BackendCode } from '../../wire/message-code';
import { withClientPosition } from './client-position';
import { ExplainExecution } from '../explain/explain-run';
import { type HiddenQuestion } from '../hidden/hidden-question';
import { retryableError, sqlStateOf, type HeldRun } from '../hidden/held-run';
import { RunPreparation } from '../hidden/hidden-statement';
import { type KeptOriginal } from '../hidden/kept-original';
import { PreparedStatement } from './prepared-statements';
import { Owed, type Audience } from './reply-queue';
import { type SessionLink } from './session-link';
import { type SessionTracker } from './session-tracker';
import { StatementRun } from './statement-run';

/** Who acts on what the server says. */
export interface ReplyOwner {
  /** A held reply outgrew its limit; from here on it is swallowed. */
  heldTooMuch(held: HeldRun): void;
  /** An error that is the client's came for a held run: what was held has been passed on. */
  heldOver(): void;
  /** ReadyForQuery came. */
  ready(audience: Audience): void;
  /** A hidden question in the client's batch came back with an error. */
  questionFailed(): void;
  /** Replies no longer match what was asked. */
  lostTrack(): void;
}

const Destination = { Client: 0, Hold: 1, Drop: 2, Explanation: 3 } as const;
type Destination = (typeof Destination)[keyof typeof Destination];

/**
 * Reads what the server sends, message by message, and gives each to the client, to a held reply, or to nobody. Rows and COPY
 * data are not assembled; what is the client's goes out as slices of the chunk it came in.
 *
 * NotificationResponse and ParameterStatus are the client's whenever they come: they tell of the session, not of a
 * statement. A notice inside a held reply belongs to that run: it is held with it, and thrown away with it, for the
 * original will raise its own.
 */
export class BackendScan {
  ask: HiddenQuestion | undefined;
  held: HeldRun | undefined;
  /** Of a restricted form that nothing has come of yet. */
  kept: KeptOriginal | undefined;
  /** Set once rows may have to be answered that are not the server's. */
  hasExplained = false;
  /** Set once replies are no longer followed: everything is passed on. */
  hasLostTrack = false;

  /** The server's last message, if it is an error nobody has seen: it may be why the connection ends. */
  unseenError: Buffer | undefined;

  private destination: Destination = Destination.Client;
  /** The CommandComplete of a text that is sent as a statement, until it is known that its transaction could be committed; see TextKeeper. */
  private uncommitted: Buffer | undefined;
  /** What goes out instead of the message at hand. */
  private replacement: Buffer | undefined;

  constructor(
    private readonly link: SessionLink,
    private readonly tracker: SessionTracker,
    private readonly reader: FrameReader,
    private readonly treatments: Uint8Array,
    private readonly owner: ReplyOwner,
  ) {}

  /** Rows are only assembled while an answer to a hidden question is awaited. */
  awaitAnswer(ask: HiddenQuestion | undefined): void {
    this.ask = ask;
    this.treatments[BackendCode.DataRow] = ask === undefined ? FrameTreatment.Pieces : FrameTreatment.Whole;
  }

  /** Reads the chunk the reader was fed. Throws PgError 08P01. */
  run(): void {
    const { reader } = this;
    for (let step = reader.next(); step !== FrameStep.None; step = reader.next()) {
      if (reader.isFirst) this.begin();
      this.passOn();
      if (step === FrameStep.Whole && reader.code === BackendCode.ReadyForQuery)
        this.owner.ready(this.audience);
      // The last of its replies came, or the server skips it.
      if (this.ask?.isInBatch === true && !this.tracker.queue.hasHidden) this.ask.done();
      if (this.hasLostTrack) return;
    }
  }

  /** Whether the client has got a part of a message, and waits for the rest. */
  get isInsideMessage(): boolean {
    return this.reader.isStreaming && this.destination === Destination.Client;
  }

  /** Gives the client what was held, and ends the holding. */
  release(): void {
    for (const part of this.held?.takeHeld() ?? []) this.link.toClient.append(part);
    this.held = undefined;
  }

  private audience: Audience = 'client';

  /** The first bytes of a message: whom is it for? */
  private begin(): void {
    const { reader, held } = this;
    this.unseenError = undefined;
    if (this.uncommitted !== undefined) this.endText(this.uncommitted);
    switch (reader.code) {
      case BackendCode.ParameterStatus:
        if (reader.isLast) this.tracker.parameterStatus(reader.buffer, reader.start, reader.end);
        this.destination = Destination.Client;
        return;
      case BackendCode.NotificationResponse:
        this.destination = Destination.Client;
        return;
      case BackendCode.NoticeResponse:
        this.correctPosition('NoticeResponse');
        if (this.isOfHiddenMessage) this.destination = Destination.Drop;
        else if (held === undefined) this.destination = Destination.Client;
        else this.destination = held.state === 'holding' ? Destination.Hold : Destination.Drop;
        return;
      case BackendCode.DataRow:
      case BackendCode.CopyData:
        // Most messages of a large result; nothing changes but the bytes.
        if (held === undefined && this.ask === undefined) {
          if (this.tracker.queue.headIsHidden) this.destination = Destination.Drop;
          else this.destination = this.isExplained ? Destination.Explanation : Destination.Client;
          return;
        }
        if (held?.state === 'holding' && held.isUntilFirstRow && !this.tracker.queue.headIsHidden) {
          this.release();
          this.owner.heldOver();
          this.destination = Destination.Client;
          return;
        }
        break;
      case BackendCode.ErrorResponse:
        this.correctPosition('ErrorResponse');
        if (held !== undefined) this.heldFailed(held);
        else this.keptFailed();
        break;
      case BackendCode.CopyBothResponse:
        this.lostTrack();
        return;
      default:
    }
    this.settle();
  }

  /**
   * Whether the notice at hand is about a message of the proxy's own, which the client knows nothing of. What the server says when it looks at
   * the client's own statement again it would have said at Bind; but what it says of the restricted text it has said at the client's Parse. What
   * the operator has to say (class 57) is the client's.
   */
  private get isOfHiddenMessage(): boolean {
    const { queue } = this.tracker;
    const { headDetail } = queue;
    if (!queue.headIsHidden) return false;
    if (headDetail instanceof RunPreparation && headDetail.isOfText) {
      headDetail.noticed();
      return this.noticeField(ResponseField.Message)?.includes(headDetail.name) === true;
    }
    if (headDetail instanceof RunPreparation && headDetail.message === 'Describe') return false;
    return this.noticeField(ResponseField.SqlState)?.startsWith('57') !== true;
  }

  /** Undefined as well if the notice is too long to be read whole. */
  private noticeField(field: string): string | undefined {
    const { buffer, start, end, isLast } = this.reader;
    return isLast
      ? decodeResponseFields('NoticeResponse', buffer, start + 5, end).fields.get(field)
      : undefined;
  }

  /** Query says that a statement is complete once it is committed, behind what is said at the commit. */
  private endText(complete: Buffer): void {
    const { code } = this.reader;
    if (code === BackendCode.NoticeResponse) return;
    this.uncommitted = undefined;
    if (code !== BackendCode.ErrorResponse) this.link.toClient.append(complete);
  }

  private settle(): void {
    const { reader, tracker } = this;
    const { code, buffer, start, end } = reader;
    this.audience = tracker.settle(code, buffer, start, end);
    // The client's own Parse comes before.
    if (this.audience === 'client' && code !== BackendCode.ParseComplete) this.kept = undefined;
    if (this.audience === 'mismatch') {
      this.lostTrack();
    } else if (this.audience === 'proxy') {
      this.destination = Destination.Drop;
      // An answer that is too long to be read whole is none.
      if (reader.isLast) this.ask?.receive(code, buffer, start, end);
      if (code === BackendCode.ErrorResponse && this.ask?.isInBatch === true) this.owner.questionFailed();
      this.keepError();
    } else if (this.held === undefined) {
      this.destination = Destination.Client;
      if (this.hasExplained && code === BackendCode.CommandComplete) this.putExplanation();
      const { doneDetail } = tracker.queue;
      if (
        code === BackendCode.CommandComplete &&
        doneDetail instanceof StatementRun &&
        doneDetail.isKeptText
      ) {
        this.uncommitted = Buffer.from(buffer.subarray(start, end));
        this.destination = Destination.Drop;
      }
    } else if (this.held.state !== 'holding') {
      this.destination = Destination.Drop;
      this.keepError();
    } else {
      // The client's own Parse stands, whatever becomes of the run.
      this.destination = code === BackendCode.ParseComplete ? Destination.Client : Destination.Hold;
    }
  }

  /** Whether the rows of the statement the server is at are ours to answer. */
  private get isExplained(): boolean {
    if (!this.hasExplained) return false;
    const { headDetail } = this.tracker.queue;
    return headDetail instanceof ExplainExecution && headDetail.run.isAnswered;
  }

  /** Our rows go out before the CommandComplete at hand, or as many of them as were asked for. */
  private putExplanation(): void {
    const { reader, tracker } = this;
    const { queue } = tracker;
    const isExecute = queue.doneKind === Owed.Execute;
    const detail = isExecute ? queue.doneDetail : queue.headDetail;
    if (!(detail instanceof ExplainExecution)) return;
    const { run, maxRows } = detail;
    const complete = reader.buffer.subarray(reader.start, reader.end);
    this.replacement = isExecute ? run.executionDone(complete, maxRows) : run.statementDone(complete);
  }

  private keepError(): void {
    const { code, isLast, buffer, start, end } = this.reader;
    if (code === BackendCode.ErrorResponse && isLast)
      this.unseenError = Buffer.from(buffer.subarray(start, end));
  }

  /** An error while a run is held: the run is given up, or the error is one the client should see. */
  private heldFailed(held: HeldRun): void {
    if (held.state !== 'holding') return;
    const { reader, tracker } = this;
    const { queue } = tracker;
    const isClientsParse = queue.headKind === Owed.Parse && queue.headDetail instanceof PreparedStatement;
    const isOfRun = !isClientsParse && reader.isLast;
    const sqlState = isOfRun ? retryableError(reader.buffer, reader.start, reader.end) : undefined;
    if (sqlState !== undefined) {
      const { headDetail } = queue;
      const isLost = headDetail instanceof RunPreparation && headDetail.message === 'Bind';
      tracker.giveUp(held.run);
      held.giveUp(isLost ? hiddenStatementLost : sqlState);
      return;
    }
    this.release();
    this.owner.heldOver();
  }

  /** The first that came of a restricted form is an error: if the server does not even take it, it was not to be sent. */
  private keptFailed(): void {
    const { kept, reader, tracker } = this;
    this.kept = undefined;
    if (kept === undefined || !reader.isLast || tracker.rewrittenHead !== kept.run) return;
    const sqlState = sqlStateOf(reader.buffer, reader.start, reader.end);
    const held = kept.refused(sqlState);
    if (held === undefined) return;
    tracker.giveUp(held.run);
    held.giveUp(sqlState);
    this.held = held;
  }

  /** A rewritten statement's messages speak of places in the text the client sent. */
  private correctPosition(kind: ResponseFields['kind']): void {
    const { reader, tracker } = this;
    const run = tracker.rewrittenHead;
    if (run === undefined || !reader.isLast) return;
    const { buffer, start, end } = reader;
    this.replacement = withClientPosition(kind, buffer, start, end, run, tracker.positionUnit);
  }

  private passOn(): void {
    const { reader, replacement } = this;
    if (replacement === undefined) this.pass(reader.buffer, reader.start, reader.end);
    else {
      this.replacement = undefined;
      this.pass(replacement, 0, replacement.length);
    }
  }

  private pass(buffer: Buffer, start: number, end: number): void {
    if (this.destination === Destination.Client) {
      this.link.toClient.forward(buffer, start, end);
    } else if (this.destination === Destination.Explanation) {
      const { headDetail } = this.tracker.queue;
      if (headDetail instanceof ExplainExecution)
        headDetail.run.takeRow(buffer, start, end, this.reader.isLast);
    } else if (this.destination === Destination.Hold) {
      const { held } = this;
      if (held?.state !== 'holding' || held.hold(buffer, start, end)) return;
      this.tracker.giveUp(held.run);
      held.giveUp('reply too large');
      this.destination = Destination.Drop;
      this.owner.heldTooMuch(held);
    }
  }

  private lostTrack(): void {
    if (this.tracker.queue.hasHidden || this.held !== undefined || this.ask !== undefined) {
      throw protocolViolation('unexpected reply from the server', `Its first byte is ${this.reader.code}.`);
    }
    this.hasLostTrack = true;
    this.destination = Destination.Client;
    this.owner.lostTrack();
  }
}
