import { type TransactionStatus } from '../../wire/transaction-status';

/**
 * Whether the session's context, as last read, still holds (rule S7). Pure; told about everything that may change it.
 *
 * The context is certain from a reading on, until
 *   - a statement runs that is not known to leave the context alone (from the moment it is sent: what is pipelined behind
 *     it would run in what it leaves),
 *   - the server reports a setting with a new value,
 *   - a transaction block ends, or a savepoint is rolled back to, in which the context was uncertain or was read: SET LOCAL
 *     ends there, and a rolled back SET is undone.
 */
export class ContextCertainty {
  /** Counts the losses: what was certain in one epoch is not in the next. */
  epoch = 0;

  private known = false;
  private suspects = 0;
  private status: TransactionStatus = 'idle';
  private isBlockTouched = false;

  get isCertain(): boolean {
    return this.known && this.suspects === 0;
  }

  /** Whether statements are under way that may change the context. */
  get hasSuspects(): boolean {
    return this.suspects > 0;
  }

  /** A statement was sent that may change the context. */
  suspectSent(): void {
    this.suspects++;
  }

  /** Such a statement is over; `hadEffect` false: it turned out to be harmless, or the server skipped it. */
  suspectDone(hadEffect: boolean): void {
    this.suspects--;
    if (hadEffect) this.lose();
  }

  lose(): void {
    this.known = false;
    this.epoch++;
    if (this.status !== 'idle') this.isBlockTouched = true;
  }

  /** The context was read from the server, with nothing else under way. */
  wasRead(): void {
    this.known = true;
    if (this.status !== 'idle') this.isBlockTouched = true;
  }

  /** COMMIT or ROLLBACK went through, perhaps AND CHAIN or TO SAVEPOINT, in which case the block goes on. */
  transactionEnded(): void {
    if (this.isBlockTouched) this.lose();
  }

  /** ReadyForQuery came. */
  ready(status: TransactionStatus): void {
    const before = this.status;
    if (before !== 'idle' && status === 'idle' && this.isBlockTouched) this.lose();
    this.status = status;
    if (status === 'idle') this.isBlockTouched = false;
    else if (before === 'idle') this.isBlockTouched = !this.known;
  }
}
