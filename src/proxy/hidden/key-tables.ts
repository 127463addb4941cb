import { type ForwardPlan, type RewritePlan } from '../../engine/engine';
import { type KeyTable } from '../../query/rewrite/key-table';
import { decodeResponseFields, ResponseField } from '../../wire/backend/response-fields';
import { encodeSync } from '../../wire/frontend/sync';
import { BackendCode } from '../../wire/message-code';
import { type BackendScan } from '../scan/backend-scan';
import { type Candidate } from '../scan/candidate';
import { type FrontendScan } from '../scan/frontend-scan';
import { Owed } from '../scan/reply-queue';
import { type SessionLink } from '../scan/session-link';
import { type SessionTracker } from '../scan/session-tracker';
import { type SessionWait } from '../scan/session-wait';
import { hiddenCommand } from './hidden-command';
import { type HiddenNames } from './hidden-statement';
import { KeyTableDrop } from './key-table-drop';
import { type HiddenQuestion } from './hidden-question';

/** Tries to drop what is left, one after the other, before the client's next statement is waited for. */
const maxTriesInARow = 3;

/** What the session does at the turns of a statement that reads tables of ours. */
export interface KeyTablesOwner {
  setWait(wait: SessionWait): void;
  resumeAfter(wait: SessionWait): void;
  /** What was done for the candidate before took `preparedMs`, in milliseconds. */
  send(candidate: Candidate, plan: ForwardPlan | RewritePlan, preparedMs?: number): void;
  /** The client is not read from behind the candidate, and behind the Sync of its batch, which is all there. */
  holdBehind(candidate: Candidate): void;
}

/**
 * Temporary tables with the keys of a restriction, in the client's own server session (methods tmp_table_in and tmp_table_join).
 *
 *   [make: one transaction] -> the client's statement, as it would run by itself -> [drop: another transaction]
 *
 * Made only outside of transaction blocks, for a statement that is alone and whole. A block that has touched a temporary table
 * cannot be prepared for two-phase commit, a failed CREATE would fail it, a rollback to a savepoint would take the table away. One
 * transaction around all three would change what the client's statement sees of its own (`now()`, its transaction id, its
 * isolation level); and an error in it is the client's business.
 *
 * The drop is sent together with the statement, so that nothing of the client's can come between, and is run whatever becomes
 * of the statement. A cancel request of the client that comes late may hit it: it is tried again then. The client is not read
 * from until it is done.
 *
 * Neither commit waits for standbys: a client's SELECT would not have either.
 */
export class KeyTables {
  /** The server did not want one; it is not asked again in this session. */
  private isRefused = false;
  private triesInARow = 0;
  /** What drops the tables that could not be dropped. */
  private readonly left: string[] = [];
  /** To be dropped behind the batch at hand. */
  private ofBatch: readonly KeyTable[] = [];
  /** Drops that were sent, and are not answered yet. */
  private underWay = 0;

  constructor(
    private readonly link: SessionLink,
    private readonly tracker: SessionTracker,
    private readonly frontend: FrontendScan,
    private readonly backend: BackendScan,
    private readonly names: HiddenNames,
    private readonly owner: KeyTablesOwner,
  ) {}

  /**
   * Whether tables can be made before the candidate and dropped behind it. Not if something between us and the server may give
   * the next transaction to another server session: then the process that answers is not the one that was announced.
   */
  mayMake(candidate: Candidate): boolean {
    const { tracker, link } = this;
    const { context, leftOpen, status } = tracker;
    const announced = link.serverProcessId();
    return (
      context?.canMakeTables === true &&
      status === 'idle' &&
      !this.isRefused &&
      this.left.length === 0 &&
      leftOpen.length === 0 &&
      announced !== undefined &&
      context.serverProcessId === announced &&
      this.frontend.isNothingInFlight &&
      candidate.canRetry
    );
  }

  /** The candidate, which waits, is sent when its tables are there. */
  restrict(candidate: Candidate, plan: RewritePlan, tables: readonly KeyTable[]): void {
    const { owner, tracker } = this;
    const { epoch } = tracker.certainty;
    const startedAt = performance.now();
    const leave = (reason: string): void =>
      owner.send(candidate, { kind: 'forward', reason, memo: plan.memo });
    if (!this.mayMake(candidate)) {
      leave('temporary table refused');
      return;
    }
    owner.setWait('making');
    this.make(tables, (areThere) => {
      // A setting that was reported meanwhile may change what the plan rests on.
      const isStale = epoch !== tracker.certainty.epoch;
      if (!areThere) leave('temporary table refused');
      else {
        if (isStale) leave('context uncertain');
        else owner.send(candidate, plan, performance.now() - startedAt);
        if (candidate.protocol === 'simple') this.dropBehind(tables);
        else this.ofBatch = tables;
        owner.holdBehind(candidate);
      }
      owner.resumeAfter('making');
    });
  }

