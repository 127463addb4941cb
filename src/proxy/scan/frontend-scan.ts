import { type InspectedStatement } from '../../engine/engine';
import { readExplainText, type ExplainText } from '../../query/explain/explain-option';
import { FrameReader, FrameStep } from '../../wire/frame-reader';
import { frontendTreatments } from '../../wire/frame-treatments';
import { decodeBindNames } from '../../wire/frontend/bind';
import { decodeClose } from '../../wire/frontend/close';
import { decodeExecute } from '../../wire/frontend/execute';
import { decodeParse } from '../../wire/frontend/parse';
import { decodeQuery } from '../../wire/frontend/query';
import { FrontendCode } from '../../wire/message-code';
import { attempt } from './attempt';
import { Candidate, type MessageBytes } from './candidate';
import { parsedName } from './reply-detail';
import { Owed } from './reply-queue';
import { messageTooLarge } from '../session/session-errors';
import { unknownStatement, type SessionTracker } from './session-tracker';
import { type SessionLink } from './session-link';

/** Who decides about a candidate statement; the frame at hand is then its business, to be forwarded or replaced. */
export interface CandidateOwner {
  decide(candidate: Candidate): void;
  /** The same for one that asks for an explanation. */
  explain(candidate: Candidate, text: ExplainText): void;
  /**
   * Another text than a candidate's is about to be passed on, to be run. If true is returned, it is the owner who calls `pass`,
   * later.
   */
  beforeOther(text: string, pass: () => void): boolean;
  /** Sync was passed on. */
  batchEnded(): void;
  /** Sync came for a batch that was answered with an error of the proxy's making and thrown away. */
  answerDiscardedSync(): void;
}

/**
 * Reads what the client sends, message by message. What it does not have to stop at stays in the chunk it came in and goes
 * out as one slice. The default for everything is to pass it on: a message that cannot be decoded is the server's to judge.
 */
export class FrontendScan {
  /** Messages read so far. */
  messages = 0;
  /** Entries the messages since the last Sync have in the queue of replies owed. */
  batchEntries = 0;
  /** Whether any of these messages is on its way. */
  isBatchSent = false;
  /** How many of them prepare statements: Parse, Describe and Close. */
  private preparations = 0;
  /** Whether there are others among them, but Flush. */
  private hasOthers = false;
  /** Set while the messages up to the next Sync are thrown away. */
  isDiscarding = false;
  /** Set while the frame at hand waits for a decision. */
  isStopped = false;
  isTerminated = false;

  private readonly reader: FrameReader;

  constructor(
    private readonly link: SessionLink,
    private readonly tracker: SessionTracker,
    private readonly owner: CandidateOwner,
  ) {
    // One that is too large is not gathered to be found so.
    const { maxInspectedBytes, maxMessageBytes } = link.limits;
    const maxWholeBytes = Math.min(maxInspectedBytes, maxMessageBytes);
    this.reader = new FrameReader(frontendTreatments(), maxWholeBytes, 'frontend');
  }

  get isAtFrameBoundary(): boolean {
    return this.reader.isAtFrameBoundary;
  }

  get hasReadAll(): boolean {
    return this.reader.hasReadAll;
  }

  feed(chunk: Buffer): void {
    this.reader.feed(chunk);
  }

  takeRest(): Buffer {
    return this.reader.takeRest();
  }

  /** Reads on until the chunk is used up or a message waits for a decision. Throws PgError 08P01. */
  run(): void {
    const { reader } = this;
    const { maxMessageBytes } = this.link.limits;
    while (!this.isStopped && !this.isTerminated) {
      const step = reader.next();
      if (step === FrameStep.None) return;
      if (reader.frameBytes > maxMessageBytes) throw messageTooLarge(reader.frameBytes, maxMessageBytes);
      if (this.isDiscarding) this.discard();
      else if (step === FrameStep.Whole) this.message();
      else this.piece();
    }
  }

  /** Passes the frame at hand on. */
  forward(): void {
    this.link.toUpstream.forward(this.reader.buffer, this.reader.start, this.reader.end);
  }

  /** A message was added that does more than prepare, or one of the proxy's own. */
  noteBatchEntry(): void {
    this.batchEntries++;
    this.hasOthers = true;
  }

  /** What was added so far has been written. */
  flushed(): void {
    if (this.batchEntries > 0) this.isBatchSent = true;
    this.tracker.written();
  }

  /** Whether everything that is owed is owed to messages that have not been written yet: a lone Parse, at most. */
  get isNothingInFlight(): boolean {
    const { queue } = this.tracker;
    return (
      !this.isBatchSent &&
      queue.length === this.batchEntries &&
      (queue.length === 0 || (queue.length === 1 && queue.headKind === Owed.Parse))
    );
  }

