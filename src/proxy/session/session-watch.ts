import { type SessionHost } from './session-host';
import { SessionTimeouts, type SessionActivity, type TimedSession } from './session-timeouts';
import { type SessionStart } from '../entrance/session-start';

/** The part of a session that follows what is said, from the log-in on. */
export interface Conversation {
  fromClient(chunk: Buffer): void;
  /** Whether nothing refers to what the client, or the server, sent so far: it is read, and the kernel has taken what goes on. */
  readonly isClientChunkDone: boolean;
  readonly isUpstreamChunkDone: boolean;
  /** Outside a transaction block, nothing is asked. */
  readonly isIdle: boolean;
  /** Whether the client has got a part of a message, or might have, and waits for the rest. */
  readonly isInsideMessage: boolean;
  readonly activity: SessionActivity;
  /** See `TimedSession`. */
  readonly progress: number;
  /** Resolves when a cancel request would reach the client's own statement; undefined if it would now. */
  whenCancelable?(): Promise<void> | undefined;
}

/** What a watch can do with its session. */
export interface WatchedSession {
  /** undefined before the client is logged in, and after the end. */
  conversation(): Conversation | undefined;
  /** Interrupts what the server runs. Resolves, never rejects, when that connection is closed. */
  cancel(): Promise<void>;
  /** Look at `SessionWatch.isCanceling`. */
  cancelingChanged(): void;
  /** The client has been idle for too long. */
  endIdle(): void;
}

/**
 * Enforces `limits.query_timeout_ms` and `limits.idle_timeout_ms` in a session.
 *
 * A statement that runs too long is canceled as its client would do it, so what the client sees is the server's own 57014. While
 * the request is under way nothing is read from the client: it must not hit a statement the client sends next. (A statement
 * pipelined behind the slow one can be hit, as with any cancel request, if the slow one ends at that very moment.)
 */
export class SessionWatch implements TimedSession {
  /** Whether the client has to wait until a cancel request is delivered. */
  isCanceling = false;

  private readonly timeouts: SessionTimeouts;

  private constructor(
    private readonly host: SessionHost,
    private readonly session: WatchedSession,
  ) {
    this.timeouts = new SessionTimeouts(host.limits, this);
  }

  /** undefined if there is nothing to watch: no limits, or a connection for replication, which is silent as it likes. */
  static over(host: SessionHost, start: SessionStart, session: WatchedSession): SessionWatch | undefined {
    const { queryTimeoutMs, idleTimeoutMs } = host.limits;
    const isPlain = start.startup !== undefined && !start.startup.parameters.has('replication');
    if (!isPlain || (queryTimeoutMs === 0 && idleTimeoutMs === 0)) return undefined;
    return new SessionWatch(host, session);
  }

  get activity(): SessionActivity {
    return this.session.conversation()?.activity ?? 'other';
  }

  get progress(): number {
    return this.session.conversation()?.progress ?? 0;
  }

  /** Bytes have come from either side, and were dealt with. */
  noted(): void {
    this.timeouts.noted();
  }

  stop(): void {
    this.timeouts.stop();
  }

  idleTimedOut(): void {
    this.session.endIdle();
  }

  queryTimedOut(): void {
    if (!this.isCanceling) void this.cancel(this.progress);
  }

  private async cancel(progress: number): Promise<void> {
    await this.session.conversation()?.whenCancelable?.();
    if (this.activity !== 'waiting' || this.progress !== progress) return;
    this.host.log.info(
      { limitMs: this.host.limits.queryTimeoutMs },
      'a statement took too long and is canceled',
    );
    this.host.events.queryTimedOut();
    this.setCanceling(true);
    await this.session.cancel();
    this.setCanceling(false);
  }

  private setCanceling(isCanceling: boolean): void {
    this.isCanceling = isCanceling;
    this.session.cancelingChanged();
  }
}
