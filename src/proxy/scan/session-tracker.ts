import { type InspectedStatement } from '../../engine/engine';
import { type SessionContext } from '../../engine/session-context';
import { type PositionUnit } from '../../query/rewrite/insertion';
import { decodeParameterStatus } from '../../wire/backend/parameter-status';
import { BackendCode } from '../../wire/message-code';
import { readTransactionStatus, type TransactionStatus } from '../../wire/transaction-status';
import { CommandEffect, commandEffect, mayCreateTable, mayHideDefinition } from './command-tag';
import { ContextCertainty } from './context-certainty';
import { ExplainExecution, ExplainRun } from '../explain/explain-run';
import { type ExplainText } from '../../query/explain/explain-option';
import { HiddenStatement, RunPreparation } from '../hidden/hidden-statement';
import { KeyTableDrop } from '../hidden/key-table-drop';
import { OriginalRun } from '../hidden/original-run';
import { mayName } from './may-name';
import { PreparedStatement, PreparedStatements } from './prepared-statements';
import { isInspected, type Detail, type Executed } from './reply-detail';
import { Owed, ReplyQueue, type Audience } from './reply-queue';
import { RunReports, type ReportsOptions } from './run-reports';
import { StatementRun } from './statement-run';

/** A statement whose text is not known, or not text. */
export const unknownStatement: InspectedStatement = {
  text: '',
  isCandidate: false,
  leavesContextAlone: false,
};

/** With more portals than this open, all are forgotten: what is executed in them then is not known, which is always safe. */
const maxPortals = 10_000;
/** A server reports some twenty settings; of one that never ends, no more are remembered. */
const maxSettings = 1_000;

/**
 * What is known of a scanned session: the replies owed, transaction status, prepared statements and portals, and the
 * context with its certainty. Told of every message sent and received; reports finished runs to the engine. It moves no
 * bytes.
 */
export class SessionTracker {
  readonly queue = new ReplyQueue<Detail>((kind, isHidden, detail) => this.dropped(kind, isHidden, detail));
  readonly certainty = new ContextCertainty();
  readonly prepared = new PreparedStatements();
  readonly reports: RunReports;
  status: TransactionStatus = 'idle';
  /** ReadyForQuery messages so far. */
  readyCount = 0;
  /** ReadyForQuery and CommandComplete messages so far. */
  doneCount = 0;
  /** As last read. */
  context: SessionContext | undefined;
  /** Hidden statements whose Close the server skipped. */
  readonly leftOpen: HiddenStatement[] = [];

  /** Number of the batch, the messages up to a Sync, that is being sent. */
  batch = 0;
  private readonly portals = new Map<string, Executed>();
  private readonly settings = new Map<string, string>();
  private runsUnderWay = 0;
  /** Noted as sent, but not written to the server yet. */
  private readonly unwritten: StatementRun[] = [];
  /** What this batch has executed so far: more than one, one run, or nothing. */
  private executedInBatch: StatementRun | 'other' | undefined;
  private lastReplyAt = 0;
  private hasQueryEffect = false;
  private hasQueryFailed = false;
  private hasCatalogChanged = false;

  constructor(private readonly options: ReportsOptions) {
    this.reports = new RunReports(options);
  }

  /** Query or Execute was sent. */
  statementSent(kind: typeof Owed.Query | typeof Owed.Execute, executed: Executed): void {
    if (!this.queue.push(kind, executed)) return;
    if (kind === Owed.Execute) this.noteBatchMate(executed);
    if (executed instanceof StatementRun) {
      this.unwritten.push(executed);
      this.runsUnderWay++;
      if (this.isSuspect(executed.statement)) this.certainty.suspectSent();
      return;
    }
    if (!executed.isCandidate) this.options.events.statementPassed(this.options.database);
    if (this.isSuspect(executed)) this.certainty.suspectSent();
  }

  /**
   * Everything noted so far has been written. Only now the server's time begins: with hundreds of statements in one chunk,
   * the first ones wait until all are decided about, which is ours.
   */
  written(): void {
    if (this.unwritten.length === 0) return;
    const now = performance.now();
    for (const run of this.unwritten) run.started(now);
    this.unwritten.length = 0;
  }