  /** Whether this batch has done nothing but prepare statements, all that is owed is owed to it, and none has failed. */
  get isPreparing(): boolean {
    const { queue } = this.tracker;
    if (queue.isSkipping) return false;
    // What is older would be owed before any of these.
    return this.preparations > 0 && !this.hasOthers && queue.length <= this.preparations;
  }

  /** The messages of this batch, from the frame at hand to its Sync, will be thrown away. */
  discardBatch(untilSync: boolean): void {
    this.batchIsOver();
    this.isDiscarding = untilSync;
  }

  private message(): void {
    this.messages++;
    const { reader, tracker } = this;
    const { buffer, start, end } = reader;
    switch (reader.code) {
      case FrontendCode.Query:
        this.query(buffer, start, end);
        return;
      case FrontendCode.Parse:
        this.parse(buffer, start, end);
        this.preparations++;
        break;
      case FrontendCode.Bind:
        this.bind(buffer, start, end);
        return;
      case FrontendCode.Describe:
        tracker.queue.push(Owed.Describe);
        this.preparations++;
        break;
      case FrontendCode.Execute:
        this.execute(buffer, start, end);
        this.hasOthers = true;
        break;
      case FrontendCode.Close:
        this.close(buffer, start, end);
        this.preparations++;
        break;
      case FrontendCode.Sync:
        tracker.syncSent();
        this.forward();
        this.batchIsOver();
        this.owner.batchEnded();
        return;
      case FrontendCode.CopyDone:
        tracker.queue.push(Owed.CopyEnd);
        this.forward();
        return;
      case FrontendCode.Terminate:
        this.isTerminated = true;
        this.forward();
        this.link.terminated();
        return;
      default:
    }
    this.batchEntries++;
    this.forward();
  }

  /** A piece of a message that flows through, or is too large to be looked at. */
  private piece(): void {
    if (this.reader.isFirst) {
      this.messages++;
      this.noteUnread(this.reader.code);
      if (this.batchEntries > 0) this.hasOthers = true;
    }
    this.forward();
  }

  private batchIsOver(): void {
    this.batchEntries = 0;
    this.preparations = 0;
    this.hasOthers = false;
    this.isBatchSent = false;
  }

  private noteUnread(code: number): void {
    const { tracker } = this;
    switch (code) {
      case FrontendCode.Query:
        tracker.querySent(unknownStatement);
        return;
      case FrontendCode.FunctionCall:
        tracker.functionCallSent();
        return;
      case FrontendCode.CopyFail:
        tracker.queue.push(Owed.CopyEnd);
        return;
      case FrontendCode.Parse:
        tracker.prepared.deleteAll();
        tracker.queue.push(Owed.Parse);
        break;
      case FrontendCode.Bind:
        tracker.unknownBindSent();
        break;
      case FrontendCode.Describe:
        tracker.queue.push(Owed.Describe);
        break;
      case FrontendCode.Execute:
        tracker.executeSent(unknownName, 0);
        break;
      case FrontendCode.Close:
        tracker.queue.push(Owed.Close);
        break;
      default:
        return;
    }
    this.batchEntries++;
  }

  private query(buffer: Buffer, start: number, end: number): void {
    if (this.batchEntries > 0) this.hasOthers = true;
    const decoded = attempt(() => decodeQuery(buffer, start + 5, end))?.query;
    const sent = decoded !== undefined && isText(decoded) ? decoded : undefined;
    const explains = this.takeExplainOption(sent, buffer, start + 5);
    const statement = this.inspect(explains?.text ?? sent);
    if (explains !== undefined && this.isExplained(explains)) {
      const isAlone = this.isNothingBefore;
      const candidate = new Candidate('simple', statement, undefined, '', isAlone, this.messageBytes);
      this.owner.explain(candidate, explains);
      return;
    }
    if (!statement.isCandidate || this.tracker.queue.isSkipping) {
      const pass = (): void => {
        this.tracker.querySent(statement);
        this.forward();
      };
      if (!this.owner.beforeOther(statement.text, pass)) pass();
      return;
    }
    this.owner.decide(
      new Candidate('simple', statement, undefined, '', this.isNothingBefore, this.messageBytes),
    );
  }

  /** Whether no transaction is open, nothing is owed, and no batch has begun. */
  private get isNothingBefore(): boolean {
    const { status, queue } = this.tracker;
    return status === 'idle' && queue.length === 0 && this.batchEntries === 0;
  }

  /** Where the frame at hand is, and what came behind it. */
  private get messageBytes(): MessageBytes {
    const { buffer, start, end, unread } = this.reader;
    return { buffer, start, end, following: unread };
  }

  /** What the server skips, or takes for COPY data, is answered by nobody. */
  private isExplained({ explained }: ExplainText): boolean {
    const { queue } = this.tracker;
    return explained.length > 0 && !queue.isSkipping && !queue.isCopyingIn;
  }

