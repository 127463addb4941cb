import { type BackendScan } from './backend-scan';
import { ContextAsk } from './context-ask';
import { encodeFlush } from '../../wire/frontend/flush';
import { encodeSync } from '../../wire/frontend/sync';
import { hiddenQuestion } from '../hidden/hidden-command';
import { type HiddenNames } from '../hidden/hidden-statement';
import { type PreparedStatement } from './prepared-statements';
import { Owed } from './reply-queue';
import { type SessionLink } from './session-link';
import { type SessionTracker } from './session-tracker';

const textOid = 25;
const beginsBlock = /^\s*(begin|start\s+transaction)\b/i;

/** Asks the server for the session's context in a hidden exchange, and remembers whether that works. */
export class ContextAsker {
  private hasWorked = false;
  private hasFailed = false;

  constructor(
    private readonly link: SessionLink,
    private readonly tracker: SessionTracker,
    private readonly backend: BackendScan,
    private readonly names: HiddenNames,
  ) {}

  /**
   * Whether to ask, as far as the transaction is concerned. In a block only what has worked before in this session: an error
   * would fail the block. A question that failed is not asked again.
   */
  get mayAsk(): boolean {
    const { status, leftOpen } = this.tracker;
    if (this.hasFailed || leftOpen.length > 0) return false;
    return status === 'idle' || (status === 'inTransaction' && this.hasWorked);
  }

  /**
   * Whether to ask before a text that is not a candidate's, with nothing in flight: before a session's first transaction block.
   * The question is only tried outside of one, where its failure harms nobody, and in the block there may be something to restrict.
   */
  mayAskBefore(text: string): boolean {
    const { tracker, link } = this;
    if (tracker.context !== undefined || !beginsBlock.test(text) || !link.engine.isContextWanted)
      return false;
    return link.mode === 'on' && tracker.status === 'idle' && this.mayAsk;
  }

  /**
   * Sends the question ahead of whatever has been added for the server and was not sent. Nothing may be in flight.
   *
   * @param prepared the client's statement whose text is compared with the server's, if it has a name
   * @param answered is told whether the context is known now; `error` is the server's, as bytes
   */
  ask(
    prepared: PreparedStatement | undefined,
    answered: (isRead: boolean, error: Buffer | undefined) => void,
  ): void {
    const { queue } = this.tracker;
    const named = nameToCompare(prepared);
    const saved = queue.takeAll();
    const ask = new ContextAsk(false, () => {
      queue.putBack(saved);
      this.answered(ask, prepared, named, answered);
    });
    this.link.toUpstream.writeAhead(Buffer.concat([this.question(ask, named), encodeSync()]));
    queue.push(Owed.Sync, undefined, true);
  }

  /**
   * Puts the question into the client's batch, behind messages that prepare statements and are sent, or added to what is sent
   * next: a Sync would give up the locks they took, and between Parse and Bind a table could change. If the question fails, the
   * server skips to a Sync, which it gets from us: what was prepared is no part of the transaction and stays. If one of the
   * client's own messages fails, the question is skipped with all that follows, and nothing is known of it.
   */
  askInBatch(
    prepared: PreparedStatement | undefined,
    answered: (isRead: boolean, error: Buffer | undefined) => void,
  ): void {
    const named = nameToCompare(prepared);
    const ask = new ContextAsk(true, () => this.answered(ask, prepared, named, answered));
    this.link.toUpstream.append(Buffer.concat([this.question(ask, named), encodeFlush()]));
  }

  /** In a batch, the server will skip what it gets until a Sync. */
  failedInBatch(): void {
    this.tracker.queue.push(Owed.Sync, undefined, true);
    this.link.toUpstream.writeAhead(encodeSync());
  }

  /** The messages of the question; their replies are owed from here on. */
  private question(ask: ContextAsk, named: PreparedStatement | undefined): Buffer {
    const question = hiddenQuestion(this.tracker.queue, this.names, {
      query: this.link.engine.contextQuery,
      parameterTypeOids: [textOid],
      parameterFormats: [],
      // Whose text is asked for too.
      parameters: [named === undefined ? null : Buffer.from(named.name, 'utf8')],
    });
    this.backend.awaitAnswer(ask);
    return question;
  }

  private answered(
    ask: ContextAsk,
    prepared: PreparedStatement | undefined,
    named: PreparedStatement | undefined,
    answered: (isRead: boolean, error: Buffer | undefined) => void,
  ): void {
    this.backend.awaitAnswer(undefined);
    const isRead = this.read(ask, named);
    if (isRead && prepared?.isConfirmed === false) prepared.verifiedEpoch = this.tracker.certainty.epoch;
    this.link.events.contextAsked(isRead ? 'answered' : 'failed');
    answered(isRead, ask.error);
  }

  private read({ row, error, isInBatch }: ContextAsk, named: PreparedStatement | undefined): boolean {
    const { tracker } = this;
    // Skipped, for one of the client's own messages before it failed.
    if (isInBatch && row === undefined && error === undefined) return false;
    const answer =
      row === undefined
        ? undefined
        : tracker.reports.guard('readContext', () => this.link.engine.readContext(row));
    if (error !== undefined || answer === undefined) {
      this.hasFailed = true;
      return false;
    }
    this.hasWorked = true;
    tracker.context = answer.context;
    tracker.certainty.wasRead();
    if (named !== undefined) {
      if (answer.preparedText === named.text) {
        named.verifiedEpoch = tracker.certainty.epoch;
        named.parameterOids = answer.preparedTypes ?? named.parameterOids;
      } else tracker.prepared.delete(named.name);
    }
    return true;
  }
}

/**
 * The client's statement whose text is compared with the server's. One whose Parse is not answered is not there to be
 * compared: it will be what the Parse says, or the Bind is skipped with it.
 */
function nameToCompare(prepared: PreparedStatement | undefined): PreparedStatement | undefined {
  return prepared?.name === '' || prepared?.isConfirmed === false ? undefined : prepared;
}
