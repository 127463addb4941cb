import { randomBytes } from 'node:crypto';
import { type StatementRun } from '../scan/statement-run';

/** A prepared statement of the proxy's own in a client's session. */
export class HiddenStatement {
  /** Whether the server has it: from ParseComplete to CloseComplete. */
  isOpen = false;
  /** Whether the server has, since then, found the client's own statement fit to be run. */
  isProven = false;
  /** Whether the server has told the client something while it parsed or planned it, which it would do each time with a text. */
  hasSpoken = false;
  /** Whether it could not be run when it was thought to be fit. */
  hasFailed = false;

  constructor(readonly name: string) {}
}

/**
 * A hidden message without which a rewritten statement cannot be run: Parse of the hidden statement, Bind if the client's is a text, or Describe of
 * the client's own. If it fails, the client's statement has failed.
 */
export class RunPreparation {
  constructor(
    readonly message: 'Parse' | 'Bind' | 'Describe',
    readonly run: StatementRun,
    private readonly hidden: HiddenStatement,
  ) {}

  /** The server's answer was good. */
  done(): void {
    if (this.message === 'Parse') this.hidden.isOpen = true;
    else this.hidden.isProven = true;
  }

  failed(): void {
    this.hidden.hasFailed = true;
  }

  /** What the server says now is for the client to hear, who has sent a text, and knows of no Parse. */
  get isOfText(): boolean {
    return this.run.candidate.protocol === 'simple';
  }

  /** As the server may call the statement in what it says at `client_min_messages = debug2`: `parse pcache_…: SELECT …`. */
  get name(): string {
    return this.hidden.name;
  }

  noticed(): void {
    this.hidden.hasSpoken = true;
  }
}

/** Names no client uses: the random part is drawn once for a session, so that they cannot be guessed and taken. */
export class HiddenNames {
  private readonly prefix: string;
  private count = 0;

  constructor() {
    this.prefix = randomBytes(8).toString('hex');
  }

  next(): string {
    return `pcache_${++this.count}_${this.prefix}`;
  }
}