  functionCallSent(): void {
    if (this.queue.push(Owed.FunctionCall)) this.certainty.suspectSent();
  }

  /** Parse was sent. */
  parseSent(
    name: string,
    text: string | undefined,
    declaredOids: readonly number[],
    explains?: ExplainText,
  ): void {
    if (text === undefined) {
      // The server's text of this name is one we do not know; what is remembered of it must go even if it fails.
      this.queue.push(Owed.Parse);
      this.prepared.delete(name);
      return;
    }
    const { epoch, hasSuspects } = this.certainty;
    const verified = hasSuspects ? -1 : epoch;
    const statement = new PreparedStatement(name, text, declaredOids, verified, this.batch, explains);
    if (this.queue.push(Owed.Parse, statement)) this.prepared.set(statement);
  }

  syncSent(): void {
    this.queue.push(Owed.Sync);
    this.batch++;
    this.executedInBatch = undefined;
  }

  /** The client's statement of a name, if it is known for certain. */
  preparedStatement(name: string): PreparedStatement | undefined {
    return this.prepared.get(name, this.batch);
  }

  /** Bind was sent. */
  bindSent(portalName: string, executed: Executed): void {
    // What the server skips makes no portal.
    if (!this.queue.push(Owed.Bind, executed)) return;
    if (this.portals.size >= maxPortals) this.portals.clear();
    this.portals.set(portalName, executed);
  }

  /** A Bind was sent that was not understood: any portal may be another one now. */
  unknownBindSent(): void {
    this.queue.push(Owed.Bind);
    this.portals.clear();
  }

  /** Returns true if the server is to be asked for all rows, whatever `maxRows` of the client's Execute is. */
  executeSent(portalName: string, maxRows = 0): boolean {
    const portal = this.portals.get(portalName) ?? unknownStatement;
    const isExplained = portal instanceof ExplainRun;
    this.statementSent(Owed.Execute, isExplained ? new ExplainExecution(portal, maxRows) : portal);
    return isExplained;
  }

  portalClosed(portalName: string): void {
    this.portals.delete(portalName);
  }

  /** A simple Query destroys the unnamed statement and the unnamed portal. */
  querySent(executed: Executed): void {
    this.unnamedGone();
    this.statementSent(Owed.Query, executed);
  }

  unnamedGone(): void {
    this.prepared.delete('');
    this.portals.delete('');
  }

  /** The rewritten statement that the server is at, if it is at one. */
  get rewrittenHead(): StatementRun | undefined {
    const { headDetail } = this.queue;
    const isPreparation = headDetail instanceof RunPreparation && headDetail.message !== 'Describe';
    const run = isPreparation ? headDetail.run : headDetail;
    return run instanceof StatementRun && run.plan.kind === 'rewrite' ? run : undefined;
  }

  get isUtf8(): boolean {
    return this.settings.get('client_encoding') === 'UTF8';
  }

  /** Whether a backslash in a plain string is one for certain. */
  get hasStandardStrings(): boolean {
    return this.settings.get('standard_conforming_strings') === 'on' && !this.certainty.hasSuspects;
  }

  /** What the server counts positions in a statement in. */
  get positionUnit(): PositionUnit {
    return this.settings.get('server_encoding') === 'SQL_ASCII' ? 'bytes' : 'characters';
  }

  /** Whether the context is certain for an execution of this prepared statement, or of a simple query. */
  isCertainFor(statement: PreparedStatement | undefined): boolean {
    return this.certainty.isCertain && this.isTextCertain(statement);
  }

  /** Whether the server has the text we remember for a statement: SQL can redefine one that has a name. */
  isTextCertain(statement: PreparedStatement | undefined): boolean {
    if (statement === undefined || statement.name === '') return true;
    return statement.verifiedEpoch === this.certainty.epoch && !this.certainty.hasSuspects;
  }

  /** ParameterStatus came, at start-up or later. */
  parameterStatus(frame: Buffer, start: number, end: number): void {
    const { name, value } = decodeParameterStatus(frame, start + 5, end);
    const before = this.settings.get(name);
    if (before === undefined && this.settings.size >= maxSettings) {
      this.certainty.lose();
      return;
    }
    this.settings.set(name, value);
    if (before !== undefined && before !== value) this.certainty.lose();
  }

