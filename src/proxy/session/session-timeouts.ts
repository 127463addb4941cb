/** idle: outside a transaction block, nothing asked. waiting: for the server. other: neither can be said, and no time runs. */
export type SessionActivity = 'idle' | 'waiting' | 'other';

export function sessionActivity(isIdle: boolean, isWaiting: boolean): SessionActivity {
  if (isIdle) return 'idle';
  return isWaiting ? 'waiting' : 'other';
}

/** A session whose times are limited. */
export interface TimedSession {
  readonly activity: SessionActivity;
  /** Another number whenever the server has come further with what it was asked: a statement or a batch is done. */
  readonly progress: number;
  /** The client has waited too long; the session is asked again if it goes on waiting. */
  queryTimedOut(): void;
  idleTimedOut(): void;
}

/** In milliseconds; 0: no limit. */
export interface TimeLimits {
  readonly queryTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/**
 * Watches how long a session has been waiting or idle. One timer, that is not moved when something happens but looks, when it
 * fires, at what happened meanwhile: statements are many, and time-outs few.
 */
export class SessionTimeouts {
  private activity: SessionActivity = 'other';
  private progress = 0;
  private since = 0;
  private timer: NodeJS.Timeout | undefined;
  private firesAt = 0;

  constructor(
    private readonly limits: TimeLimits,
    private readonly session: TimedSession,
  ) {}

  /** Bytes have come from either side, and were dealt with. */
  noted(): void {
    const { activity, progress } = this.session;
    if (activity === this.activity && progress === this.progress) return;
    this.activity = activity;
    this.progress = progress;
    this.since = performance.now();
    this.arm();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.activity = 'other';
  }

  private get limitMs(): number {
    if (this.activity === 'idle') return this.limits.idleTimeoutMs;
    return this.activity === 'waiting' ? this.limits.queryTimeoutMs : 0;
  }

  private arm(): void {
    const { limitMs } = this;
    if (limitMs === 0) return;
    const dueAt = this.since + limitMs;
    if (this.timer !== undefined && this.firesAt <= dueAt) return;
    clearTimeout(this.timer);
    this.firesAt = dueAt;
    this.timer = setTimeout(() => this.check(), Math.max(1, dueAt - performance.now()));
  }

  private check(): void {
    this.timer = undefined;
    this.noted();
    const { limitMs } = this;
    if (limitMs === 0) return;
    // Timers may fire a moment early.
    if (performance.now() < this.since + limitMs - 1) {
      this.arm();
      return;
    }
    this.since = performance.now();
    if (this.activity === 'idle') this.session.idleTimedOut();
    else this.session.queryTimedOut();
    this.arm();
  }
}
