import { type ForwardPlan, type Plan, type RewritePlan } from '../../engine/engine';
import { protocolViolation, SqlState, type PgError } from '../../errors/pg-error';
import { encodeReadyForQuery } from '../../wire/backend/ready-for-query';
import { type FrameReader } from '../../wire/frame-reader';
import { BackendScan, type ReplyOwner } from './backend-scan';
import { CandidateRequest, type Candidate } from './candidate';
import { ContextAsker } from './context-asker';
import { FrontendScan, type CandidateOwner } from './frontend-scan';
import { Explainer, type ExplainOwner } from '../explain/explainer';
import { type ExplainText } from '../../query/explain/explain-option';
import { Fallback, type FallbackOwner } from '../hidden/fallback';
import { type HeldRun } from '../hidden/held-run';
import { KeyTables, type KeyTablesOwner } from '../hidden/key-tables';
import { HiddenNames } from '../hidden/hidden-statement';
import { parsedName } from './reply-detail';
import { type Audience } from './reply-queue';
import { isStatementDoubtful, rewriteObjection } from './rewrite-objection';
import { type SessionLink } from './session-link';
import { sessionActivity, type SessionActivity } from '../session/session-timeouts';
import { SessionTracker } from './session-tracker';
import { enterWait, isCancelable, type SessionWait } from './session-wait';
import { type StatementRun } from './statement-run';
import { StatementSender } from './statement-sender';

/**
 * The scanned part of a session: what the client sends is read, candidate statements are offered to the engine, hidden
 * messages are mixed in and their replies taken out again. Whatever goes wrong in deciding, the client's bytes go on as
 * they came (rule S11).
 */