  /** Any other message came; whom is it for? The frame is whole for the codes that are asked to be whole. */
  settle(code: number, frame: Buffer, start: number, end: number): Audience {
    const { queue } = this;
    const audience = queue.settle(code);
    if (audience === 'mismatch') return audience;
    switch (code) {
      case BackendCode.CommandComplete:
        if (audience === 'proxy') this.hiddenCommandComplete();
        else this.commandComplete(frame, start, end);
        break;
      case BackendCode.EmptyQueryResponse:
      case BackendCode.PortalSuspended:
        if (queue.doneKind === Owed.Execute) {
          this.executeDone(queue.doneDetail, true, code === BackendCode.PortalSuspended);
        }
        break;
      case BackendCode.ParseComplete:
        if (queue.doneDetail instanceof HiddenStatement) queue.doneDetail.isOpen = true;
        else if (queue.doneDetail instanceof RunPreparation) queue.doneDetail.done();
        else if (queue.doneDetail instanceof PreparedStatement) queue.doneDetail.isConfirmed = true;
        break;
      case BackendCode.RowDescription:
      case BackendCode.NoData:
        if (queue.doneDetail instanceof RunPreparation) queue.doneDetail.done();
        break;
      case BackendCode.CloseComplete:
        if (queue.doneDetail instanceof HiddenStatement) queue.doneDetail.isOpen = false;
        break;
      case BackendCode.ErrorResponse:
        this.failed(queue.doneKind, audience === 'proxy', queue.doneDetail);
        break;
      case BackendCode.ReadyForQuery:
        this.ready(readTransactionStatus(frame[start + 5]));
        break;
      default:
    }
    // A rewritten statement that cannot be prepared has failed in the place of the client's.
    const isOfRun = queue.doneDetail instanceof RunPreparation;
    return code === BackendCode.ErrorResponse && isOfRun ? 'client' : audience;
  }

  /** The restricted form of a run is given up; the original is to be run instead. */
  giveUp(run: StatementRun): void {
    this.reports.giveUp(run, this.lastReplyAt);
  }

  /** What a statement of our own has done is nobody's context, and no change of the catalog. */
  private hiddenCommandComplete(): void {
    this.doneCount++;
    if (this.runsUnderWay > 0) this.lastReplyAt = performance.now();
    const { doneDetail } = this.queue;
    if (doneDetail instanceof KeyTableDrop) doneDetail.isDone = true;
  }

  private commandComplete(frame: Buffer, start: number, end: number): void {
    this.doneCount++;
    const { queue } = this;
    const isExecute = queue.doneKind === Owed.Execute;
    const executed = isExecute ? queue.doneDetail : queue.headDetail;
    const effect = commandEffect(frame, start, end);
    if (effect === CommandEffect.TransactionEnd) this.certainty.transactionEnded();
    if (effect === CommandEffect.Definition) this.hasCatalogChanged = true;
    const isHarmless = effect === CommandEffect.TransactionControl || effect === CommandEffect.TransactionEnd;
    if (isExecute) this.executeDone(executed, !isHarmless, false);
    else this.hasQueryEffect ||= !isHarmless;
    if (
      mayHideDefinition(frame, start) &&
      isInspected(executed) &&
      this.isSuspect(executed) &&
      mayCreateTable(executed)
    ) {
      this.hasCatalogChanged = true;
    }
  }

  /** The server keeps its replies together until the Sync: how long each statement of a batch took, nobody can tell. */
  private noteBatchMate(executed: Executed): void {
    const before = this.executedInBatch;
    const run = executed instanceof StatementRun ? executed : undefined;
    // A portal that is executed in parts is alone with itself.
    if (before === run && run !== undefined) return;
    this.executedInBatch = before === undefined ? (run ?? 'other') : 'other';
    if (before === undefined) return;
    if (before instanceof StatementRun) before.isTimed = false;
    if (run !== undefined) run.isTimed = false;
  }

