import { type BackendScan } from './backend-scan';
import { ContextAsk } from './context-ask';
import { encodeContextAsk, HiddenStatement, type HiddenNames } from './hidden-statement';
import { type PreparedStatement } from './prepared-statements';
import { Owed } from './reply-queue';
import { type SessionLink } from './session-link';
import { type SessionTracker } from './session-tracker';

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
    // A statement whose Parse waits behind the question is not there to be compared: it will be what the Parse says, or the
    // Bind is skipped with it.
    const named = prepared?.name === '' || prepared?.isConfirmed === false ? undefined : prepared;
    const hidden = new HiddenStatement(this.names.next());
    const saved = queue.takeAll();
    queue.push(Owed.Parse, hidden, true);
    queue.push(Owed.Bind, undefined, true);
    queue.push(Owed.Execute, undefined, true);
    queue.push(Owed.Close, undefined, true);
    queue.push(Owed.Close, hidden, true);
    queue.push(Owed.Sync, undefined, true);
    const ask = new ContextAsk(() => {
      this.backend.awaitAnswer(undefined);
      queue.putBack(saved);
      const isRead = this.read(ask, named);
      if (isRead && prepared?.isConfirmed === false) prepared.verifiedEpoch = this.tracker.certainty.epoch;
      this.link.events.contextAsked(isRead ? 'answered' : 'failed');
      answered(isRead, ask.error);
    });
    this.backend.awaitAnswer(ask);
    const { contextQuery } = this.link.engine;
    this.link.toUpstream.writeAhead(Buffer.concat(encodeContextAsk(contextQuery, hidden.name, named?.name)));
  }

  private read({ row, error }: ContextAsk, named: PreparedStatement | undefined): boolean {
    const { tracker } = this;
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
      if (answer.preparedText === named.text) named.verifiedEpoch = tracker.certainty.epoch;
      else tracker.prepared.delete(named.name);
    }
    return true;
  }
}