export class ScannedSession
  implements CandidateOwner, ReplyOwner, FallbackOwner, ExplainOwner, KeyTablesOwner
{
  readonly tracker: SessionTracker;

  private readonly frontend: FrontendScan;
  private readonly backend: BackendScan;
  private readonly asker: ContextAsker;
  private readonly sender: StatementSender;
  private readonly fallback: Fallback;
  private readonly keyTables: KeyTables;
  private readonly explainer: Explainer;
  wait: SessionWait = 'reading';
  private holdAfterSync = false;
  isOver = false;
  private readonly cancelWaiters: (() => void)[] = [];

  /** @param reader the reader of the server's messages, past the start-up, and its treatments */
  constructor(
    private readonly link: SessionLink,
    private readonly reader: FrameReader,
    treatments: Uint8Array,
  ) {
    this.tracker = new SessionTracker(link);
    this.frontend = new FrontendScan(link, this.tracker, this);
    this.backend = new BackendScan(link, this.tracker, reader, treatments, this);
    const names = new HiddenNames();
    this.asker = new ContextAsker(link, this.tracker, this.backend, names);
    this.sender = new StatementSender(link, this.tracker, this.frontend, names);
    this.fallback = new Fallback(link, this.tracker, this.frontend, this.backend, this);
    this.keyTables = new KeyTables(link, this.tracker, this.frontend, this.backend, names, this);
    const { tracker, frontend, backend, keyTables } = this;
    this.explainer = new Explainer(link, tracker, frontend, backend, names, keyTables, this);
  }

  /** For SessionWatch. */
  get activity(): SessionActivity {
    const isWaiting = this.tracker.queue.length > 0 || this.wait !== 'reading';
    return sessionActivity(this.isIdle, isWaiting && !this.backend.hasLostTrack);
  }

  get progress(): number {
    return this.tracker.doneCount;
  }

  /** Nothing is owed, no transaction is open, and no message is half read. */
  get isIdle(): boolean {
    const { tracker, frontend } = this;
    return (
      this.wait === 'reading' &&
      tracker.status === 'idle' &&
      tracker.queue.length === 0 &&
      frontend.batchEntries === 0 &&
      frontend.isAtFrameBoundary
    );
  }

  get isClientChunkDone(): boolean {
    return this.wait === 'reading' && this.frontend.hasReadAll && this.link.toUpstream.isWritten;
  }

  get isUpstreamChunkDone(): boolean {
    return this.reader.hasReadAll && this.link.toClient.isWritten;
  }

  /** Takes a chunk from the client; none may come before `link.holdClient(false)` while it is held. */
  fromClient(chunk: Buffer): void {
    if (this.backend.hasLostTrack) {
      this.link.toUpstream.append(chunk);
      this.link.toUpstream.flush();
      return;
    }
    if (this.frontend.isTerminated) return;
    this.frontend.feed(chunk);
    this.readClient();
  }

  /** Reads the chunk that the reader of the server's messages was fed. */
  fromUpstream(): void {
    if (!this.backend.hasLostTrack) this.backend.run();
    if (this.backend.hasLostTrack) this.link.toClient.append(this.reader.takeRest());
    this.link.toClient.flush();
  }

  /** Whether the client has got a part of a message, and waits for the rest. */
  get isInsideMessage(): boolean {
    return this.backend.isInsideMessage;
  }

  /** What the server said last, if it was an error that was kept from the client. */
  get unseenError(): Buffer | undefined {
    return this.backend.unseenError;
  }

  /** Resolves when a cancel request would reach the client's own statement; undefined if it would now. */
  whenCancelable(): Promise<void> | undefined {
    if (isCancelable(this.wait)) return undefined;
    return new Promise((resolve) => this.cancelWaiters.push(resolve));
  }

  /** The session has ended; nothing that is still pending has an effect. */
  close(): void {
    this.isOver = true;
    this.wakeCancels();
  }

  /**
   * What the client sends cannot be framed any more: it goes to the server as it is, up to here, which will end the
   * connection as it sees fit. False if the server is in the middle of something hidden, or the message is too large for the
   * proxy alone.
   */
  passRestUnread({ sqlState }: PgError): boolean {
    if (sqlState !== SqlState.ProtocolViolation) return false;
    if (this.wait !== 'reading' || this.holdAfterSync || this.frontend.isDiscarding) return false;
    this.frontend.isTerminated = true;
    this.link.toUpstream.append(this.frontend.takeRest());
    this.flushUpstream();
    return true;
  }

  decide(candidate: Candidate, hasAsked = false): void {
    const { tracker } = this;
    if (tracker.status === 'failed' && this.frontend.isNothingInFlight) {
      this.send(candidate, { kind: 'forward', reason: 'transaction failed' });
      return;
    }
    const isContextCertain = tracker.isCertainFor(candidate.prepared);
    const request = new CandidateRequest(candidate, tracker.context, isContextCertain, this.keyTables);
    const plan = tracker.reports.guard('plan', () => this.link.engine.plan(request));
    if (plan instanceof Promise) this.awaitPlan(candidate, plan, hasAsked);
    else this.follow(candidate, plan ?? { kind: 'forward', reason: 'engine error' }, hasAsked);
  }

  explain(candidate: Candidate, text: ExplainText): void {
    this.sender.beforeOther(candidate.statement.text);
    this.explainer.explain(candidate, text);
  }

  beforeOther(text: string, pass: () => void): boolean {
    this.sender.beforeOther(text);
    if (!this.frontend.isNothingInFlight || !this.asker.mayAskBefore(text)) return false;
    this.setWait('asking');
    this.asker.ask(undefined, () => {
      pass();
      this.resumeAfter('asking');
    });
    return true;
  }

  batchEnded(): void {
    if (!this.holdAfterSync) return;
    this.holdAfterSync = false;
    this.keyTables.batchEnded();
    this.setWait('holding');
  }

  /** The ReadyForQuery the server would have sent. */
  answerDiscardedSync(): void {
    this.link.toClient.append(encodeReadyForQuery({ transactionStatus: this.tracker.status }));
    this.link.toClient.flush();
  }

  heldOver(): void {
    this.flushUpstream();
    this.resumeHeld();
  }

  /** The client is read on if neither a held reply nor tables that are to go speak against that. */
  private resumeHeld(): void {
    if ((this.wait !== 'holding' && this.wait !== 'switching') || this.backend.held !== undefined) return;
    if (this.keyTables.areThere) this.setWait('holding');
    else this.resume();
  }

  heldTooMuch(held: HeldRun): void {
    this.fallback.interrupt(held);
    this.setWait('switching');
  }

  ready(audience: Audience): void {
    const { backend, tracker } = this;
    const { held, ask } = backend;
    if (ask !== undefined) ask.done();
    else if (this.keyTables.ready()) this.resumeHeld();
    else if (held !== undefined) this.fallback.ready(held, audience);
    if (tracker.queue.length > 0 || this.wait !== 'reading' || !this.link.toUpstream.isEmpty) return;
    if (this.frontend.batchEntries > 0) return;
    if (tracker.leftOpen.length > 0) {
      this.sender.closeLeftOpen();
      return;
    }
    if (this.keyTables.dropLeft(audience === 'client')) return;
    const { wantsContext } = tracker.reports;
    if (wantsContext !== undefined && tracker.status === 'idle') {
      if (this.asker.mayAsk) this.askToLearn(wantsContext);
      else tracker.reports.wantsContext = undefined;
    } else {
      this.link.becameIdle();
    }
  }

  lostTrack(): void {
    if (this.wait !== 'reading') throw protocolViolation('unexpected reply from the server');
    this.link.log.warn(
      { database: this.link.database },
      'replies no longer match what was asked; the session goes on unscanned',
    );
    this.link.events.scanningGivenUp();
    this.link.toUpstream.append(this.frontend.takeRest());
    this.flushUpstream();
  }

  private readClient(): void {
    this.frontend.run();
    // While nothing else is in flight, the messages before an undecided one may still have to wait for a hidden question.
    if (this.wait === 'asking' || this.wait === 'making') return;
    if (this.wait === 'planning' && this.frontend.isNothingInFlight) return;
    this.flushUpstream();
  }

  private flushUpstream(): void {
    this.link.toUpstream.flush();
    this.frontend.flushed();
  }

  setWait(wait: SessionWait): void {
    if (wait !== this.wait) this.wait = enterWait(this.wait, wait);
    this.frontend.isStopped = wait !== 'reading';
    this.link.holdClient(wait !== 'reading');
  }

  /** The client's messages are read on. */
  private resume(): void {
    this.setWait('reading');
    this.readClient();
    if (isCancelable(this.wait)) this.wakeCancels();
  }

  /** After a decision that came late: what was decided is sent, and the client's messages are read on if they may be. */
  resumeAfter(wait: SessionWait): void {
    if (this.wait === wait) this.resume();
    else if (isCancelable(this.wait)) {
      this.flushUpstream();
      this.wakeCancels();
    }
  }

  private wakeCancels(): void {
    for (const wake of this.cancelWaiters.splice(0)) wake();
  }

  private awaitPlan(candidate: Candidate, pending: Promise<Plan>, hasAsked: boolean): void {
    const { epoch } = this.tracker.certainty;
    this.setWait('planning');
    const settle = (plan: Plan): void => {
      if (this.isOver) return;
      // A setting that was reported meanwhile may change what the plan rests on.
      const isStale = plan.kind === 'rewrite' && epoch !== this.tracker.certainty.epoch;
      this.follow(candidate, isStale ? { kind: 'forward', reason: 'context uncertain' } : plan, hasAsked);
      this.resumeAfter('planning');
    };
    void pending
      .catch((error: unknown): Plan => {
        this.tracker.reports.engineFailed('plan', error);
        return { kind: 'forward', reason: 'engine error' };
      })
      .then((plan) => this.link.guard(() => settle(plan)));
  }

  private follow(candidate: Candidate, plan: Plan, hasAsked: boolean): void {
    const isDoubtful =
      plan.kind === 'rewrite' && isStatementDoubtful(candidate, plan, this.tracker, hasAsked);
    if (plan.kind === 'needsContext' || isDoubtful) {
      if (!hasAsked && this.mayAskNow)
        this.askBefore(candidate, (isRead) => this.decideAgain(candidate, isRead));
      else this.send(candidate, { kind: 'forward', reason: 'context uncertain' });
      return;
    }
    const objection = plan.kind === 'rewrite' ? rewriteObjection(candidate, plan, this.link.mode) : undefined;
    if (plan.kind === 'rewrite' && plan.tables !== undefined && objection === undefined) {
      this.keyTables.restrict(candidate, plan, plan.tables);
      return;
    }
    this.send(
      candidate,
      objection === undefined ? plan : { kind: 'forward', reason: objection, memo: plan.memo },
    );
  }

  /** Sends a candidate as the plan says; what was done for it before took `preparedMs`. */
  send(candidate: Candidate, plan: ForwardPlan | RewritePlan, preparedMs = 0): void {
    const run = this.sender.send(candidate, plan);
    run.prepared(preparedMs);
    if (plan.kind === 'rewrite' && (plan.mustRetryOnError || run.isKeptText)) {
      // What is to be run if it fails needs no copy: the client is not read from before it is over, and the chunk is kept.
      this.fallback.hold(candidate, run);
      this.holdBehind(candidate);
    } else if (plan.kind === 'rewrite') this.fallback.keep(candidate, run, plan);
    candidate.releaseChunk();
  }

  holdBehind({ protocol }: Candidate): void {
    if (protocol === 'simple') this.setWait('holding');
    else this.holdAfterSync = true;
  }

  get mayAskNow(): boolean {
    return (this.frontend.isNothingInFlight || this.frontend.isPreparing) && this.asker.mayAsk;
  }

  askBefore(candidate: Candidate, decided: (isRead: boolean) => void): void {
    const { frontend, asker } = this;
    const { status } = this.tracker;
    const answered = (isRead: boolean, error: Buffer | undefined): void => {
      if (error !== undefined && status === 'inTransaction') this.answerWithError(candidate, error);
      else {
        decided(isRead);
        this.resumeAfter('asking');
      }
    };
    this.setWait('asking');
    if (frontend.isNothingInFlight) asker.ask(candidate.prepared, answered);
    else {
      asker.askInBatch(candidate.prepared, answered);
      this.flushUpstream();
    }
  }

  questionFailed(): void {
    this.asker.failedInBatch();
  }

  private decideAgain(candidate: Candidate, isRead: boolean): void {
    const { prepared } = candidate;
    const isStillKnown = prepared === undefined || this.tracker.prepared.has(prepared);
    if (isRead && isStillKnown) this.decide(candidate, true);
    else
      this.send(candidate, { kind: 'forward', reason: isRead ? 'statement redefined' : 'context unknown' });
  }

  private askToLearn(run: StatementRun): void {
    this.setWait('asking');
    const { tracker } = this;
    const { reports, certainty } = tracker;
    this.asker.ask(undefined, (isRead) => {
      if (isRead) reports.reportAgain(run, tracker.context, certainty.isCertain);
      else reports.wantsContext = undefined;
      this.resume();
    });
  }

  /**
   * Something hidden failed, with an error that is the client's: inside a transaction block, which is failed now, or by a cancel
   * request. So the client's statement has failed, with that error: what was not sent of its batch is thrown away.
   */
  answerWithError(candidate: Candidate, error: Buffer): void {
    const { tracker, link, frontend } = this;
    for (const detail of tracker.queue.takeAll().details) {
      const name = parsedName(detail);
      if (name !== undefined) tracker.prepared.delete(name);
    }
    link.toUpstream.discard();
    link.toClient.append(error);
    frontend.discardBatch(candidate.protocol === 'extended');
    if (candidate.protocol === 'simple') this.answerDiscardedSync();
    else link.toClient.flush();
    this.resume();
  }
}