  private executeDone(executed: Detail | undefined, hadEffect: boolean, isSuspended: boolean): void {
    if (executed instanceof StatementRun) {
      const now = performance.now();
      executed.partDone(now, this.lastReplyAt);
      this.lastReplyAt = now;
      this.runsUnderWay--;
      if (this.isSuspect(executed.statement)) this.certainty.suspectDone(hadEffect);
      if (!isSuspended) this.reports.report(executed, 'complete', now);
      return;
    }
    if (this.runsUnderWay > 0) this.lastReplyAt = performance.now();
    if (executed instanceof OriginalRun) this.reports.originalDone(executed, true);
    if (isInspected(executed) && this.isSuspect(executed)) this.certainty.suspectDone(hadEffect);
  }

  private failed(kind: Owed, isHidden: boolean, detail: Detail | undefined): void {
    if (kind === Owed.None) {
      const { headDetail } = this.queue;
      if (headDetail instanceof KeyTableDrop) headDetail.isDone = false;
      // Query, FunctionCall and Sync are still owed ReadyForQuery.
      this.hasQueryFailed = true;
      return;
    }
    this.undo(kind, isHidden, detail, true);
    if (detail instanceof RunPreparation) detail.failed();
    const run = detail instanceof RunPreparation ? detail.run : detail;
    if (run instanceof StatementRun) this.reports.report(run, 'failed', this.lastReplyAt);
    else if (run instanceof OriginalRun) this.reports.originalDone(run, false);
  }

  private dropped(kind: Owed, isHidden: boolean, detail: Detail | undefined): void {
    this.undo(kind, isHidden, detail, false);
  }

  private undo(kind: Owed, isHidden: boolean, detail: Detail | undefined, wasRun: boolean): void {
    if (detail instanceof PreparedStatement) {
      this.prepared.delete(detail.name);
      return;
    }
    if (detail instanceof HiddenStatement) {
      if (kind === Owed.Close && isHidden && detail.isOpen) this.leftOpen.push(detail);
      return;
    }
    if (detail instanceof RunPreparation || detail instanceof KeyTableDrop) return;
    if (kind === Owed.FunctionCall) this.certainty.suspectDone(wasRun);
    if (kind !== Owed.Execute && kind !== Owed.Query) return;
    const statement = detail instanceof StatementRun ? detail.statement : detail;
    if (detail instanceof StatementRun) this.runsUnderWay--;
    if (statement !== undefined && this.isSuspect(statement)) this.certainty.suspectDone(wasRun);
  }

  /**
   * Whether a statement may change the context (rule S7). Before the context was read there is nothing to lose, and no text is
   * looked into for it; it is read while nothing is under way, so that a statement is judged alike when it is sent and done.
   * A temporary view may hide behind the name of a table, and call anything.
   */
  private isSuspect(statement: InspectedStatement): boolean {
    const { context } = this;
    if (!statement.isCandidate && context === undefined) return true;
    if (!statement.leavesContextAlone) return true;
    return context !== undefined && mayName(statement.text, context.temporaryRelations);
  }

  private ready(status: TransactionStatus | undefined): void {
    this.readyCount++;
    this.doneCount++;
    const { doneKind, doneDetail } = this.queue;
    if (doneKind === Owed.Query) this.queryDone(doneDetail);
    else if (doneKind === Owed.FunctionCall) this.certainty.suspectDone(true);
    this.hasQueryEffect = false;
    this.hasQueryFailed = false;
    if (this.runsUnderWay > 0) this.lastReplyAt = performance.now();
    if (status === undefined) {
      this.certainty.lose();
      return;
    }
    this.certainty.ready(status);
    this.status = status;
    if (status !== 'idle') return;
    if (this.portals.size > 0 && this.queue.length === 0) this.portals.clear();
    if (this.hasCatalogChanged) {
      this.hasCatalogChanged = false;
      this.reports.guard('catalogChanged', () => this.options.engine.catalogChanged());
    }
  }

  private queryDone(detail: Detail | undefined): void {
    const hadEffect = this.hasQueryEffect || this.hasQueryFailed;
    if (detail instanceof StatementRun) {
      this.runsUnderWay--;
      if (this.isSuspect(detail.statement)) this.certainty.suspectDone(hadEffect);
      this.reports.report(detail, this.hasQueryFailed ? 'failed' : 'complete', this.lastReplyAt);
      return;
    }
    if (isInspected(detail) && this.isSuspect(detail)) this.certainty.suspectDone(hadEffect);
    if (detail instanceof OriginalRun) this.reports.originalDone(detail, !this.hasQueryFailed);
  }
}