  /** Writes blanks in place of the option PCACHE of EXPLAIN, in the frame at hand, whose text begins at `at`. */
  private takeExplainOption(text: string | undefined, buffer: Buffer, at: number): ExplainText | undefined {
    if (text === undefined || (text.includes('\\') && !this.tracker.hasStandardStrings)) return undefined;
    const explains = readExplainText(text);
    for (const [from, to] of explains?.blanks ?? []) buffer.fill(' ', at + from, at + to);
    return explains;
  }

  /** Rows that are not the server's are counted out here: it is asked for all of them. */
  private execute(buffer: Buffer, start: number, end: number): void {
    const message = attempt(() => decodeExecute(buffer, start + 5, end));
    const { portalName, maxRows } = message ?? { portalName: unknownName, maxRows: 0 };
    if (this.tracker.executeSent(portalName, maxRows)) buffer.writeUInt32BE(0, end - 4);
  }

  private parse(buffer: Buffer, start: number, end: number): void {
    const message = attempt(() => decodeParse(buffer, start + 5, end));
    if (message === undefined) {
      this.tracker.prepared.deleteAll();
      this.tracker.queue.push(Owed.Parse);
      return;
    }
    const text = isText(message.query) ? message.query : undefined;
    const explains = this.takeExplainOption(text, buffer, buffer.indexOf(0, start + 5) + 1);
    this.tracker.parseSent(
      message.statementName,
      explains?.text ?? text,
      message.parameterTypeOids,
      explains !== undefined && explains.explained.length > 0 ? explains : undefined,
    );
  }

  private bind(buffer: Buffer, start: number, end: number): void {
    const { tracker } = this;
    const names = attempt(() => decodeBindNames(buffer, start + 5, end));
    const prepared = names === undefined ? undefined : tracker.preparedStatement(names.statementName);
    const statement = this.inspect(prepared?.text);
    if (names === undefined) tracker.unknownBindSent();
    else if (prepared?.explains !== undefined && this.isExplained(prepared.explains)) {
      const { portalName, statementName } = names;
      const isAlone = this.isAlone(statementName);
      const candidate = new Candidate(
        'extended',
        statement,
        prepared,
        portalName,
        isAlone,
        this.messageBytes,
      );
      this.owner.explain(candidate, prepared.explains);
      return;
    } else if (!statement.isCandidate || tracker.queue.isSkipping) {
      const pass = (): void => {
        tracker.bindSent(names.portalName, statement);
        this.noteBatchEntry();
        this.forward();
      };
      if (!this.owner.beforeOther(statement.text, pass)) pass();
      return;
    } else {
      const { portalName, statementName } = names;
      const isAlone = this.isAlone(statementName);
      this.owner.decide(
        new Candidate('extended', statement, prepared, portalName, isAlone, this.messageBytes),
      );
      return;
    }
    this.noteBatchEntry();
    this.forward();
  }

  /** Whether no transaction is open, and nothing is in flight but a Parse of the statement that is bound. */
  private isAlone(statementName: string): boolean {
    const { tracker } = this;
    const { queue } = tracker;
    if (tracker.status !== 'idle') return false;
    if (queue.length === 0) return this.batchEntries === 0;
    // A Parse before it has to be the one of this statement: otherwise it is another client's wish in the same batch.
    return (
      queue.length === 1 &&
      this.batchEntries === 1 &&
      queue.headKind === Owed.Parse &&
      parsedName(queue.headDetail) === statementName
    );
  }

  private close(buffer: Buffer, start: number, end: number): void {
    const message = attempt(() => decodeClose(buffer, start + 5, end));
    this.tracker.queue.push(Owed.Close);
    if (message === undefined) this.tracker.prepared.deleteAll();
    else if (message.target === 'statement') this.tracker.prepared.delete(message.name);
    else this.tracker.portalClosed(message.name);
  }

  private discard(): void {
    const { reader } = this;
    if (reader.code === FrontendCode.Sync) {
      this.isDiscarding = false;
      this.owner.answerDiscardedSync();
    } else if (reader.code === FrontendCode.Terminate) {
      this.isTerminated = true;
      this.forward();
      this.link.terminated();
    }
  }

  private inspect(text: string | undefined): InspectedStatement {
    if (text === undefined) return unknownStatement;
    return this.tracker.reports.guard('inspect', () => this.link.engine.inspect(text)) ?? unknownStatement;
  }
}

/** No portal has it: a name ends at its first zero byte. */
const unknownName = '\0';

/** Bytes that are no UTF-8 decode to this character; such text is not offered to the engine. */
function isText(text: string): boolean {
  return !text.includes('\ufffd');
}