  /** The Sync of the candidate's batch was added to what goes to the server. */
  batchEnded(): void {
    if (this.ofBatch.length > 0) this.dropBehind(this.ofBatch);
    this.ofBatch = [];
  }

  /** Whether tables of a statement are still to go, or are on their way. */
  get areThere(): boolean {
    return this.underWay > 0;
  }

  /** ReadyForQuery came. Returns true if it was that of a drop. */
  ready(): boolean {
    const { doneDetail } = this.tracker.queue;
    if (!(doneDetail instanceof KeyTableDrop)) return false;
    this.underWay--;
    if (doneDetail.isDone) this.triesInARow = 0;
    else this.left.push(doneDetail.drop);
    return true;
  }

  /** Drops what could not be dropped; nothing is owed. Returns whether something was sent. */
  dropLeft(isClientsTurn: boolean): boolean {
    if (isClientsTurn) this.triesInARow = 0;
    if (this.left.length === 0 || this.tracker.status !== 'idle' || this.triesInARow >= maxTriesInARow)
      return false;
    this.triesInARow++;
    for (const drop of this.left.splice(0)) this.link.toUpstream.writeAhead(this.dropping(drop));
    return true;
  }

  /** Makes the tables ahead of whatever has been added for the server and was not sent. `made` is told whether they are there. */
  private make(tables: readonly KeyTable[], made: (areThere: boolean) => void): void {
    const { link, tracker, backend } = this;
    const { queue } = tracker;
    const saved = queue.takeAll();
    const making = new Making(() => {
      queue.putBack(saved);
      backend.awaitAnswer(undefined);
      if (making.error !== undefined) this.failed(making.error);
      link.events.keyTables(making.error === undefined ? 'made' : 'refused');
      made(making.error === undefined);
    });
    const statements = [withoutWaiting, ...tables.flatMap(({ create }) => create)];
    const messages = statements.map((statement) => hiddenCommand(queue, this.names, statement));
    queue.push(Owed.Sync, undefined, true);
    backend.awaitAnswer(making);
    link.toUpstream.writeAhead(Buffer.concat([...messages, encodeSync()]));
  }

  private failed({ sqlState, message }: ServerError): void {
    // A cancel or a time-out says nothing of the next one.
    this.isRefused = !sqlState.startsWith('57');
    const { database, log } = this.link;
    log.debug({ database, sqlState, reason: message }, 'a temporary table for keys could not be made');
  }

  /** What drops the tables goes out with what was added before it. */
  private dropBehind(tables: readonly KeyTable[]): void {
    for (const { drop } of tables) this.link.toUpstream.append(this.dropping(drop));
  }

  /** A transaction of its own: if one drop fails, others should not. */
  private dropping(drop: string): Buffer {
    const { queue } = this.tracker;
    const detail = new KeyTableDrop(drop);
    const commands = [
      hiddenCommand(queue, this.names, withoutWaiting),
      hiddenCommand(queue, this.names, drop, detail),
    ];
    queue.push(Owed.Sync, detail, true);
    this.underWay++;
    return Buffer.concat([...commands, encodeSync()]);
  }
}

/** For the rest of the transaction. SET LOCAL would warn. */
const withoutWaiting = `SELECT pg_catalog.set_config('synchronous_commit', 'off', true)`;

interface ServerError {
  readonly sqlState: string;
  readonly message: string;
}

/** The making of tables under way. */
class Making implements HiddenQuestion {
  readonly isInBatch = false;
  error: ServerError | undefined;

  constructor(readonly done: () => void) {}

  receive(code: number, frame: Buffer, start: number, end: number): void {
    if (code !== BackendCode.ErrorResponse) return;
    const { fields } = decodeResponseFields('ErrorResponse', frame, start + 5, end);
    this.error ??= {
      sqlState: fields.get(ResponseField.SqlState) ?? '',
      message: fields.get(ResponseField.Message) ?? '',
    };
  }
}
